"""add_signal_handler, call_later: a loop with callbacks."""
import asyncio
import os
import signal


async def main():
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def on_timer():
        print("a timer")
        done.set()

    def on_signal():
        print("a signal")
        loop.call_later(0.01, on_timer)

    loop.add_signal_handler(signal.SIGUSR1, on_signal)
    os.kill(os.getpid(), signal.SIGUSR1)
    await done.wait()
    loop.remove_signal_handler(signal.SIGUSR1)


asyncio.run(main())
