"""IEC 62056-21 characters on a TCP connection or on the master side of a pseudo terminal, for the scripts beside it.

Written from the standard's rules with the Python library alone. The master of a pseudo terminal shows the settings of the
port that the program under test has opened, so its changes of rate can be seen.
"""
import os
import pty
import select
import socket
import termios
import time
import tty

SPEEDS = {getattr(termios, name): int(name[1:]) for name in dir(termios) if name[0] == "B" and name[1:].isdigit()}


def check(data):
    """Exclusive or of what follows the first SOH or STX."""
    value = 0
    for byte in data:
        value ^= byte
    return value


def block(text, command=None):
    body = b"" if command is None else command + (b"\x02" if text is not None else b"")
    body += (text or b"") + b"\x03"
    return (b"\x02" if command is None else b"\x01") + body + bytes([check(body)])


class Wire:
    """`port` is a connected socket or the master of a pseudo terminal."""

    def __init__(self, fd, is_terminal):
        self.fd = fd
        self.is_terminal = is_terminal

    @staticmethod
    def connect(port):
        connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Wire(connection.detach(), False)

    @staticmethod
    def accept(listener):
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Wire(connection.detach(), False)

    @staticmethod
    def terminal():
        """A terminal, and the path that the program under test opens."""
        master, slave = pty.openpty()
        tty.setraw(master)
        # The slave stays open here: without anyone at it the master would fail.
        return Wire(master, True), os.ttyname(slave)

    def speed(self):
        """Bits per second at which the program under test has its port; None where there is none."""
        return SPEEDS[termios.tcgetattr(self.fd)[5]] if self.is_terminal else None

    def send(self, data, pause=0.0):
        for piece in [data] if pause == 0 else [bytes([byte]) for byte in data]:
            os.write(self.fd, piece)
            if pause:
                time.sleep(pause)

    def byte(self, seconds):
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return None
        got = os.read(self.fd, 1)
        return got if got else None

    def until(self, ending, seconds=3.0):
        """What comes up to and with `ending`."""
        got = b""
        while not got.endswith(ending):
            byte = self.byte(seconds)
            if byte is None:
                raise SystemExit("waited for %r, got %r" % (ending, got))
            got += byte
        return got

    def block(self, seconds=3.0):
        """A block with its right check character; ACK and NAK stand for themselves."""
        first = self.byte(seconds)
        if first in (b"\x06", b"\x15", None):
            return first
        if first not in (b"\x01", b"\x02"):
            raise SystemExit("%r begins no block" % first)
        body = self.until(b"\x03", seconds)
        found = self.byte(seconds)
        if found != bytes([check(body)]):
            raise SystemExit("check character %r of %r is wrong" % (found, body))
        return first + body[:-1]

    def speed_becomes(self, speed, seconds):
        """Waits for the port's rate; the milliseconds it took."""
        started = time.monotonic()
        while self.is_terminal and self.speed() != speed:
            if time.monotonic() > started + seconds:
                raise SystemExit("the port stayed at %d baud, %d was agreed" % (self.speed(), speed))
            time.sleep(0.002)
        return (time.monotonic() - started) * 1000
