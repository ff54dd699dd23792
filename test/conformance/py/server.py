"""A pymodbus server with known input registers: server.py tcp PORT MAP | rtu PATH MAP | ascii PATH MAP, prints "ready".

MAP is a JSON file {"unit": 1, "floats": {"0": 230.5, ...}}: float32, big endian, high word first; other registers are 0.
"""
import asyncio
import json
import struct
import sys

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.framer.ascii_framer import ModbusAsciiFramer
from pymodbus.framer.rtu_framer import ModbusRtuFramer
from pymodbus.framer.socket_framer import ModbusSocketFramer
from pymodbus.server import StartAsyncSerialServer, StartAsyncTcpServer

REGISTERS = 0x0200


def load_context(path):
    with open(path, encoding="utf-8") as file:
        description = json.load(file)
    words = [0] * REGISTERS
    for address, value in description["floats"].items():
        words[int(address):int(address) + 2] = struct.unpack(">HH", struct.pack(">f", value))
    slave = ModbusSlaveContext(ir=ModbusSequentialDataBlock(0, words), zero_mode=True)
    return ModbusServerContext(slaves={description["unit"]: slave}, single=False)


async def serve_tcp(port, context):
    server = await StartAsyncTcpServer(
        context, framer=ModbusSocketFramer, address=("127.0.0.1", port), defer_start=True
    )
    task = asyncio.create_task(server.serve_forever())
    await server.serving
    print("ready", flush=True)
    await task


async def serve_serial(path, context, framer):
    server = await StartAsyncSerialServer(
        context, framer=framer, port=path, baudrate=9600, timeout=1, defer_start=True
    )
    await server.start()
    print("ready", flush=True)
    await server.serve_forever()


kind, where, map_path = sys.argv[1:4]
if kind == "tcp":
    asyncio.run(serve_tcp(int(where), load_context(map_path)))
elif kind == "ascii":
    asyncio.run(serve_serial(where, load_context(map_path), ModbusAsciiFramer))
else:
    asyncio.run(serve_serial(where, load_context(map_path), ModbusRtuFramer))
