"""asyncio.run, and a loop that serves several times: run_until_complete."""
import asyncio


async def greet(name):
    await asyncio.sleep(0)
    return f"hello, {name}"


async def fail():
    raise ValueError("no such file")


print(asyncio.run(greet("weir")))
try:
    asyncio.run(fail())
except ValueError as e:
    print("run raised:", e)

loop = asyncio.new_event_loop()
for name in ("once", "again"):
    print(loop.run_until_complete(greet(name)))
loop.close()
