"""pool.Pool: map, imap_unordered, and a spawn that waits for a place."""
import gevent
from gevent.pool import Pool


def square(n):
    gevent.sleep(0)
    return n * n


pool = Pool(2)
print(*pool.map(square, range(5)), sep="\n")
print(*sorted(pool.imap_unordered(square, range(5))), sep="\n")

words = []
for word in ("a", "b", "c"):
    pool.spawn(words.append, word)
pool.join()
print(len(words), "spawned")
