"""start_server, open_connection: a server that answers in capitals, and a client."""
import asyncio


async def serve(reader, writer):
    while line := await reader.readline():
        writer.write(line.upper())
        await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    for word in ("salmon", "trout"):
        writer.write(f"{word}\n".encode())
        print((await reader.readline()).decode(), end="")
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()


asyncio.run(main())
