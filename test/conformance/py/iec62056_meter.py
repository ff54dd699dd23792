"""An IEC 62056-21 meter for our reader: `KIND WHERE FILE [BAUD]`, where WHERE is `tcp` or `terminal`.

KIND `c` answers a sign-on in mode C, character by character, its data first with a wrong check character; `a` and `b` answer
in those modes; `push` sends the file again and again without being asked. Prints `ready` with the port or path, and at the
end of a conversation what it saw.
"""
import socket
import sys
import time

from iec62056_wire import Wire, block

kind, where, path = sys.argv[1:4]
with open(path, "rb") as file:
    DATA = file.read()


def fail(text):
    print("bad " + text, flush=True)
    raise SystemExit(1)


def expect_speed(wire, speed, when):
    if wire.is_terminal and wire.speed() != speed:
        fail("%s the port is at %d baud instead of %d" % (when, wire.speed(), speed))


def request(wire):
    # A terminal may hold what was sent to a former reader.
    wire.until(b"/?!\r\n", 10)
    expect_speed(wire, 300, "at the request")
    time.sleep(0.2)


def mode_c(wire):
    request(wire)
    wire.send(b"/LGZ52ZMD120APt.G03\r\n", 0.002)
    told = time.monotonic()
    option = wire.until(b"\r\n")
    reaction = (time.monotonic() - told) * 1000
    if option != b"\x06050\r\n":
        fail("the option is %r" % option)
    if reaction < 180:
        fail("the option came after %d ms, 200 are the least" % reaction)
    switched = wire.speed_becomes(9600, 1.2)
    time.sleep(max(0, 0.2 - switched / 1000))
    good = block(DATA)
    wire.send(good[:-1] + bytes([good[-1] ^ 1]), 0.001)
    if wire.byte(3) != b"\x15":
        fail("a wrong check character got no NAK")
    expect_speed(wire, 9600, "at the repeat")
    time.sleep(0.2)
    wire.send(good, 0.001)
    wire.speed_becomes(300, 2)
    print("done %d" % round(switched), flush=True)


def mode_b(wire):
    request(wire)
    wire.send(b"/ABCE1234\r\n")
    wire.speed_becomes(9600, 1.2)
    time.sleep(0.2)
    wire.send(block(DATA))
    print("done", flush=True)


def mode_a(wire):
    request(wire)
    wire.send(b"/ABC-1234\r\n" + DATA)
    time.sleep(1)
    expect_speed(wire, 300, "after the readout")
    print("done", flush=True)


def push(wire):
    while True:
        try:
            wire.send(DATA[40:] + DATA)
        except OSError:
            return
        if len(sys.argv) > 4 and wire.is_terminal and wire.speed() == int(sys.argv[4]):
            print("heard at %d" % wire.speed(), flush=True)
        time.sleep(0.3)


TALK = {"a": mode_a, "b": mode_b, "c": mode_c, "push": push}[kind]
if where == "tcp":
    listener = socket.create_server(("127.0.0.1", 0))
    print("ready %d" % listener.getsockname()[1], flush=True)
    while True:
        TALK(Wire.accept(listener))
else:
    line, name = Wire.terminal()
    print("ready " + name, flush=True)
    while True:
        TALK(line)
