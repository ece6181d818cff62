"""parent: results and exceptions go to it; throw ends a greenlet that waits."""
from greenlet import getcurrent, greenlet


def work(n):
    if n < 0:
        raise ValueError("negative")
    return n * n


print("result", greenlet(work).switch(7))
try:
    greenlet(work).switch(-7)
except ValueError as e:
    print("the parent gets:", e)


def stuck():
    try:
        getcurrent().parent.switch("it waits")
    finally:
        print("it cleans up")


waiting = greenlet(stuck)
print(waiting.switch())
waiting.throw()
print("dead", waiting.dead)
