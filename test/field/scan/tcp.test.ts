/** Scans over TCP, the server written down here: units that are there, gateways, late replies, servers for any unit. */
import { describe, expect, test } from "vitest";
import { encodeFrame, parseFrame } from "../../../protocols/dlt645/frame.ts";
import { MBAP_LENGTH, putCrc, putMbap } from "../../../protocols/modbus/frame.ts";
import { EMPTY_BYTES, joinBytes } from "../../../src/core/bytes.ts";
import { Random } from "../../../src/core/random.ts";
import { mono } from "../../../src/core/time.ts";
import type { Heard, ProbeStep } from "../../../src/field/probe.ts";
import type { FoundMeter, ScanOptions, ScanReport } from "../../../src/field/scan/found.ts";
import { scan } from "../../../src/field/scan/scan.ts";
import { writes } from "./bench.ts";

const OPTIONS: ScanOptions = {
  line: "tcp",
  protocols: ["modbus-tcp"],
  units: [1, 2, 3, 4, 5],
  patience: 1_000_000,
};

/** What comes back to a request; undefined is silence, null a connection that can't be had, "hangs up" one that is closed. */
type Server = (request: Uint8Array) => Uint8Array | undefined | null | "hangs up";

function run(server: Server, options: Partial<ScanOptions> = {}) {
  const sent: Uint8Array[] = [];
  const told: FoundMeter[] = [];
  const probe = scan({ ...OPTIONS, ...options }, { found: (meter) => told.push(meter), progress: () => {} });
  let now = 0;
  let step: IteratorResult<ProbeStep, ScanReport> = probe.next();
  while (!step.done) {
    let heard: Heard = {
      bytes: EMPTY_BYTES,
      chunks: [],
      sentAt: mono(now),
      leftAt: mono(now),
      endedAt: mono(now),
      ended: "silent",
    };
    if (step.value.kind === "exchange") {
      const { send, listen } = step.value;
      if (send.length > 0) sent.push(send);
      const answer = send.length === 0 ? undefined : server(send);
      now += answer === undefined ? listen.first : 1_000;
      const at = { ...heard, endedAt: mono(now) };
      if (answer === null) heard = { ...at, sentAt: mono(now), ended: "closed", reason: "connect ECONNREFUSED" };
      else if (answer === "hangs up") heard = { ...at, ended: "closed", reason: "closed by the peer" };
      else if (answer === undefined) heard = at;
      else heard = { ...at, bytes: answer, ended: listen.enough?.(answer) ? "enough" : "quiet" };
    }
    step = probe.next(heard);
  }
  return { report: step.value, sent, told, seconds: now / 1e6 };
}

function reply(request: Uint8Array, pdu: readonly number[], unit = request[6] as number): Uint8Array {
  const out = new Uint8Array(MBAP_LENGTH + pdu.length);
  putMbap(out, 0, ((request[0] as number) << 8) | (request[1] as number), unit, pdu.length);
  out.set(pdu, MBAP_LENGTH);
  return out;
}

const exception = (request: Uint8Array, code: number) => reply(request, [(request[7] as number) | 0x80, code]);

/** An SDM230, whose phase angle (0024) the SDM120 does not have: float registers of function 04, zeros elsewhere. */
const VALUES: Readonly<Record<number, number>> = { 0: 230.5, 36: 12.5, 70: 49.98, 72: 1_234.5, 342: 1_300 };

function sdm230(request: Uint8Array): Uint8Array {
  const code = request[7] as number;
  if (code !== 4) return exception(request, 1);
  const address = ((request[8] as number) << 8) | (request[9] as number);
  const count = request[11] as number;
  const view = new DataView(new ArrayBuffer(2 * count));
  if (count >= 2) view.setFloat32(0, VALUES[address] ?? 0);
  return reply(request, [4, 2 * count, ...new Uint8Array(view.buffer)]);
}

describe("a scan over TCP", () => {
  test("finds the one unit, tells the model by a register that only it has, and asks nothing but reads", () => {
    const { report, sent } = run((request) => (request[6] === 3 ? sdm230(request) : undefined));
    expect(
      report.found.map(({ unit, model, alternatives, confidence }) => [unit, model, alternatives, confidence]),
    ).toEqual([[3, "eastron-sdm230", [], 80]]);
    expect(report.found[0]?.format).toBeUndefined();
    expect(sent.map((bytes) => bytes[7]).filter((code) => ![3, 4, 0x11, 0x2b].includes(code as number))).toEqual([]);
  });

  test("takes a gateway's word for it that nobody is there", () => {
    const { report, seconds } = run((request) => (request[6] === 2 ? sdm230(request) : exception(request, 0x0b)));
    expect(report.found.map(({ unit }) => unit)).toEqual([2]);
    expect(report.notes).toEqual([]);
    expect(seconds).toBeLessThan(1);
  });

  test("finds a meter once that answers whatever the unit", () => {
    const { report } = run(sdm230);
    expect(report.found.map(({ unit }) => unit)).toEqual([1]);
    expect(report.notes.join()).toMatch(/whatever the unit address is/);
  });

  test("believes a unit whose reply comes while the next is asked", () => {
    let first: Uint8Array | undefined;
    const { report } = run((request) => {
      const unit = request[6];
      if (unit === 2 && first === undefined) {
        first = request;
        return undefined;
      }
      if (unit === 3) return reply(first as Uint8Array, [0x84, 2]);
      return unit === 2 ? sdm230(request) : undefined;
    });
    expect(report.found.map(({ unit, model }) => [unit, model])).toEqual([[2, "eastron-sdm230"]]);
    expect(report.notes.join()).toMatch(/unit 2 takes longer/);
  });

  test("names a meter whose registers it does not know by its own words", () => {
    const { report } = run((request) => {
      if (request[6] !== 5) return undefined;
      if (request[7] !== 0x11) return exception(request, 1);
      return reply(request, [0x11, 8, 1, 0xff, ..."ACME-9".split("").map((letter) => letter.charCodeAt(0))]);
    });
    const [meter] = report.found;
    expect([meter?.unit, meter?.model, meter?.name, meter?.confidence]).toEqual([5, undefined, "ACME-9", 0]);
    expect(meter?.reason).toMatch(/no known map .*server id \(11h\) says "ACME-9"/);
  });

  test("trusts a meter's word less when its registers show no mains voltage", () => {
    const { report } = run((request) => {
      if (request[6] !== 1) return undefined;
      if (request[7] !== 0x11) return exception(request, 2);
      return reply(request, [0x11, 16, 1, 0xff, ..."eastron SDM630".split("").map((letter) => letter.charCodeAt(0))]);
    });
    const [meter] = report.found;
    expect([meter?.model, meter?.confidence]).toEqual(["eastron-sdm630", 70]);
    expect(meter?.reason).toMatch(/but its registers show no mains voltage/);
  });

  test("asks no Modbus TCP of a port behind which a meter answered a wildcard", () => {
    const { report, sent } = run(
      (request) => {
        const frame = parseFrame(request);
        if (!frame.ok) return undefined;
        const { control, data } = frame.value;
        if (control === 0x13)
          return encodeFrame({ address: "000000000161", control: 0x93, data: Uint8Array.of(0x61, 1, 0, 0, 0, 0) }, 4);
        const code = [data[3], data[2], data[1], data[0]].map((byte) => byte?.toString(16)).join();
        const text = code === "4,0,4,3" ? "A-4711".padEnd(32, "\0") : undefined;
        if (text === undefined)
          return encodeFrame({ address: "000000000161", control: 0xd1, data: Uint8Array.of(2) }, 0);
        const turned = Uint8Array.from(text, (letter) => letter.charCodeAt(0)).reverse();
        return encodeFrame({ address: "000000000161", control: 0x91, data: Uint8Array.of(...data, ...turned) }, 0);
      },
      { protocols: ["modbus-tcp", "dlt645", "iec62056-21"] },
    );
    expect(report.found.map(({ protocol, address, name }) => [protocol, address, name])).toEqual([
      ["dlt645", "000000000161", "asset A-4711"],
    ]);
    expect(sent.filter((bytes) => bytes[0] !== 0xfe && bytes[0] !== 0x2f)).toEqual([]);
  });

  test("finds a Modbus RTU meter behind a raw serial server", () => {
    const { report } = run(
      (request) => {
        if (request[0] !== 4 || request.length !== 8) return undefined;
        const bytes = Uint8Array.of(4, (request[1] as number) | 0x80, 2, 0, 0);
        putCrc(bytes, 0, 3);
        return bytes;
      },
      { protocols: ["modbus-tcp", "modbus-rtu"] },
    );
    expect(report.found.map(({ protocol, unit, model }) => [protocol, unit, model])).toEqual([
      ["modbus-rtu", 4, undefined],
    ]);
  });

  test("is not put off by a server that hangs up on what it can't read", () => {
    const { report } = run((request) => (request[2] === 0 && request[3] === 0 ? sdm230(request) : "hangs up"), {
      protocols: ["modbus-tcp", "modbus-rtu", "dlt645", "iec62056-21"],
    });
    expect(report.unreachable).toBeUndefined();
    expect(report.found.map(({ protocol, model }) => [protocol, model])).toEqual([["modbus-tcp", "eastron-sdm230"]]);
  });

  test("gives up a connection that is lost again and again, and says what it had found", () => {
    let asked = 0;
    const { report, sent } = run(
      (request) => (asked++ < 40 ? (request[6] === 1 ? sdm230(request) : undefined) : null),
      {
        units: Array.from({ length: 200 }, (_, i) => i + 1),
      },
    );
    expect(report.found.length).toBe(1);
    expect(report.notes).toEqual(["the connection was lost: connect ECONNREFUSED"]);
    expect(report.unreachable).toBeUndefined();
    expect(sent.length).toBeLessThan(50);
  });

  test.each(["tcp", "serial"] as const)("comes to its end on %s whatever is heard, and never writes", (line) => {
    const random = new Random(5);
    for (let round = 0; round < 30; round++) {
      const server: Server = (request) => {
        const kind = random.below(6);
        if (kind === 0) return undefined;
        if (kind === 1) return null;
        if (kind === 2) return request;
        const noise = Uint8Array.from({ length: random.between(1, 60) }, () => random.below(256));
        return kind === 3
          ? noise
          : kind === 4
            ? request.slice(0, random.between(1, request.length))
            : joinBytes([noise, request, noise]);
      };
      const { report, sent } = run(server, {
        line,
        protocols:
          line === "tcp"
            ? ["modbus-tcp", "dlt645", "iec62056-21"]
            : ["modbus-rtu", "modbus-ascii", "dlt645", "iec62056-21"],
        ...(line === "tcp" ? {} : { bauds: [2_400, 9_600] }),
      });
      expect(report.notes.length).toBeLessThan(20);
      if (line === "serial")
        expect(
          sent
            .filter((bytes) => bytes[0] !== 0x3a)
            .map(writes)
            .filter((why) => why !== undefined),
        ).toEqual([]);
    }
  });

  test("says why it could not ask", () => {
    const { report } = run(() => null);
    expect(report).toEqual({ found: [], notes: [], unreachable: "connect ECONNREFUSED" });
  });
});
