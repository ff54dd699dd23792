/** Recordings: what was recorded is what is replayed, and captures of others and broken ones are read as far as they go. */
import { describe, expect, test } from "vitest";
import { joinBytes, toHex } from "../../src/core/bytes.ts";
import { explainFrame, framesOf } from "../../src/field/recording/frames.ts";
import { linesOf } from "../../src/field/recording/lines-of-capture.ts";
import { interfaceBlock, packetBlock, sectionHeader } from "../../src/field/recording/pcapng-writer.ts";
import { readCapture } from "../../src/field/recording/read-capture.ts";
import { LineRecorder, lineHead, recordingHead } from "../../src/field/recording/recorder.ts";
import { TcpPackets } from "../../src/field/recording/tcp-packets.ts";
import { fuzzCaptures } from "../fuzz/captures.ts";
import { bytes } from "../protocols/dlt645/vectors.ts";

const ASK = bytes("01 03 00 00 00 02 c4 0b");
const ANSWER = bytes("01 03 04 43 66 33 34 1a 8f");
const T0 = 1_790_000_000_000_000;

function serialRecording(
  said: readonly (readonly [number, "in" | "out", Uint8Array])[],
  description = "modbus-rtu 9600 8N1",
): Uint8Array {
  const line = { name: "/dev/ttyUSB0", description };
  const recorder = new LineRecorder(0, line);
  const parts = said.map(([at, direction, data]) => recorder.carried(T0 + at, direction, data));
  return joinBytes([recordingHead("test"), lineHead(line), ...parts, recorder.flush()]);
}

function replayed(file: Uint8Array, ports: readonly number[] = []) {
  const { packets, error } = readCapture(file);
  const frames = linesOf(packets, ports).lines.flatMap((line) => framesOf(line, undefined));
  return {
    error,
    frames: frames.map((f) => [f.time - T0, f.direction, f.protocol, explainFrame(f).ok, toHex(f.bytes)] as const),
  };
}

describe("a serial recording", () => {
  test("gives frames with their times and directions", () => {
    const { frames, error } = replayed(
      serialRecording([
        [0, "out", ASK],
        [9_000, "in", ANSWER],
      ]),
    );
    expect(error).toBeUndefined();
    expect(frames).toEqual([
      [0, "request", "modbus-rtu", true, toHex(ASK)],
      [9_000, "reply", "modbus-rtu", true, toHex(ANSWER)],
    ]);
  });

  test("keeps the lumps of a frame together and says when each came", () => {
    const file = serialRecording([
      [0, "out", ASK],
      [9_000, "in", ANSWER.slice(0, 4)],
      [25_000, "in", ANSWER.slice(4)],
    ]);
    const { packets } = readCapture(file);
    expect(packets.map((p) => p.comment)).toEqual([undefined, "lumps (bytes@µs): 4@0 5@16000"]);
    expect(replayed(file).frames[1]).toEqual([9_000, "reply", "modbus-rtu", true, toHex(ANSWER)]);
  });

  test("tells an adapter's echo from the reply behind it", () => {
    const { frames } = replayed(
      serialRecording([
        [0, "out", ASK],
        [9_000, "in", joinBytes([ASK, ANSWER])],
      ]),
    );
    expect(frames.map((f) => [f[1], f[4]])).toEqual([
      ["request", toHex(ASK)],
      ["echo", toHex(ASK)],
      ["reply", toHex(ANSWER)],
    ]);
  });

  test("takes a write's reply, which is the request again, for no echo", () => {
    const write = bytes("01 06 00 01 00 03 98 0b");
    const { frames } = replayed(
      serialRecording([
        [0, "out", write],
        [9_000, "in", write],
      ]),
    );
    expect(frames.map((f) => f[1])).toEqual(["request", "reply"]);
  });

  test("shows damaged bytes as a broken frame", () => {
    const { frames } = replayed(
      serialRecording([
        [0, "out", ASK],
        [9_000, "in", bytes("01 03 04 43 66 33 34 1a 8e")],
      ]),
    );
    expect(frames[1]?.slice(1, 4)).toEqual(["reply", "modbus-rtu", false]);
  });

  test("finds another protocol on a line that was scanned", () => {
    const dlt = bytes("68 AA AA AA AA AA AA 68 13 00 DF 16");
    const { frames } = replayed(
      serialRecording([
        [0, "out", ASK],
        [2_000_000, "out", dlt],
      ]),
    );
    expect(frames.map((f) => [f[2], f[3]])).toEqual([
      ["modbus-rtu", true],
      ["dlt645", true],
    ]);
  });

  test("tells what the line was set to in between", () => {
    const recorder = new LineRecorder(0, { name: "x", description: "modbus-rtu 9600 8N1" });
    const parts = [
      recorder.carried(T0, "out", ASK),
      recorder.changed("2400 8E1"),
      recorder.carried(T0 + 9, "out", ASK),
    ];
    const head = lineHead({ name: "x", description: "modbus-rtu 9600 8N1" });
    const { packets } = readCapture(joinBytes([recordingHead("test"), head, ...parts, recorder.flush()]));
    const frames = linesOf(packets, []).lines.flatMap((line) => framesOf(line, undefined));
    expect(frames.map((frame) => frame.setting)).toEqual([undefined, "2400 8E1"]);
  });

  test("has times beyond 2^32 µs and every byte value in it", () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    const { packets } = readCapture(serialRecording([[123_456, "in", all]]));
    expect(packets[0]?.time).toBe(T0 + 123_456);
    expect(toHex(packets[0]?.data.subarray(-256) ?? new Uint8Array(0))).toBe(toHex(all));
  });
});

const TCP_ASK = bytes("00 01 00 00 00 06 01 03 00 00 00 02");
const TCP_ANSWER = bytes("00 01 00 00 00 07 01 03 04 43 66 33 34");

describe("captures of Modbus TCP by others", () => {
  type Packet = readonly ["in" | "out", Uint8Array];

  /** Without our interface description: only the port says what it is. */
  function foreign(packets: readonly Packet[]): Uint8Array {
    return joinBytes([
      sectionHeader("dumpcap"),
      interfaceBlock({ linkType: 1, name: "eth0", description: "" }),
      ...packets.map(([, data], i) => packetBlock(0, T0 + i, data, undefined)),
    ]);
  }

  function connection(): { readonly ask: readonly Packet[]; readonly answer: readonly Packet[] } {
    const tcp = new TcpPackets("192.168.1.50", 1502, 0);
    tcp.opened();
    return {
      ask: tcp.carried("out", TCP_ASK),
      answer: [...tcp.carried("in", TCP_ANSWER.slice(0, 5)), ...tcp.carried("in", TCP_ANSWER.slice(5))],
    };
  }

  const GOOD = [
    ["request", "modbus-tcp", true, toHex(TCP_ASK)],
    ["reply", "modbus-tcp", true, toHex(TCP_ANSWER)],
  ];

  test("are found by the port, and split frames are joined", () => {
    const { ask, answer } = connection();
    const file = foreign([...ask, ...answer]);
    expect(replayed(file, [1502]).frames.map((f) => f.slice(1))).toEqual(GOOD);
    expect(replayed(file, [502]).frames).toEqual([]);
  });

  test("have their segments put in order, and repeats dropped", () => {
    const { ask, answer } = connection();
    const [first, second] = answer as [Packet, Packet];
    const file = foreign([...ask, first, ...ask, first, second, second]);
    expect(replayed(file, [1502]).frames.map((f) => f.slice(1))).toEqual(GOOD);
    const third = new TcpPackets("192.168.1.50", 1502, 0);
    third.opened();
    const parts = [0, 4, 8].map((at) => third.carried("out", TCP_ASK.slice(at, at + 4))[0] as Packet);
    const [a, b, c] = parts as [Packet, Packet, Packet];
    expect(replayed(foreign([a, c, b]), [1502]).frames.map((f) => f[4])).toEqual([toHex(TCP_ASK)]);
  });

  test("go on behind a segment that was not captured", () => {
    const tcp = new TcpPackets("192.168.1.50", 1502, 0);
    const [first] = tcp.carried("out", TCP_ASK);
    tcp.carried("out", TCP_ASK);
    const [third] = tcp.carried("out", TCP_ASK);
    const { frames } = replayed(foreign([first as Packet, third as Packet]), [1502]);
    expect(frames.map((f) => f[4])).toEqual([toHex(TCP_ASK), toHex(TCP_ASK)]);
  });

  test("classic pcap is read in either byte order", () => {
    const { ask } = connection();
    const data = ask[0]?.[1] as Uint8Array;
    for (const little of [true, false]) {
      const head = new DataView(new ArrayBuffer(40));
      head.setUint32(0, 0xa1b2c3d4, little);
      head.setUint32(20, 1, little);
      head.setUint32(24, Math.floor(T0 / 1e6), little);
      head.setUint32(28, 77, little);
      head.setUint32(32, data.length, little);
      head.setUint32(36, data.length, little);
      const file = joinBytes([new Uint8Array(head.buffer), data]);
      expect(replayed(file, [1502]).frames.map((f) => [f[0], f[4]])).toEqual([[77, toHex(TCP_ASK)]]);
    }
  });
});

describe("a broken file", () => {
  const whole = serialRecording([
    [0, "out", ASK],
    [9_000, "in", ANSWER],
  ]);

  test("is read as far as it goes, wherever it ends, and says where", () => {
    for (let end = 1; end < whole.length; end++) {
      const { packets, error } = readCapture(whole.subarray(0, end));
      expect(packets.length).toBeLessThan(2);
      if (error === undefined) expect(packets.length + end).toBeGreaterThan(12);
      else expect(error).toMatch(/ends within|no capture file/);
    }
  });

  test.each([
    ["empty", new Uint8Array(0), /empty/],
    ["a text", new TextEncoder().encode("this is no capture at all"), /neither pcapng nor pcap/],
  ])("that is %s says so", (_, file, message) => {
    expect(readCapture(file).error).toMatch(message);
  });

  test("with any byte changed is never a crash", () => {
    for (let at = 0; at < whole.length; at++)
      for (const flip of [0x01, 0x80, 0xff]) {
        const copy = whole.slice();
        copy[at] = (copy[at] as number) ^ flip;
        replayed(copy, [502]);
      }
  });
});

test("whatever is said comes back, and no damage is a crash", () => {
  fuzzCaptures(20_261_129, 500);
}, 30_000);

describe("link layers of captures", () => {
  const segment = () => {
    const tcp = new TcpPackets("192.168.1.50", 1502, 0);
    return joinBytes(tcp.carried("out", TCP_ASK).map(([, packet]) => packet.slice(14)));
  };
  const ipv6 = () => {
    const tcp = segment().slice(20);
    const head = new Uint8Array(40);
    head.set([0x60, 0, 0, 0, tcp.length >> 8, tcp.length & 0xff, 6, 64]);
    head[23] = 1;
    head[39] = 2;
    return joinBytes([head, tcp]);
  };

  test.each([
    ["Ethernet with two VLAN tags", 1, bytes(`${"00".repeat(12)} 88a8 0001 8100 0002 0800`), segment],
    ["Ethernet with IPv6", 1, bytes(`${"00".repeat(12)} 86dd`), ipv6],
    ["BSD loopback", 0, bytes("02000000"), segment],
    ["raw IP", 101, new Uint8Array(0), segment],
    ["OpenBSD loopback", 108, bytes("00000002"), segment],
    ["Linux cooked", 113, bytes(`${"00".repeat(14)} 0800`), segment],
    ["Linux cooked, second form", 276, bytes(`0800 ${"00".repeat(18)}`), segment],
  ])("%s", (_, linkType, head, ip) => {
    const file = joinBytes([
      sectionHeader("x"),
      interfaceBlock({ linkType, name: "", description: "" }),
      packetBlock(0, T0, joinBytes([head, ip()]), undefined),
    ]);
    expect(replayed(file, [1502]).frames.map((f) => [f[1], f[4]])).toEqual([["request", toHex(TCP_ASK)]]);
  });

  test("a packet cut within its headers is passed over", () => {
    const whole = joinBytes([bytes(`${"00".repeat(12)} 0800`), segment()]);
    for (let end = 0; end < 54; end++) {
      const packets = readCapture(
        joinBytes([
          sectionHeader("x"),
          interfaceBlock({ linkType: 1, name: "", description: "" }),
          packetBlock(0, T0, whole.slice(0, end), undefined),
        ]),
      ).packets;
      expect(linesOf(packets, [1502]).lines).toEqual([]);
    }
  });
});
