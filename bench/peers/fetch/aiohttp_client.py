#!/usr/bin/python3 -IB
"""The client of bench/fetch/load.cc on aiohttp."""
import asyncio
import os
import sys

import aiohttp

sys.path.append(os.path.dirname(os.path.realpath(__file__)))
import side  # noqa: E402


async def get_all(share):
    connector = aiohttp.TCPConnector(limit=share.connections)
    async with aiohttp.ClientSession(connector=connector) as session:
        for amount in share.amounts():
            left = iter(range(amount))

            async def get():
                for _ in left:
                    async with session.get(share.url) as answer:
                        share.take(answer.status, await answer.read())

            await asyncio.gather(*(get() for _ in range(share.connections)))


side.main(lambda share: asyncio.run(get_all(share)))
