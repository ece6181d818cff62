"""Executor: map, submit, result, as_completed."""
from concurrent.futures import ThreadPoolExecutor, as_completed


def steps(n):
    """How many steps the Collatz sequence takes from n down to 1."""
    if n < 1:
        raise ValueError("not a positive number")
    count = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        count += 1
    return count


with ThreadPoolExecutor(2) as pool:
    print(*pool.map(steps, range(1, 8)), sep="\n")

    longest = pool.submit(steps, 97)
    print("submitted:", longest.result())

    futures = [pool.submit(steps, n) for n in (6, 7, 9)]
    print("as they came:", *sorted(done.result() for done in as_completed(futures)))

    try:
        pool.submit(steps, 0).result()
    except ValueError as e:
        print("failed:", e)
