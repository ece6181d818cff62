"""Semaphore: six workers, two at a time; the barrier has them come in twos, so that there are really two."""
import asyncio


async def main():
    permits, pair = asyncio.Semaphore(2), asyncio.Barrier(2)
    inside = most = 0

    async def work():
        nonlocal inside, most
        async with permits:
            inside += 1
            most = max(most, inside)
            await pair.wait()
            inside -= 1

    await asyncio.gather(*[work() for _ in range(6)])
    print("at most", most, "at once")


asyncio.run(main())
