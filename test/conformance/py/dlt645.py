"""DL/T 645-2007 written from the frame rules alone, with nothing but Python's own library: a second opinion on ours.

dlt645.py ask tcp PORT | tty PATH     requests as JSON on stdin, one JSON list of replies on stdout
dlt645.py serve tcp PORT | pty MAP    a meter with the values of the JSON file MAP (tcp: PORT MAP)

A request: {"control": "11", "address": "000000000161", "data": "00010000"} with data in hex, low byte first, before 33h is
added; "identifier": "02010100" in place of data; "decimals" and "signed" to have the value told; "spoil": "sum" | "end" |
"length"; "preamble"; "silent" where no reply is due. A reply: {"address", "control", "data", "value"?, "preamble", "after": ms} or null for silence.
"""
import json
import os
import pty
import select
import socket
import sys
import time
import tty

QUIET = 0.1  # seconds without a byte that end a reply
PATIENCE = 4.0  # on a busy machine
LONGEST = 0.6  # a meter may take 500 ms


def pairs(text):
    return [text[i : i + 2] for i in range(0, len(text), 2)]


def low_first(digits):
    return bytes.fromhex("".join(reversed(pairs(digits))))


def high_first(data):
    return data[::-1].hex().upper()


def build(address, control, data, preamble=4):
    body = bytes([0x68]) + low_first(address) + bytes([0x68, control, len(data)]) + bytes((b + 0x33) % 256 for b in data)
    return bytes([0xFE]) * preamble + body + bytes([sum(body) % 256, 0x16])


def take(stream):
    """The first whole frame of a stream as (frame, what is left behind it); (None, stream) while there is none."""
    for at in range(len(stream)):
        if stream[at] != 0x68 or len(stream) < at + 12 or stream[at + 7] != 0x68:
            continue
        end = at + 10 + stream[at + 9] + 2
        if len(stream) < end or stream[end - 1] != 0x16 or stream[end - 2] != sum(stream[at : end - 2]) % 256:
            continue
        data = bytes((b - 0x33) % 256 for b in stream[at + 10 : end - 2])
        frame = {"address": high_first(stream[at + 1 : at + 7]), "control": stream[at + 8], "data": data, "before": stream[:at]}
        return frame, stream[end:]
    return None, stream


def value_of(data, decimals, signed):
    """BCD, low byte first; the highest bit is the sign where there is one; all FF is no value."""
    if all(b == 0xFF for b in data):
        return None
    digits = data[::-1].hex()
    negative = signed and int(digits[0], 16) >= 8
    if negative:
        digits = "%x%s" % (int(digits[0], 16) - 8, digits[1:])
    number = int(digits)
    text = "%d.%0*d" % (number // 10**decimals, decimals, number % 10**decimals) if decimals else str(number)
    return "-" + text if negative and number else text


def bcd(value, length, decimals):
    """The reverse of value_of; None gives FF."""
    if value is None:
        return b"\xff" * length
    digits = value.lstrip("-").replace(".", "").rjust(2 * length, "0")
    assert len(value.partition(".")[2]) == decimals and len(digits) == 2 * length, value
    if value.startswith("-"):
        digits = "%x%s" % (int(digits[0]) + 8, digits[1:])
    return low_first(digits)


def connect(kind, where):
    if kind == "tcp":
        return socket.create_connection(("127.0.0.1", int(where))).detach()
    line = os.open(where, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(line)
    return line


def perform(line, request):
    data = low_first(request["identifier"]) if "identifier" in request else bytes.fromhex(request.get("data", ""))
    frame = bytearray(build(request["address"], int(request["control"], 16), data, request.get("preamble", 4)))
    spoil = request.get("spoil")
    if spoil is not None:
        at = {"sum": len(frame) - 2, "end": len(frame) - 1, "length": request.get("preamble", 4) + 9}[spoil]
        frame[at] = (frame[at] + 8) % 256
    os.write(line, bytes(frame))
    asked, heard = time.monotonic(), b""
    patience = LONGEST if request.get("silent") else PATIENCE
    while select.select([line], [], [], QUIET if heard else patience)[0]:
        if not heard:
            after = time.monotonic() - asked
        heard += os.read(line, 4096)
        reply, rest = take(heard)
        if reply is not None and not rest:
            break
    reply, rest = take(heard)
    if reply is None:
        return {"garbage": heard.hex()} if heard else None
    told = {"address": reply["address"], "control": "%02X" % reply["control"], "data": reply["data"].hex().upper()}
    told.update(preamble=reply["before"].hex().upper(), surplus=rest.hex(), after=round(1000 * after))
    if "decimals" in request and reply["control"] == 0x91:
        told["identifier"] = high_first(reply["data"][:4])
        told["value"] = value_of(reply["data"][4:], request["decimals"], request.get("signed", False))
    return told


def data_behind(meter, identifier):
    """The data of an identifier or, where this meter knows blocks, of a block: FF in DI1 over the phases."""
    fields = meter["values"]
    if identifier in fields:
        return bcd(*fields[identifier])
    if identifier[4:6] != "FF" or not meter.get("blocks", True):
        return None
    members = ["%s%02X%s" % (identifier[:4], n, identifier[6:]) for n in range(4)]
    known = [fields[m] for m in members if m in fields]
    if not known:
        return None
    first = 0 if members[0] in fields else 1
    return b"".join(bcd(*fields[m]) if m in fields else b"\xff" * known[0][1] for m in members[first:])


def answer(meter, frame):
    """The reply of the meter, or None for silence."""
    own, asked = meter["address"], frame["address"]
    if asked != own and not (asked.startswith("AA") and own.endswith(asked.replace("AA", ""))):
        return None
    if frame["control"] == 0x13 and not frame["data"]:
        return (0x93, low_first(own)) if meter.get("tells", True) else None
    if frame["control"] != 0x11 or len(frame["data"]) != 4:
        return None
    data = data_behind(meter, high_first(frame["data"]))
    return (0x91, frame["data"] + data) if data is not None else (0xD1, b"\x02")


def serve(line, meter):
    heard, replies = b"", 0
    while True:
        try:
            lump = os.read(line, 4096)
        except OSError:  # nobody has the other end of the pseudo terminal open just now
            time.sleep(0.02)
            continue
        if not lump:
            return
        heard += lump
        frame, heard = take(heard)
        if frame is None:
            continue
        reply = answer(meter, frame)
        if reply is None:
            continue
        time.sleep(0.003)
        # A meter's preamble has 0 to 4 FE, and an adapter hands its bytes over in any lumps.
        out = build(meter["address"], reply[0], reply[1], replies % 5)
        cut = replies % len(out)
        os.write(line, out[:cut])
        time.sleep(0.002)
        os.write(line, out[cut:])
        replies += 1


mode, kind, where = sys.argv[1:4]
if mode == "ask":
    descriptor = connect(kind, where)
    print(json.dumps([perform(descriptor, request) for request in json.load(sys.stdin)]))
elif kind == "tcp":
    with open(sys.argv[4], encoding="utf-8") as text:
        served = json.load(text)
    listener = socket.create_server(("127.0.0.1", int(where)))
    print("ready %s" % where, flush=True)
    while True:
        serve(listener.accept()[0].detach(), served)
else:
    with open(where, encoding="utf-8") as text:
        served = json.load(text)
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    print("ready %s" % os.ttyname(theirs), flush=True)
    serve(ours, served)
