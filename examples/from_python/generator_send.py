"""send: values go into a generator, and others come out."""


def running_mean():
    total = count = 0
    value = yield
    while True:
        total += value
        count += 1
        value = yield total / count


mean = running_mean()
next(mean)
for value in (10, 20, 60):
    print(mean.send(value))
mean.close()
