/** Defects of framing, connections and counters: each breaks one rule, and names the check that must say so. */
import { putUint16, uint16At } from "../../../protocols/modbus/frame.ts";
import { answersAs, goodTo, hears, isFc, NOTHING, otherByte, type Row, toUnit, whenPdu } from "./modbus-defects.ts";
import { crcGood, mended, rtuFrame, type Seeded, tcpFrame, UNIT } from "./modbus-device.ts";

const of = (...values: readonly number[]) => Uint8Array.from(values);
const anyRequest = () => true;
export const TCP_DEFECTS: readonly Row[] = [
  [
    "the transaction id is counted by itself",
    "tcp.transaction",
    { reply: (r) => r && Uint8Array.from(r, (b, i) => (i === 1 ? b ^ 1 : b)) },
  ],
  ["the protocol id is 1", "tcp.header", { reply: (r) => r && Uint8Array.from(r, (b, i) => (i === 3 ? 1 : b)) }],
  [
    "the length leaves the unit out",
    "tcp.header",
    { reply: (r) => r && Uint8Array.from(r, (b, i) => (i === 5 ? b - 1 : b)) },
  ],
  ["the reply's unit is 0", "tcp.header", { reply: (r) => r && Uint8Array.from(r, (b, i) => (i === 6 ? 0 : b)) }],
  [
    "the protocol id is not looked at",
    "tcp.protocol-id",
    { request: (f) => [Uint8Array.from(f, (b, i) => (i === 2 || i === 3 ? 0 : b))] },
  ],
  ["a length that cannot be makes it deaf", "tcp.length-0", { ...deafAfterBadLength(), keepsOpen: true }],
  ["a request in two segments is lost", "tcp.split", { request: (f) => (f.length === 12 ? [f] : NOTHING) }],
  [
    "of joined requests only the first is answered",
    "tcp.joined",
    { request: (f) => [f.length > 12 ? f.slice(0, 12) : f] },
  ],
  [
    "of joined requests all get the first id",
    "tcp.joined",
    { reply: (r, q) => r && Uint8Array.from(r, (b, i) => (q.length > 12 && i % 11 < 2 ? (r[i % 11] as number) : b)) },
  ],
  [
    "what is behind a whole request is lost",
    "tcp.joined-split",
    { request: (f) => [f.length === 19 ? f.slice(0, 12) : f] },
  ],
  [
    "unit FF gets exception 01",
    "tcp.unit-ff",
    { reply: (r, q) => (q[6] === 0xff ? tcpFrame(uint16At(q, 0), 0xff, of(0x83, 1)) : r) },
  ],
  [
    "another unit gets exception 04",
    "tcp.other-unit",
    { reply: (r, q) => (q[6] === 246 ? tcpFrame(uint16At(q, 0), 246, of((q[7] as number) | 0x80, 4)) : r) },
  ],
  ["only one connection is served", "tcp.connections", { single: true }],
  ["connections share what they have heard", "tcp.half-frame-elsewhere", { shared: true }],
  ["half a request outlives its connection", "tcp.reconnect", { shared: true }],
];

function deafAfterBadLength(): Seeded {
  let deaf = false;
  return {
    request(frame) {
      const length = uint16At(frame, 4);
      // Waits for bytes that never come, and takes all that comes for them.
      if (length > 254) deaf = true;
      return deaf ? NOTHING : [frame];
    },
  };
}

const is08 = (sub: number) => (r: Uint8Array) => r[0] === 8 && uint16At(r, 1) === sub;
/** A counter that is always 0. */
const stuck = (sub: number): Seeded => whenPdu(is08(sub), (r) => ((r[0] as number) & 0x80 ? r : of(8, 0, sub, 0, 0)));

/** The line itself, and what counts it. */
export const RTU_DEFECTS: readonly Row[] = [
  [
    "the CRC is not looked at",
    "rtu.crc-wrong",
    hears(
      (f) => f.length > 4,
      (f) => [mended(f)],
    ),
  ],
  [
    "a damaged write is executed",
    "serial.damaged-write",
    hears(
      (f) => f[1] === 6,
      (f) => [mended(f)],
    ),
  ],
  [
    "the CRC may have its high byte first",
    "rtu.crc-order",
    hears(
      (f) => f.length === 8,
      (f) => (crcGood(of(...f.slice(0, 6), f[7] as number, f[6] as number)) ? [mended(f)] : [f]),
    ),
  ],
  [
    "three bytes are answered",
    "rtu.short",
    { reply: (r, q) => (q.length === 3 && crcGood(rtuFrame(UNIT, of(3))) ? rtuFrame(UNIT, of(0x80, 1)) : r) },
  ],
  ["257 bytes are answered", "rtu.too-long", { reply: (r, q) => (q.length > 256 ? rtuFrame(UNIT, of(0xe4, 1)) : r) }],
  [
    "a pause inside a frame is passed over",
    "rtu.pause-inside",
    { reply: (r, q) => (q.length === 5 ? rtuFrame(UNIT, of(1, 1, 0)) : r) },
  ],
  [
    "joined requests are both answered",
    "rtu.joined",
    hears(
      (f) => f.length === 16,
      (f) => [f.slice(0, 8), f.slice(8)],
    ),
  ],
  [
    "the reply's CRC is wrong",
    "pdu.answers",
    { reply: (r) => r && Uint8Array.from(r, (b, i) => (i === r.length - 1 ? b ^ 1 : b)) },
  ],
  ["the reply carries another unit", "pdu.answers", { reply: (r) => r && toUnit(r, UNIT + 1) }],
  ["replies come twice", "serial.one-reply", { reply: (r) => r && of(...r, ...r) }],
  ["it speaks unasked", "serial.one-reply", { reply: (r, q) => (q.length === 0 ? of(0) : r) }],
  ["the adapter sends the request back", "serial.no-echo", { reply: (r, q) => of(...q, ...(r ?? [])) }],
  ["it answers for other units", "serial.other-unit", answersAs((unit) => unit === UNIT + 1)],
  ["it answers unit 248", "serial.reserved-unit", answersAs((unit) => unit === 248)],
  ["a broadcast read is answered", "serial.broadcast-read", answersAs((unit) => unit === 0)],
  [
    "a broadcast of an unknown function gets an exception",
    "serial.broadcast-read",
    { reply: (r, q) => (q[0] === 0 && q[1] === 0x64 ? rtuFrame(0, of(0xe4, 1)) : r) },
  ],
  [
    "a broadcast write is not executed",
    "serial.broadcast-write",
    hears(
      goodTo((unit) => unit === 0),
      () => NOTHING,
    ),
  ],
  [
    "a write to another unit is executed",
    "serial.other-unit-write",
    hears(
      (f) => goodTo((unit) => unit === UNIT + 1)(f) && f[1] === 6,
      (f) => [toUnit(f, 0)],
    ),
  ],
  ["after junk the next request is lost", "serial.resync", lostAfterJunk()],
  ["replies begin within the request", "rtu.silence-before-reply", { early: true }],
  ["07 gives two bytes", "fc07.status", whenPdu(isFc(7), () => of(7, 1, 2))],
  ["08/00 returns zeros", "fc08.loopback", whenPdu(is08(0), () => of(8, 0, 0, 0, 0))],
  ["08/00 returns two bytes only", "fc08.loopback-long", whenPdu(is08(0), (r) => r.slice(0, 5))],
  ["08/05 is echoed", "fc08.unknown", whenPdu(is08(5), (_, r) => r)],
  [
    "08/0B takes any data",
    "fc08.data",
    whenPdu(
      (r) => is08(0x0b)(r) && uint16At(r, 3) === 1,
      (_, r) => r,
    ),
  ],
  ["08/02 has no data", "fc08.register", whenPdu(is08(2), () => of(8, 0, 2))],
  ["08/0B counts nothing", "fc08.bus-messages", stuck(0x0b)],
  [
    "08/0B counts only what is for this unit",
    "fc08.bus-messages-others",
    hears(
      goodTo((unit) => unit !== UNIT && unit !== 0),
      () => NOTHING,
    ),
  ],
  [
    "08/0C does not count CRC errors",
    "fc08.errors",
    hears(
      (f) => f.length > 0 && !crcGood(f),
      () => NOTHING,
    ),
  ],
  ["08/0D does not count exceptions", "fc08.exceptions", stuck(0x0d)],
  [
    "08/0E counts frames for others",
    "fc08.server-messages",
    hears(
      goodTo((unit) => unit !== UNIT),
      (f) => [toUnit(f, 0)],
    ),
  ],
  ["08/0F counts no broadcasts", "fc08.no-responses", stuck(0x0f)],
  ["08/11 counts every request", "fc08.zero-counters", countsUp(0x11)],
  ["08/0A clears nothing", "fc08.clear", whenPdu(is08(0x0d), (r) => of(...r.slice(0, 4), 3))],
  ["08/14 is not answered", "fc08.clear-overrun", { reply: (r, q) => (q[1] === 8 && q[3] === 0x14 ? undefined : r) }],
  ["08/04 is answered", "fc08.listen-only", { reply: (r, q) => (q[1] === 8 && q[3] === 4 ? q : r) }],
  [
    "in listen-only mode reads are answered",
    "fc08.listen-only",
    hears(
      (f) => f[1] === 8 && f[3] === 4,
      () => NOTHING,
    ),
  ],
  [
    "08/01 does not leave listen-only mode",
    "fc08.listen-only",
    hears(
      (f) => f[1] === 8 && f[3] === 1,
      () => NOTHING,
    ),
  ],
  ["08/01 is not answered", "fc08.restart", { reply: (r, q) => (q[1] === 8 && q[3] === 1 ? undefined : r) }],
  ["0B counts exceptions too", "fc0b.events", countsExceptions()],
  ["0B says 1 as its status", "fc0b.events", otherByte(0x0b, 2, () => 1)],
  ["0C has another byte count", "fc0c.log", otherByte(0x0c, 1, (b) => b + 2)],
  ["0C has another event count than 0B", "fc0c.log", otherByte(0x0c, 5, (b) => b + 1)],
  [
    "0C has the oldest events first",
    "fc0c.log",
    whenPdu(isFc(0x0c), (r) => of(...r.slice(0, 8), ...r.slice(8).reverse())),
  ],
];

function lostAfterJunk(): Seeded {
  let lost = false;
  return hears(
    (f) => {
      const now = lost;
      lost = f.length === 300;
      return now && f.length > 0;
    },
    () => NOTHING,
  );
}

function countsUp(sub: number): Seeded {
  let count = 0;
  return whenPdu(
    () => {
      count++;
      return true;
    },
    (reply, request) => (is08(sub)(request) ? of(8, 0, sub, 0, count & 0xff) : reply),
  );
}

function countsExceptions(): Seeded {
  let exceptions = 0;
  return whenPdu(anyRequest, (reply, request) => {
    if ((reply[0] as number) & 0x80) exceptions++;
    if (request[0] !== 0x0b) return reply;
    const out = reply.slice();
    putUint16(out, 3, uint16At(reply, 3) + exceptions);
    return out;
  });
}

const text = (bytes: Uint8Array) => String.fromCharCode(...bytes);
const chars = (line: string) => Uint8Array.from(line, (c) => c.charCodeAt(0));

export const ASCII_DEFECTS: readonly Row[] = [
  [
    "the LRC is not looked at",
    "ascii.lrc-wrong",
    { reply: (r, q) => r ?? (q.length === 17 ? chars(":110100EE\r\n") : r) },
  ],
  [
    "a G is taken for a digit",
    "ascii.digits",
    hears(
      (f) => text(f).includes("G"),
      (f) => [chars(text(f).replace("G", "3"))],
    ),
  ],
  ["half a byte is answered", "ascii.half-byte", { reply: (r, q) => (q.length === 16 ? chars(":110100EE\r\n") : r) }],
  [
    "a colon inside is passed over",
    "ascii.colon-restarts",
    hears(
      (f) => text(f).lastIndexOf(":") > 0,
      () => NOTHING,
    ),
  ],
  [
    "a pause of 0.6 s ends the frame",
    "ascii.short-pause",
    hears(
      (f) => f.length === 10,
      () => NOTHING,
    ),
  ],
  [
    "a pause of 1.6 s is passed over",
    "ascii.long-pause",
    { reply: (r, q) => r ?? (q.length === 10 ? chars(":110100EE\r\n") : r) },
  ],
  ["replies are in lower case", "ascii.lower-case", { reply: (r) => r && chars(text(r).toLowerCase()) }],
  ["replies end without CR", "ascii.lower-case", { reply: (r) => r && chars(text(r).replace("\r", "")) }],
  [
    "08/03 changes nothing",
    "ascii.delimiter",
    {
      ...hears(
        (f) => text(f).startsWith(":11080003"),
        () => NOTHING,
      ),
      reply: (r, q) => (text(q).startsWith(":11080003") ? q : r),
    },
  ],
  [
    "behind 08/03 replies still end with LF",
    "ascii.delimiter",
    { reply: (r) => r && chars(text(r).replace("$", "\n")) },
  ],
];
