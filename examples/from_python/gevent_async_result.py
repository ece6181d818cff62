"""AsyncResult: set once, read by whoever waits for it; a failure; a time limit."""
import gevent
from gevent.event import AsyncResult

answer = AsyncResult()
readers = [gevent.spawn(answer.get) for _ in range(3)]
try:
    answer.get(timeout=0.01)
except gevent.Timeout:
    print("not yet")
answer.set(42)
print(*[r.get() for r in readers])

failed = AsyncResult()
failed.set_exception(OSError("no route"))
try:
    failed.get()
except OSError as e:
    print("failed:", e)
