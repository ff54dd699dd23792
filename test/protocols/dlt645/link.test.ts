/** Server and client of a DL/T 645 line against captured frames: requests of others in, replies of real meters in. */
import { describe, expect, test } from "vitest";
import { Dlt645Client, type Dlt645ClientEffect } from "../../../protocols/dlt645/client.ts";
import { ERR } from "../../../protocols/dlt645/errors.ts";
import { identifier } from "../../../protocols/dlt645/identifier.ts";
import type { Dlt645Model } from "../../../protocols/dlt645/respond.ts";
import { Dlt645Server } from "../../../protocols/dlt645/server.ts";
import { Dlt645Station } from "../../../protocols/dlt645/station.ts";
import { toHex } from "../../../src/core/bytes.ts";
import { bytes } from "./vectors.ts";

const METER = "000000000161";
/** V6 asks this meter for its forward active energy, V7 is what it said: 0.26 kWh. */
const V6 = "68610100000000681104333334331416";
const V7 = "6861010000000068910833333433593333338A16";
const SECOND = 1_000_000;

function meter(model: Partial<Dlt645Model> = {}) {
  const asked: number[] = [];
  const station = new Dlt645Station({ address: METER, passwords: new Map([[2, "123456"]]) });
  const read: Dlt645Model["read"] = (request) => {
    asked.push(request.identifier);
    return request.identifier === 0x00010000 ? Uint8Array.of(0x26, 0, 0, 0) : ERR.noSuchData;
  };
  return { asked, server: new Dlt645Server(station, { read, ...model }, { preamble: 0 }) };
}

/** What the meter says to a frame, as hex; undefined for silence. */
function reply(server: Dlt645Server, hex: string, at = SECOND): string | undefined {
  server.receive(bytes(hex), at);
  const said = server.wake(at + 500_000);
  return said === undefined ? undefined : toHex(said).toUpperCase();
}

describe("server", () => {
  test("V6 is answered with V7, 30 ms after its last byte", () => {
    const { server } = meter();
    server.receive(bytes(V6), SECOND);
    expect(server.wake(SECOND + 29_999)).toBeUndefined();
    expect(server.nextWake()).toBe(SECOND + 30_000);
    expect(toHex(server.wake(SECOND + 30_000) as Uint8Array).toUpperCase()).toBe(V7);
    expect(server.wake(SECOND + 60_000)).toBeUndefined();
  });

  test("any number of FE before the frame, and bytes one by one, change nothing", () => {
    const { server } = meter();
    for (const [i, byte] of bytes(`FEFEFEFEFEFE${V6}`).entries())
      server.receive(Uint8Array.of(byte), SECOND + i * 4_000);
    expect(toHex(server.wake(3 * SECOND) as Uint8Array).toUpperCase()).toBe(V7);
  });

  test("a frame for another meter and a wrong checksum get silence, and nothing is asked", () => {
    const { server, asked } = meter();
    expect(reply(server, "68620100000000681104333334331516")).toBeUndefined();
    expect(reply(server, "68610100000000681104333334331516", 2 * SECOND)).toBeUndefined();
    expect(asked).toEqual([]);
  });

  test("what the meter does not have is refused with control D1 and the bit for it", () => {
    const { server } = meter();
    // DI 00020000: one more in the third data byte than V6, so one more in the checksum.
    expect(reply(server, "68610100000000681104333335331516")).toMatch(/^68610100000000 ?68D101/);
  });

  test("the wildcard address finds the meter (V1)", () => {
    const { server } = meter();
    expect(reply(server, "FEFEFEFE68AAAAAAAAAAAA681300DF16")).toMatch(/^6861010000000068930694343333333/);
  });
});

function finished(effects: readonly Dlt645ClientEffect[]) {
  return effects.flatMap((effect) => (effect.kind === "done" ? [effect.result] : []));
}

describe("client", () => {
  function asking() {
    const client = new Dlt645Client({ responseTimeout: SECOND, preamble: 0 });
    client.linkUp(0);
    const effects = [...client.submit(1, METER, { kind: "read", identifier: identifier(0x00010000) }, SECOND)];
    while (!effects.some((e) => e.kind === "send")) effects.push(...client.wake(client.nextWake()));
    return { client, sent: effects.find((e) => e.kind === "send") as Dlt645ClientEffect & { kind: "send" } };
  }

  test("it asks with the bytes of V6 and reads V7", () => {
    const { client, sent } = asking();
    expect(toHex(sent.bytes).toUpperCase()).toBe(V6);
    const [result] = finished(client.receive(bytes(V7), SECOND + 100_000));
    expect(result).toMatchObject({ ok: true, value: { address: METER, reply: { kind: "data", more: false } } });
  });

  test("another meter's reply is not taken, and the time runs out", () => {
    const { client } = asking();
    expect(finished(client.receive(bytes("6862010000000068910833333433593333338B16"), SECOND + 100_000))).toEqual([]);
    expect(finished(client.wake(5 * SECOND))).toMatchObject([{ ok: false, error: { kind: "timeout" } }]);
  });

  test("garbage before the reply costs nothing", () => {
    const { client } = asking();
    client.receive(
      Uint8Array.from({ length: 40 }, (_, i) => (i * 37) & 0xff),
      SECOND + 50_000,
    );
    expect(finished(client.receive(bytes(V7), SECOND + 700_000))).toMatchObject([{ ok: true }]);
  });
});
