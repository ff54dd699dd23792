/** Recorded bytes through text2pcap into tshark: what Wireshark's Modbus dissectors say of each packet. */
import { join } from "node:path";
import { expect } from "vitest";
import { requirePeer } from "../peers.ts";
import { run } from "../programs.ts";
import type { Cleanup } from "./support.ts";
import { type Chunk, hex } from "./wire.ts";

export interface Packet {
  readonly protocols: string;
  readonly info: string;
  readonly complaint: string;
  readonly crc: string;
  readonly registers: number;
}

const FIELDS = ["frame.protocols", "_ws.col.Info", "_ws.expert.message", "_ws.malformed", "mbrtu.crc16.status"];

async function dissect(cleanup: Cleanup, text: string, text2pcapArgs: string[], tsharkArgs: string[]) {
  const capture = join(cleanup.directory(), "capture.pcap");
  const packed = await run(requirePeer("text2pcap"), ["-q", ...text2pcapArgs, "-", capture], { input: text });
  expect(packed.code, packed.stderr).toBe(0);
  const fields = [...FIELDS, "modbus.regval_uint16"].flatMap((field) => ["-e", field]);
  const args = ["-r", capture, ...tsharkArgs, "-T", "fields", "-E", "separator=/t", "-E", "aggregator=;", ...fields];
  const result = await run(requirePeer("tshark"), args, { timeoutMs: 30_000 });
  expect(result.code, result.stderr).toBe(0);
  return result.stdout.split("\n").slice(0, -1).map(toPacket);
}

function toPacket(line: string): Packet {
  const [protocols = "", info = "", expert = "", malformed = "", crc = "", registers = ""] = line.split("\t");
  const count = registers === "" ? 0 : registers.split(";").length;
  return { protocols, info, complaint: expert + malformed, crc, registers: count };
}

const dump = (bytes: Uint8Array): string => `0000 ${hex(bytes).replace(/../g, "$& ")}`;

/** A conversation with a server on port 502, by which the dissector tells requests from replies. */
export function dissectTcp(cleanup: Cleanup, chunks: readonly Chunk[]): Promise<readonly Packet[]> {
  const text = chunks.map(({ from, bytes }) => `${from === "client" ? "I" : "O"} ${dump(bytes)}\n`).join("");
  return dissect(cleanup, text, ["-D", "-T", "40000,502"], []);
}

/** Frames of a serial line, each by itself; DLT 147 is free for users. */
export function dissectRtu(cleanup: Cleanup, frames: readonly Uint8Array[]): Promise<readonly Packet[]> {
  const userDlt = 'uat:user_dlts:"User 0 (DLT=147)","mbrtu","0","","0",""';
  const text = frames.map((frame) => `${dump(frame)}\n`).join("");
  return dissect(cleanup, text, ["-l", "147"], ["-o", userDlt, "-o", "mbrtu.crc_verification:TRUE"]);
}

/** Every packet is a Modbus query or response and draws no complaint. */
export function expectClean(packets: readonly Packet[], protocol: "mbtcp" | "mbrtu"): void {
  for (const packet of packets) {
    expect(packet.protocols).toContain(`${protocol}:modbus`);
    expect(packet.info).toMatch(/^\s*(Query|Response):/);
    expect(packet.complaint).toBe("");
    if (protocol === "mbrtu") expect(packet.crc).toBe("1");
  }
}

export interface MqttPacket {
  readonly protocols: string;
  readonly types: readonly number[];
  readonly topics: readonly string[];
  /** Protocol levels of CONNECT: 4 is MQTT 3.1.1. */
  readonly versions: readonly number[];
  readonly complaint: string;
}

/** A conversation with a broker, on the port by which the dissector knows it. */
export async function dissectMqtt(cleanup: Cleanup, chunks: readonly Chunk[]): Promise<readonly MqttPacket[]> {
  const text = chunks.map(({ from, bytes }) => `${from === "client" ? "I" : "O"} ${dump(bytes)}\n`).join("");
  const capture = join(cleanup.directory(), "capture.pcap");
  const packed = await run(requirePeer("text2pcap"), ["-q", "-D", "-T", "40000,1883", "-", capture], { input: text });
  expect(packed.code, packed.stderr).toBe(0);
  const names = ["frame.protocols", "mqtt.msgtype", "mqtt.topic", "mqtt.ver", "_ws.expert.message", "_ws.malformed"];
  const fields = names.flatMap((name) => ["-e", name]);
  const args = ["-r", capture, "-Y", "mqtt", "-T", "fields", "-E", "separator=/t", "-E", "aggregator=;", ...fields];
  const result = await run(requirePeer("tshark"), args, { timeoutMs: 30_000 });
  expect(result.code, result.stderr).toBe(0);
  const list = (field: string): string[] => (field === "" ? [] : field.split(";"));
  return result.stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const [protocols = "", types = "", topics = "", versions = "", expert = "", malformed = ""] = line.split("\t");
      const numbers = { types: list(types).map(Number), versions: list(versions).map(Number) };
      return { protocols, ...numbers, topics: list(topics), complaint: expert + malformed };
    });
}

/** There are packets, and none draws a complaint. */
export function expectCleanMqtt(packets: readonly MqttPacket[]): void {
  expect(packets.length).toBeGreaterThan(0);
  for (const packet of packets) {
    expect(packet.protocols).toMatch(/:mqtt(:json)?/);
    expect(packet.complaint).toBe("");
  }
}
