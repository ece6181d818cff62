"""JoinableQueue: two workers, and a wait until all is done. Channel: a put waits for its get."""
import gevent
from gevent.queue import Channel, JoinableQueue

tasks, squares = JoinableQueue(maxsize=4), []


def worker():
    for n in tasks:
        squares.append(n * n)
        tasks.task_done()


workers = [gevent.spawn(worker) for _ in range(2)]
for n in range(8):
    tasks.put(n)
tasks.join()
print(*sorted(squares), sep="\n")
for _ in workers:
    tasks.put(StopIteration)
gevent.joinall(workers)

channel = Channel()


def give():
    channel.put("hand to hand")
    channel.put(StopIteration)


gevent.spawn(give)
for word in channel:
    print(word)
