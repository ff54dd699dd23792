import { describe, expect, test } from "vitest";
import { IdentificationReader, parseIdentification } from "../../../protocols/modbus/identification.ts";
import { type ModbusDataModel, respond } from "../../../protocols/modbus/server.ts";
import { hex, show } from "./support.ts";

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
const BASIC: readonly (readonly [number, string])[] = [
  [0, "Maker"],
  [1, "M1"],
  [2, "V1.0"],
];

function device(...more: (readonly [number, string])[]): ModbusDataModel {
  return { objects: new Map([...BASIC, ...more].map(([id, value]) => [id, ascii(value)])) };
}

function ask(model: ModbusDataModel, request: string): string | undefined {
  const pdu = hex(request);
  const out = new Uint8Array(260);
  return show(out.subarray(0, respond(model, pdu, 0, pdu.length, out, 0)));
}

const stream = (code: number, conformity: string, ...objects: (readonly [number, string])[]) =>
  show(
    Uint8Array.of(
      ...hex(`2b 0e 0${code} ${conformity} 00 00`),
      objects.length,
      ...objects.flatMap(([id, value]) => [id, value.length, ...ascii(value)]),
    ),
  );

describe("2B/0E of a server", () => {
  test("82: other types are 01, so are devices without identification", () => {
    expect(ask(device(), "2b 0d 01 00")).toBe("ab 01");
    expect(ask(device(), "2b 0f 01 00")).toBe("ab 01");
    expect(ask({}, "2b 0e 01 00")).toBe("ab 01");
  });

  test("83: codes 01 .. 04, else 03; so with a wrong length", () => {
    for (const request of ["2b 0e 00 00", "2b 0e 05 00", "2b 0e 01", "2b 0e", "2b 0e 01 00 00", "2b"])
      expect(ask(device(), request)).toBe("ab 03");
  });

  test("84, 85, 87, 89: each category up to what is stored", () => {
    const extended = [3, "https://example.org"] as const;
    const own = [0x80, "id 7"] as const;
    expect(ask(device(), "2b 0e 01 00")).toBe(stream(1, "81", ...BASIC));
    expect(ask(device(), "2b 0e 02 00")).toBe(stream(2, "81", ...BASIC));
    expect(ask(device(extended), "2b 0e 01 00")).toBe(stream(1, "82", ...BASIC));
    expect(ask(device(extended), "2b 0e 03 00")).toBe(stream(3, "82", ...BASIC, extended));
    expect(ask(device(own, extended), "2b 0e 02 00")).toBe(stream(2, "83", ...BASIC, extended));
    expect(ask(device(own, extended), "2b 0e 03 00")).toBe(stream(3, "83", ...BASIC, extended, own));
    expect(ask(device(own), "2b 0e 03 02")).toBe(stream(3, "83", [2, "V1.0"], own));
  });

  test("86: one object by itself, 02 when it is not there; a stream from an unknown one starts at the first", () => {
    expect(ask(device(), "2b 0e 04 01")).toBe(stream(4, "81", [1, "M1"]));
    expect(ask(device(), "2b 0e 04 03")).toBe("ab 02");
    expect(ask(device(), "2b 0e 01 7f")).toBe(stream(1, "81", ...BASIC));
    expect(ask(device([0x80, "x"]), "2b 0e 01 80")).toBe(stream(1, "83", ...BASIC));
  });

  test("88: what does not fit goes on in the next reply, no object is split", () => {
    const long = [4, "p".repeat(230)] as const;
    const longest = [0x80, "q".repeat(244)] as const;
    const model = device(long, longest);
    const first = ask(model, "2b 0e 03 00")?.split(" ") ?? [];
    expect(first.slice(4, 7)).toEqual(["ff", "04", "03"]);
    const second = ask(model, "2b 0e 03 04")?.split(" ") ?? [];
    expect(second.slice(4, 7)).toEqual(["ff", "80", "01"]);
    const last = ask(model, "2b 0e 03 80")?.split(" ") ?? [];
    expect(last.slice(4, 7)).toEqual(["00", "00", "01"]);
    expect(last.length).toBe(253);
  });
});

describe("2B/0E of a client", () => {
  // Modicon's example in the protocol's specification has this layout; texts are ours.
  const PAGE = "01 01 00 00 02 00 03 414243 01 02 4d31";

  test("a page is read; cut and surplus bytes are refused", () => {
    const page = parseIdentification(hex(PAGE));
    expect(page.ok && [...page.value.objects]).toEqual([
      [0, ascii("ABC")],
      [1, ascii("M1")],
    ]);
    for (const bad of ["", "01 01 00 00", "01 01 00 00 01 00", "01 01 00 00 01 00 03 4142", `${PAGE} 00`])
      expect(parseIdentification(hex(bad)).ok, bad).toBe(false);
    expect(parseIdentification(hex("01 01 00 00 01 00 00")).ok).toBe(true);
  });

  test("90: follows to the end", () => {
    const model = device([3, "u".repeat(240)], [0x80, "v".repeat(240)]);
    const reader = new IdentificationReader();
    for (let page = 0; reader.request !== undefined; page++) {
      expect(page).toBeLessThan(4);
      const { request } = reader;
      if (request.function !== 43) expect.unreachable();
      const reply = ask(model, `2b 0e 0${request.code} ${request.object.toString(16).padStart(2, "0")}`) ?? "";
      expect(reader.take(hex(reply).slice(2)).ok).toBe(true);
    }
    expect([...reader.objects.keys()]).toEqual([0, 1, 2, 3, 0x80]);
  });

  test("90: stops when there is no progress", () => {
    const reader = new IdentificationReader(1);
    expect(reader.take(hex("01 01 ff 01 01 00 01 41")).ok).toBe(true);
    expect(reader.request).toEqual({ function: 43, code: 1, object: 1 });
    expect(reader.take(hex("01 01 ff 01 01 00 01 41")).ok).toBe(false);
    expect(reader.request).toBeUndefined();
    expect(new IdentificationReader(1).take(hex("01 01 ff 00 00")).ok).toBe(false);
  });
});
