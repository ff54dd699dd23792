"""A pymodbus client: client.py tcp PORT | rtu PATH | ascii PATH, operations as JSON on stdin, one JSON list of results on stdout.

An operation is [function, unit, address, quantity or values]; a result is {"registers": [...]}, {"bits": [...]}, {"written": true},
{"exception": code} or {"error": text}. Functions beyond registers and coils give what pymodbus read in the reply: see SERVICES.
"""
import json
import sys

from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.diag_message import ReturnBusMessageCountRequest, ReturnQueryDataRequest
from pymodbus.exceptions import ModbusException
from pymodbus.framer.ascii_framer import ModbusAsciiFramer
from pymodbus.mei_message import ReadDeviceInformationRequest
from pymodbus.other_message import (
    GetCommEventCounterRequest,
    GetCommEventLogRequest,
    ReadExceptionStatusRequest,
    ReportSlaveIdRequest,
)
from pymodbus.pdu import ExceptionResponse
from pymodbus.register_read_message import ReadWriteMultipleRegistersRequest
from pymodbus.register_write_message import MaskWriteRegisterRequest

# By function: the request from address and argument, and what of the reply is told.
SERVICES = {
    7: (lambda address, argument: ReadExceptionStatusRequest(), lambda reply: {"status": reply.status}),
    8: (
        lambda sub, data: ReturnQueryDataRequest(data) if sub == 0 else ReturnBusMessageCountRequest(data),
        lambda reply: {"message": reply.message[0]},
    ),
    11: (lambda address, argument: GetCommEventCounterRequest(), lambda reply: {"events": reply.count}),
    12: (lambda address, argument: GetCommEventLogRequest(), lambda reply: {"log": list(reply.events)}),
    17: (lambda address, argument: ReportSlaveIdRequest(), lambda reply: {"identifier": list(reply.identifier)}),
    22: (
        lambda address, masks: MaskWriteRegisterRequest(address, masks[0], masks[1]),
        lambda reply: {"written": True},
    ),
    23: (
        lambda address, write: ReadWriteMultipleRegistersRequest(
            read_address=address, read_count=write[0], write_address=write[1], write_registers=write[2]
        ),
        lambda reply: {"registers": reply.registers},
    ),
    43: (
        lambda code, start: ReadDeviceInformationRequest(code, start),
        lambda reply: {
            "conformity": reply.conformity,
            "objects": {str(key): value.decode("ascii") for key, value in reply.information.items()},
        },
    ),
}


def serve(client, function, unit, address, argument):
    build, told = SERVICES[function]
    request = build(address, argument)
    request.unit_id = unit
    try:
        reply = client.execute(request)
    except ModbusException as error:
        return {"error": str(error)}
    if isinstance(reply, ExceptionResponse):
        return {"exception": reply.exception_code}
    return {"error": str(reply)} if reply.isError() else told(reply)


def perform(client, function, unit, address, argument):
    if function in SERVICES:
        return serve(client, function, unit, address, argument)
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
elif kind == "ascii":
    connection = ModbusSerialClient(where, framer=ModbusAsciiFramer, baudrate=9600, timeout=2)
else:
    connection = ModbusSerialClient(where, baudrate=9600, timeout=2)
if not connection.connect():
    sys.exit(f"cannot connect to {where}")
results = [perform(connection, *operation) for operation in json.load(sys.stdin)]
connection.close()
print(json.dumps(results))
