"""libev, through gevent's loop: a signal, a timer that repeats, and a wake-up from a thread."""
import os
import signal
import threading

import gevent

loop = gevent.get_hub().loop
on_signal, on_tick, on_wake = loop.signal(signal.SIGUSR1), loop.timer(0.01, 0.01), loop.async_()
ticks = 0


def signalled():
    print("a signal")
    on_signal.stop()
    on_wake.start(woken)
    on_tick.start(ticked)


def ticked():
    global ticks
    ticks += 1
    print("tick", ticks)
    if ticks == 3:
        on_tick.stop()
        threading.Thread(target=on_wake.send).start()


def woken():
    print("woken by a thread")
    on_wake.stop()


on_signal.start(signalled)
os.kill(os.getpid(), signal.SIGUSR1)
loop.run()
