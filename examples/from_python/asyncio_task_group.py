"""TaskGroup: the block ends when all have ended; the first failure cancels the others."""
import asyncio


async def double(n):
    return 2 * n


async def main():
    async with asyncio.TaskGroup() as group:
        task = group.create_task(double(21))
    print("result", task.result())

    reading = asyncio.Event()

    async def reader():
        try:
            reading.set()
            await asyncio.Event().wait()
        finally:
            print("reader cleans up")

    async def writer():
        await reading.wait()
        raise OSError("disk full")

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(reader())
            group.create_task(writer())
    except* OSError as failures:
        print("failed:", *failures.exceptions)


asyncio.run(main())
