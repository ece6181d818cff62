"""wait: until the first has ended, or some time has passed."""
import asyncio


async def fast():
    pass


async def main():
    never = asyncio.Event()
    tasks = [asyncio.create_task(never.wait(), name="slow"), asyncio.create_task(fast(), name="fast")]

    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    print("first:", *[t.get_name() for t in done])

    done, pending = await asyncio.wait(pending, timeout=0.01)
    print("within 10 ms:", len(done))

    for task in pending:
        task.cancel()
    await asyncio.wait(pending)
    print("ended:", *[t.get_name() for t in pending])


asyncio.run(main())
