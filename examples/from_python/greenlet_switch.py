"""switch: two greenlets play a ball to each other; the one that drops it gives its result to the parent."""
from greenlet import greenlet


def player(name):
    def play(ball):
        while ball < 6:
            print(name, ball)
            ball = opponent[name].switch(ball + 1)
        return name + " drops it"

    return greenlet(play)


ping, pong = player("ping"), player("pong")
opponent = {"ping": pong, "pong": ping}
print(ping.switch(0))
