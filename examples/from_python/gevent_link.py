"""link: somebody is told how a greenlet ended."""
import gevent
from gevent.event import Event
from gevent.queue import Queue

ends, begun, never = Queue(), Event(), Event()


def fail():
    raise ValueError("no such table")


def stuck():
    begun.set()
    never.wait()


def told():
    ended = ends.get()
    if not ended.successful():
        return f"failed: {ended.exception}"
    return "was killed" if isinstance(ended.value, gevent.GreenletExit) else "returned"


gevent.spawn(int).link(ends.put)
print("one", told())
gevent.spawn(fail).link(ends.put)
print("one", told())
job = gevent.spawn(stuck)
job.link(ends.put)
begun.wait()
job.kill()
print("one", told())
