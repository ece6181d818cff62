"""tasklet, run, kill."""
import stackless

squares = []


def work(n):
    squares.append(n * n)


for n in range(4):
    stackless.tasklet(work)(n)
stackless.run()
print(*sorted(squares))


def stuck():
    try:
        stackless.channel().receive()
    finally:
        print("killed, and cleans up")


waiting = stackless.tasklet(stuck)()
stackless.run()
waiting.kill()
print("alive", waiting.alive)
