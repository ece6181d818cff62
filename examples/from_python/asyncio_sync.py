"""Lock, Condition, Event."""
import asyncio


async def main():
    lock, total = asyncio.Lock(), 0

    async def add():
        nonlocal total
        for _ in range(100):
            async with lock:
                seen = total
                await asyncio.sleep(0)
                total = seen + 1

    await asyncio.gather(*[add() for _ in range(4)])
    print("total", total)

    changed, stock = asyncio.Condition(), []

    async def deliver():
        for item in ("salt", "rice", "tea"):
            async with changed:
                stock.append(item)
                changed.notify()

    delivery = asyncio.create_task(deliver())
    async with changed:
        await changed.wait_for(lambda: len(stock) == 3)
        print("stock", *stock)
    await delivery

    go = asyncio.Event()
    waiters = [asyncio.create_task(go.wait()) for _ in range(3)]
    go.set()
    print("let go", sum(await asyncio.gather(*waiters)))


asyncio.run(main())
