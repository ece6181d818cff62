"""run_in_executor: work for a pool of one's own, and for the default one."""
import asyncio
import concurrent.futures


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


async def main():
    loop = asyncio.get_running_loop()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        twenty = loop.run_in_executor(pool, fib, 20)
        ten = loop.run_in_executor(pool, fib, 10)
        print(await ten, await twenty)
    print(await loop.run_in_executor(None, fib, 15))


asyncio.run(main())
