"""ThreadPool: apply, spawn, map."""
from gevent.threadpool import ThreadPool


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


pool = ThreadPool(2)
print(pool.apply(fib, (15,)))
job = pool.spawn(fib, 10)
print(job.get())
print(*pool.map(fib, range(10)), sep="\n")
