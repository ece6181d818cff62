"""add_reader: what is done when a descriptor is readable."""
import asyncio
import os


async def main():
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    reading, writing = os.pipe()

    def on_readable():
        if text := os.read(reading, 80):
            print("read", text.decode())
        else:
            print("read all")
            done.set()

    loop.add_reader(reading, on_readable)
    os.write(writing, b"some bytes")
    os.close(writing)
    await done.wait()
    loop.remove_reader(reading)
    os.close(reading)


asyncio.run(main())
