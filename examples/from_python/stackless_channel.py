"""channel: send and receive meet; balance tells who waits; send_exception."""
import stackless


def produce(channel):
    for n in range(3):
        channel.send(n)
    channel.send_exception(ValueError, "the disk is full")


channel = stackless.channel()
stackless.tasklet(produce)(channel)
stackless.run()
print("waiting to send:", channel.balance)
try:
    while True:
        print("got", channel.receive())
except ValueError as e:
    print("raised:", e)
