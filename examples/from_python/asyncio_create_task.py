"""create_task, await, cancel."""
import asyncio


async def square(n):
    await asyncio.sleep(0)
    return n * n


async def main():
    task = asyncio.create_task(square(7), name="square")
    print(task.get_name(), "gives", await task)

    waiting = asyncio.create_task(asyncio.Event().wait())
    waiting.cancel()
    try:
        await waiting
    except asyncio.CancelledError:
        print("it was cancelled")


asyncio.run(main())
