"""to_thread: a call that blocks, off the loop."""
import asyncio
import os


async def main():
    reading, writing = (os.fdopen(end, mode) for end, mode in zip(os.pipe(), "rw"))
    line = asyncio.create_task(asyncio.to_thread(reading.readline))
    await asyncio.sleep(0)
    writing.write("from the pipe\n")
    writing.close()
    print("read", await line, end="")


asyncio.run(main())
