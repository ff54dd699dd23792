"""A pymodbus client: client.py tcp PORT | rtu PATH, operations as JSON on stdin, one JSON list of results on stdout.

An operation is [function, unit, address, quantity or values]; a result is {"registers": [...]}, {"bits": [...]}, {"written": true},
{"exception": code} or {"error": text}.
"""
import json
import sys

from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ExceptionResponse


def perform(client, function, unit, address, argument):
    calls = {
        1: client.read_coils,
        2: client.read_discrete_inputs,
        3: client.read_holding_registers,
        4: client.read_input_registers,
        5: client.write_coil,
        6: client.write_register,
        15: client.write_coils,
        16: client.write_registers,
    }
    try:
        reply = calls[function](address, argument, slave=unit)
    except ModbusException as error:
        return {"error": str(error)}
    if isinstance(reply, ExceptionResponse):
        return {"exception": reply.exception_code}
    if reply.isError():
        return {"error": str(reply)}
    if function in (1, 2):
        return {"bits": [int(bit) for bit in reply.bits[:argument]]}
    return {"registers": reply.registers} if function in (3, 4) else {"written": True}


kind, where = sys.argv[1:3]
if kind == "tcp":
    connection = ModbusTcpClient("127.0.0.1", port=int(where), timeout=2)
else:
    connection = ModbusSerialClient(where, baudrate=9600, timeout=2)
if not connection.connect():
    sys.exit(f"cannot connect to {where}")
results = [perform(connection, *operation) for operation in json.load(sys.stdin)]
connection.close()
print(json.dumps(results))
