"""shield, awaited again, so that what was begun is finished before the cancel goes on."""
import asyncio


async def main():
    begun, go = asyncio.Event(), asyncio.Event()

    async def save():
        begun.set()
        await go.wait()
        print("saved")

    async def worker():
        saving = asyncio.create_task(save())
        try:
            await asyncio.shield(saving)
        except asyncio.CancelledError:
            await saving
            raise
        print("never printed")

    task = asyncio.create_task(worker())
    await begun.wait()
    task.cancel()
    go.set()
    try:
        await task
    except asyncio.CancelledError:
        print("then cancelled")


asyncio.run(main())
