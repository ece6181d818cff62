"""as_completed: the order in which they end, here the last one first, as each lets the one before it go."""
import asyncio


async def main():
    go = [asyncio.Event() for _ in range(3)]

    async def step(n):
        await go[n].wait()
        return n

    go[2].set()
    for earliest in asyncio.as_completed([step(n) for n in range(3)]):
        n = await earliest
        print("finished", n)
        if n > 0:
            go[n - 1].set()


asyncio.run(main())
