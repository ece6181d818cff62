"""A peer that is libzmq: runs what the test sends it, piece by piece, and says what came of each.

A piece is a line with its length, then that many bytes of Python. What it said by say() goes back as one line, the
words separated by blanks; or "!" and what went wrong.
"""
import os
import select
import socket
import struct
import sys
import time
import traceback

import zmq
import zmq.auth.thread
import zmq.utils.monitor

ctx = zmq.Context()
said = []


def say(word):
    said.append(str(word))


def sock(kind, **options):
    s = ctx.socket(kind)
    s.RCVTIMEO = s.SNDTIMEO = s.LINGER = 60_000
    for name, value in options.items():
        setattr(s, name, value)
    return s


def bind(s, at='tcp://127.0.0.1:*'):
    s.bind(at)
    say(s.LAST_ENDPOINT.rstrip(b'\0').decode())


def numbered(i, several):
    """The frames of message i, as numbered() in the test has it."""
    body = b'%d ' % i + b'x' * (i * 37 % 400)
    return [b't', b'', body] if several else [b't' + body]


def send_numbered(s, count, several, before=()):
    for i in range(count):
        s.send_multipart([*before, *numbered(i, several)])


def expect_numbered(s, count, several, before=()):
    for i in range(count):
        got = s.recv_multipart()
        assert got == [*before, *numbered(i, several)], (i, got)


def until_told(act):
    """Acts over and over until the test sends the next piece."""
    while not select.select([sys.stdin.buffer], [], [], 0.01)[0]:
        act()


class raw:
    """ZMTP by hand, of version 3.`minor`, with NULL."""

    def __init__(self, connection, kind, minor):
        self.connection = connection
        connection.settimeout(60)
        connection.sendall(b'\xff' + bytes(8) + b'\x7f\x03' + bytes([minor]) + b'NULL'.ljust(52, b'\0'))
        self.command(b'READY', b'\x0bSocket-Type' + struct.pack('>I', len(kind)) + kind)
        greeting = self.exactly(64)
        assert greeting[10] == 3 and greeting[12:17] == b'NULL\0', greeting
        assert self.frame()[1].startswith(b'\x05READY')

    @classmethod
    def connected(cls, endpoint, kind, minor):
        host, port = endpoint.removeprefix('tcp://').split(':')
        return cls(socket.create_connection((host, int(port))), kind, minor)

    @classmethod
    def accepted(cls, listener, kind, minor):
        listener.settimeout(60)
        return cls(listener.accept()[0], kind, minor)

    def exactly(self, n):
        text = b''
        while len(text) < n:
            part = self.connection.recv(n - len(text))
            assert part, 'the peer has ended'
            text += part
        return text

    def send(self, body, flags=0):
        self.connection.sendall(bytes([flags, len(body)]) + body)

    def command(self, name, data):
        self.send(bytes([len(name)]) + name + data, 4)

    def frame(self):
        flags, size = self.exactly(2)
        return flags, self.exactly(size)

    def subscribe(self, topic, as_message):
        self.send(b'\x01' + topic) if as_message else self.command(b'SUBSCRIBE', topic)

    def cancel(self, topic, as_message):
        self.send(b'\x00' + topic) if as_message else self.command(b'CANCEL', topic)


def main():
    # Without a buffer: select() must see what has not been read.
    pieces = open(0, 'rb', buffering=0, closefd=False)

    def exactly(n):
        text = b''
        while len(text) < n:
            part = pieces.read(n - len(text))
            if not part:
                os._exit(0)
            text += part
        return text

    while True:
        size = b''
        while not size.endswith(b'\n'):
            size += exactly(1)
        code = exactly(int(size)).decode()
        said.clear()
        try:
            exec(code, globals())
            answer = ' '.join(said)
        except BaseException:
            answer = '! ' + traceback.format_exc().replace('\n', ' | ')
        print(answer, flush=True)


try:
    main()
finally:
    os._exit(1)  # nobody reads the answers any more; threads and messages that are left would keep Python
