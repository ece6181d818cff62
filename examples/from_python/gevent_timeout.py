"""Timeout: raised, silent, with a value instead, and of one call."""
import gevent
from gevent.event import Event

never = Event()

try:
    with gevent.Timeout(0.01):
        never.wait()
except gevent.Timeout:
    print("Timeout: raised")

finished = False
with gevent.Timeout(0.01, False):
    never.wait()
    finished = True
print("silent Timeout, finished:", finished)

print("with_timeout:", gevent.with_timeout(0.01, never.wait, timeout_value="nothing"))
print("one call:", never.wait(0.01))
