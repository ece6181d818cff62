"""Thread, Lock, queue.Queue."""
import queue
import threading

total, lock = 0, threading.Lock()


def add():
    global total
    for _ in range(1000):
        with lock:
            total += 1


threads = [threading.Thread(target=add) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("total", total)

tasks, results = queue.Queue(4), queue.Queue()


def square():
    while (n := tasks.get()) is not None:
        results.put(n * n)


workers = [threading.Thread(target=square) for _ in range(2)]
for worker in workers:
    worker.start()
for n in range(6):
    tasks.put(n)
for _ in workers:
    tasks.put(None)
for worker in workers:
    worker.join()
print(*sorted(results.queue), sep="\n")
