"""yield: an endless generator, and a loop that leaves it."""


def fibonacci():
    a, b = 0, 1
    try:
        while True:
            yield a
            a, b = b, a + b
    finally:
        print("generator ends")


numbers = fibonacci()
for n in numbers:
    if n > 20:
        break
    print(n)
numbers.close()
print("after it")
