"""Process: what it sends, and how it ended."""
import multiprocessing
import sys


def work(out):
    out.send(6 * 7)
    sys.exit(3)


if __name__ == "__main__":
    receiving, sending = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=work, args=(sending,))
    process.start()
    print("it says", receiving.recv())
    process.join()
    print("exit code", process.exitcode)
