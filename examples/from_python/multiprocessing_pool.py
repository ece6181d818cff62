"""Pool.map: a function of many numbers, on all cores."""
import multiprocessing


def divisors(n):
    return sum(n % d == 0 for d in range(1, n + 1))


if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        print(*pool.map(divisors, range(1, 13)), sep="\n")
