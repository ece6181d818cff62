"""bench/net/side.h for clients in Python, with a process for each worker: threads of one would run in turns."""
import ctypes
import os
import signal
import sys
import time

UNDER_WAY = 100


class Share:
    """What one worker does: requests of `url` at 127.0.0.1:`port`, over so many connections that stay open."""

    def __init__(self, port, expected, connections, amounts):
        self.port, self.url = port, f"http://127.0.0.1:{port}/"
        self.connections = connections
        self._expected, self._amounts = expected, amounts
        self._told, self._tell = os.pipe(), os.pipe()
        self._answers = 0
        self._pid = os.fork()
        if self._pid == 0:
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: the load kills the parent only
        else:
            os.close(self._tell[1])

    @property
    def mine(self):
        """Whether this process is the worker."""
        return self._pid == 0

    def amounts(self):
        """So many requests each time; asking for the next one says that they are answered."""
        for amount in self._amounts:
            os.read(self._told[0], 1)
            self._answers = 0
            yield amount
            os.write(self._tell[1], b"%d\n" % self._answers)
        signal.pause()  # until it is killed, so that its processor time can be read

    def take(self, status, body):
        """Each answer comes here."""
        if status != 200 or body != self._expected:
            give_up("an answer is not what it should be")
        self._answers += 1

    def begin(self):
        os.write(self._told[1], b"\n")

    def answers(self):
        if said := os.read(self._tell[0], 100):
            return int(said)
        _, status = os.waitpid(self._pid, 0)  # it has said why
        sys.exit(os.waitstatus_to_exitcode(status) or 1)


def give_up(why, status=3):
    print(why, file=sys.stderr, flush=True)
    os._exit(status)


def main(client):
    """The program. client(share) serves share.amounts()."""
    if sys.argv[1:] == ["--list"]:
        sys.exit()  # what it imports is there
    try:
        workers, size, n, port = (int(text) for text in sys.argv[2:])
    except ValueError:
        workers = 0
    if workers < 1:
        give_up(f"{sys.argv[0]}: takes ROLE WORKERS SIZE N PORT", 2)

    def part(total, i):
        return total * (i + 1) // workers - total * i // workers

    amounts = (max(n // 10, 1), n)
    shares = []
    for i in range(workers):
        shares.append(Share(port, b"x" * size, part(UNDER_WAY, i), [part(amount, i) for amount in amounts]))
        if shares[i].mine:
            client(shares[i])
    for amount, said in zip(amounts, ("began", "ended {} {}")):
        start = time.monotonic_ns()
        for share in shares:
            share.begin()
        answers = sum(share.answers() for share in shares)
        took = time.monotonic_ns() - start
        if answers != amount:
            give_up(f"{answers} answers came, not {amount}")
        print(said.format(answers, took), flush=True)
    signal.pause()
