"""sleep: never less than asked for; sleep(0) lets others run; spawn_later."""
import time

import gevent

begun = time.monotonic()
gevent.sleep(0.02)
print("slept 20 ms:", time.monotonic() - begun >= 0.02)

done = False


def set_done():
    global done
    done = True


gevent.spawn(set_done)
while not done:
    gevent.sleep(0)
print("sleep(0) let the other run")

later = gevent.spawn_later(0.01, lambda: "later")
print(later.get())
