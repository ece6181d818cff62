"""monkey.patch_all: two readers in plain blocking style; neither holds up the writer."""
from gevent import monkey

monkey.patch_all()

import os
import socket
import threading

pairs = [socket.socketpair() for _ in range(2)]
lines = [None, None]


def read(i):
    lines[i] = pairs[i][0].recv(80).decode()


readers = [threading.Thread(target=read, args=(i,)) for i in range(2)]
for reader in readers:
    reader.start()
for i in (1, 0):
    pairs[i][1].sendall(f"line {i}".encode())
for reader in readers:
    reader.join()
print(*lines, sep="\n")
