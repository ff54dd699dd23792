"""pyserial's RFC 2217 server before one serial port: rfc2217_server.py PORT_PATH TCP_PORT. Logs the port's settings on stdout."""

import select
import socket
import sys
import termios

import serial
import serial.rfc2217


class Terminal(serial.Serial):
    """A pseudo terminal has no modem lines to ask for, and its driver refuses parity."""

    cts = dsr = ri = cd = property(lambda self: False)

    def _reconfigure_port(self, force_update=False):
        print("rate", self._baudrate, flush=True)
        try:
            super()._reconfigure_port(force_update)
        except termios.error:
            pass


path, tcp_port = sys.argv[1], int(sys.argv[2])
port = Terminal(path, timeout=0)
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", tcp_port))
listener.listen(1)
print("ready", flush=True)
while True:
    connection, _ = listener.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    class Connection:
        """Where the manager writes its Telnet commands."""

        def write(self, data):
            connection.sendall(data)

    manager = serial.rfc2217.PortManager(port, Connection())
    try:
        while True:
            readable, _, _ = select.select([connection, port.fileno()], [], [], 1)
            if connection in readable:
                data = connection.recv(1024)
                if not data:
                    break
                port.write(b"".join(manager.filter(data)))
            if port.fileno() in readable:
                connection.sendall(b"".join(manager.escape(port.read(1024))))
    except OSError as error:
        print("lost", error, flush=True)
    settings = port.get_settings()
    print("settings", settings["baudrate"], settings["bytesize"], settings["parity"], settings["stopbits"], flush=True)
    connection.close()
