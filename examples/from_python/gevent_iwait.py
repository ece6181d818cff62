"""iwait: in the order in which they end, here backwards, as each lets the one before it go; wait(count=1)."""
import gevent
from gevent.event import Event

go = [Event() for _ in range(3)]


def step(n):
    go[n].wait()
    return n


jobs = [gevent.spawn(step, n) for n in range(3)]
go[2].set()
(first,) = gevent.wait(jobs, count=1)
print("first", first.value)
for job in gevent.iwait(jobs):
    print("ended", job.value)
    if job.value > 0:
        go[job.value - 1].set()
