"""From a thread into the loop: run_coroutine_threadsafe, call_soon_threadsafe."""
import asyncio
import threading


async def square(n):
    return n * n


def work(loop, queue):
    for n in range(3):
        squared = asyncio.run_coroutine_threadsafe(square(n), loop).result()
        loop.call_soon_threadsafe(queue.put_nowait, squared)
    loop.call_soon_threadsafe(queue.put_nowait, None)


async def main():
    queue = asyncio.Queue()
    thread = threading.Thread(target=work, args=(asyncio.get_running_loop(), queue))
    thread.start()
    while (n := await queue.get()) is not None:
        print("from the thread:", n)
    thread.join()


asyncio.run(main())
