"""gather: results in order; a failure; return_exceptions."""
import asyncio


async def length(word):
    await asyncio.sleep(0)
    if not word:
        raise ValueError("empty")
    return len(word)


async def main():
    a, b = await asyncio.gather(length("weir"), length("river"))
    print(a, b)

    words = ["a", "", "ccc"]
    try:
        await asyncio.gather(*map(length, words))
    except ValueError as e:
        print("failed:", e)

    results = await asyncio.gather(*map(length, words), return_exceptions=True)
    kept = [r for r in results if not isinstance(r, Exception)]
    print(*kept, "and", len(results) - len(kept), "failed")


asyncio.run(main())
