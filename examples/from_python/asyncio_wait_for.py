"""wait_for, timeout, and a time limit on one call."""
import asyncio


async def answer():
    return 42


async def main():
    never = asyncio.Event()
    try:
        await asyncio.wait_for(never.wait(), 0.01)
    except asyncio.TimeoutError:
        print("wait_for: the time is up")

    late = False
    try:
        async with asyncio.timeout(0.01):
            await never.wait()
    except TimeoutError:
        late = True
    print("timeout: the time is up" if late else "timeout: it was set")

    print("in time:", await asyncio.wait_for(answer(), 60))


asyncio.run(main())
