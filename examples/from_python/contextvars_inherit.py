"""contextvars: a task begins with its creator's values, and what it sets is its own."""
import asyncio
import contextvars

request = contextvars.ContextVar("request", default="none")


async def handle():
    print("inherited:", request.get())
    request.set("7, retried")
    print("its own:", request.get())


async def main():
    print("default:", request.get())
    request.set("7")
    await asyncio.create_task(handle())
    print("the creator's:", request.get())


asyncio.run(main())
