"""spawn, joinall, value, get, kill."""
import gevent
from gevent.event import Event


def square(n):
    gevent.sleep(0)
    return n * n


jobs = [gevent.spawn(square, n) for n in range(5)]
gevent.joinall(jobs)
print(*[job.value for job in jobs], sep="\n")

failing = gevent.spawn(lambda: square("x"))
try:
    failing.get()
except TypeError:
    print("get raised what ended it")

begun, never = Event(), Event()


def stuck():
    try:
        begun.set()
        never.wait()
    finally:
        print("killed, and cleans up")


job = gevent.spawn(stuck)
begun.wait()
job.kill()
print("dead", job.dead)
