"""Queue: bounded, with put_nowait and get; the end has to be said."""
import asyncio


async def main():
    queue = asyncio.Queue(maxsize=2)
    count = 0
    try:
        while True:
            queue.put_nowait(count)
            count += 1
    except asyncio.QueueFull:
        print("full at", count)

    async def produce():
        for n in range(2, 6):
            await queue.put(n)
        await queue.put(None)

    producer = asyncio.create_task(produce())
    while (n := await queue.get()) is not None:
        print("got", n)
    await producer


asyncio.run(main())
