"""PriorityQueue: the smallest first."""
import asyncio


async def main():
    queue = asyncio.PriorityQueue()
    for n in (3, 1, 2):
        await queue.put(n)
    for _ in range(3):
        print(await queue.get())


asyncio.run(main())
