#!/usr/bin/python3 -IB
"""The client of bench/fetch/load.cc on urllib3 and gevent."""
from gevent import monkey

monkey.patch_all(os=False, signal=False)  # the processes of side.py know nothing of gevent
import os  # noqa: E402
import sys  # noqa: E402

import gevent  # noqa: E402
import urllib3  # noqa: E402

sys.path.append(os.path.dirname(os.path.realpath(__file__)))
import side  # noqa: E402


def get_all(share):
    pool = urllib3.HTTPConnectionPool("127.0.0.1", share.port, maxsize=share.connections, block=True)
    for amount in share.amounts():
        left = iter(range(amount))

        def get():
            for _ in left:
                answer = pool.request("GET", "/")
                share.take(answer.status, answer.data)

        gevent.joinall([gevent.spawn(get) for _ in range(share.connections)], raise_error=True)


side.main(get_all)
