"""An IEC 62056-21 reader for our meter: `tcp PORT`, or `terminal`, where it prints the path for the meter to open and goes on at a line on its input.

Signs on in mode C, reads out, then sets the clock in a session with the password. Prints what it saw as JSON.
"""
import json
import sys
import time

from iec62056_wire import Wire, block

PASSWORD = sys.argv[-1].encode()


def sign_on(wire, option):
    if wire.is_terminal and wire.speed() != 300:
        raise SystemExit("a sign-on is at 300 baud, the port at %d" % wire.speed())
    asked = time.monotonic()
    wire.send(b"/?!\r\n")
    identification = wire.until(b"\r\n")
    reaction = (time.monotonic() - asked) * 1000
    wire.send(option)
    chosen = time.monotonic()
    switched = wire.speed_becomes(9600, 1.2)
    answer = wire.block()
    return identification, answer, {"identification": reaction, "switched": switched, "answer": (time.monotonic() - chosen) * 1000}


def readout(wire):
    identification, data, times = sign_on(wire, b"\x06050\r\n")
    wire.send(b"\x15")
    again = wire.block()
    wire.send(b"\x06")
    wire.speed_becomes(300, 2)
    return {"identification": identification.decode(), "data": data.decode(), "repeated": again == data, "times": times}


def ask(wire, command, text):
    wire.send(block(text, command))
    answer = wire.block()
    return None if answer is None else answer.decode()


def session(wire):
    _, operand, _ = sign_on(wire, b"\x06051\r\n")
    answers = {
        "operand": operand.decode(),
        "read": ask(wire, b"R1", b"1.8.0()"),
        "read5": ask(wire, b"R5", b"1-0:1.8.0*255()"),
        "unknown": ask(wire, b"R1", b"9.9.9()"),
        "locked": ask(wire, b"W1", b"0.9.1(101112)"),
        "wrong": ask(wire, b"P1", b"(87654321)"),
        "password": ask(wire, b"P1", b"(" + PASSWORD + b")"),
        "write": ask(wire, b"W1", b"0.9.2(300102)"),
        "write5": ask(wire, b"W5", b"0.9.1(101112)"),
        "date": ask(wire, b"R1", b"0.9.2()"),
        "time": ask(wire, b"R5", b"0.9.1()"),
    }
    damaged = bytearray(block(b"1.8.0()", b"R1"))
    damaged[-1] ^= 1
    wire.send(bytes(damaged))
    answers["damaged"] = wire.block().decode()
    wire.send(b"\x01B0\x03q")
    wire.speed_becomes(300, 1)
    answers["after break"] = wire.byte(0.4)
    return answers


if sys.argv[1] == "tcp":
    line = Wire.connect(int(sys.argv[2]))
else:
    line, path = Wire.terminal()
    print("ready " + path, flush=True)
    sys.stdin.readline()
print(json.dumps({"readout": readout(line), "session": session(line)}), flush=True)
