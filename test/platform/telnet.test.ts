import { describe, expect, it } from "vitest";
import { rfc2217At } from "../../src/platform/rfc2217.ts";
import { escapeData, subnegotiation, TelnetReader } from "../../src/platform/telnet.ts";

const IAC = 255;
/** Data, an option, data with an escaped FF, a subnegotiation with an escaped FF, data. */
const STREAM = [1, 2, IAC, 253, 44, 3, IAC, IAC, 4, IAC, 250, 44, 101, 0, IAC, IAC, 9, IAC, 240, 5];

function read(pieces: readonly (readonly number[])[]) {
  const reader = new TelnetReader();
  return pieces.flatMap((piece) => reader.read(Uint8Array.from(piece)));
}

function told(events: ReturnType<typeof read>) {
  const data = events.flatMap((event) => (event.kind === "data" ? [...event.bytes] : []));
  return { data, rest: events.filter((event) => event.kind !== "data") };
}

describe("Telnet", () => {
  it("is read alike wherever the stream is cut", () => {
    const expected = {
      data: [1, 2, 3, IAC, 4, 5],
      rest: [
        { kind: "option", command: 253, option: 44 },
        { kind: "subnegotiation", option: 44, data: Uint8Array.of(101, 0, IAC, 9) },
      ],
    };
    expect(told(read([STREAM]))).toEqual(expected);
    expect(told(read(STREAM.map((byte) => [byte])))).toEqual(expected);
    for (let cut = 1; cut < STREAM.length; cut++)
      expect(told(read([STREAM.slice(0, cut), STREAM.slice(cut)])), `cut at ${cut}`).toEqual(expected);
  });

  it("doubles FF in what goes out", () => {
    expect([...escapeData(Uint8Array.of(1, IAC, 2))]).toEqual([1, IAC, IAC, 2]);
    expect([...subnegotiation(44, Uint8Array.of(1, 0, 0, IAC, 0))]).toEqual([
      ...[IAC, 250, 44, 1, 0, 0, IAC, IAC, 0, IAC, 240],
    ]);
  });

  it("holds no subnegotiation without end", () => {
    const [event] = read([[IAC, 250, 44, ...Array(10_000).fill(7), IAC, 240]]);
    expect(event).toMatchObject({ kind: "subnegotiation", option: 44 });
    expect(event?.kind === "subnegotiation" ? event.data.length : 0).toBeLessThan(300);
  });
});

describe("rfc2217 addresses", () => {
  it.each([
    ["rfc2217://10.0.0.5:2217", { host: "10.0.0.5", port: 2217 }],
    ["rfc2217://[fe80::1]:2217", { host: "fe80::1", port: 2217 }],
    ["RFC2217://moxa-1:4001/", { host: "moxa-1", port: 4001 }],
    ["/dev/ttyUSB0", undefined],
    ["COM3", undefined],
  ])("%s", (path, expected) => expect(rfc2217At(path)).toEqual(expected));

  it.each(["rfc2217://", "rfc2217://host", "rfc2217:host:1", "rfc2217://host:70000", "rfc2217://host:0"])(
    "%s is none",
    (path) => expect(() => rfc2217At(path)).toThrow(/is no rfc2217:\/\/HOST:PORT/),
  );
});
