/** What is measured beside what. */
import { fileURLToPath } from "node:url";
import { CLI } from "../programs.ts";
import type { Tools } from "./machine.ts";
import type { CommandFor, Durations } from "./measure.ts";

export const OURS = "meterworks";
const CONNECTIONS = [1, 50] as const;
const UNIT = 1;

export interface Row {
  readonly part: "server" | "client";
  readonly name: string;
  readonly connections: number;
  readonly server: CommandFor;
  readonly client: CommandFor;
}

/** How a row is called on the screen and by `--only`: `server libmodbus, 50 connections`. */
export function rowLabel({ part, name, connections }: Row): string {
  return `${part} ${name}, ${connections} connection${connections === 1 ? "" : "s"}`;
}

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Every row of the bench in the order in which one round runs them. */
export function allRows(tools: Tools, durations: Durations): readonly Row[] {
  return CONNECTIONS.flatMap((connections) => [
    ...serverRows(tools, durations, connections),
    ...clientRows(tools, durations, connections),
  ]);
}

/** The same load generator in C against each server. */
function serverRows(tools: Tools, { warmMs, measureMs }: Durations, connections: number): readonly Row[] {
  const load =
    (check: "header" | "pattern"): CommandFor =>
    (port) => [tools.load, "127.0.0.1", ...[port, UNIT, connections, warmMs, measureMs].map(String), check];
  const node =
    (...args: string[]): CommandFor =>
    (port) => [process.execPath, script("peer-server.js"), ...args, String(port)];
  const meter: CommandFor = (port) => [
    ...[process.execPath, CLI, "meter", "--model", "meterworks-3p", "--unit", String(UNIT)],
    ...["--tcp", `127.0.0.1:${port}`, "--mains", "230", "--current", "5"],
  ];
  const servers: readonly [string, CommandFor, CommandFor][] = [
    // A live meter's registers change as it measures: its replies are checked but for the values.
    [OURS, meter, load("header")],
    ["raw echo", node("raw"), load("pattern")],
    ["libmodbus", (port) => [tools.libmodbusServer, String(port)], load("pattern")],
    ["jsmodbus", node("jsmodbus"), load("pattern")],
    ["modbus-serial", node("modbus-serial"), load("pattern")],
  ];
  return servers.map(([name, server, client]) => ({ part: "server", name, connections, server, client }));
}

/** Each client against the same libmodbus server. */
function clientRows(tools: Tools, { warmMs, measureMs }: Durations, connections: number): readonly Row[] {
  const server: CommandFor = (port) => [tools.libmodbusServer, String(port)];
  const clients: readonly [string, string][] = [
    [OURS, "meterworks"],
    ["raw", "raw"],
    ["jsmodbus", "jsmodbus"],
    ["modbus-serial", "modbus-serial"],
  ];
  return clients.map(([name, kind]) => ({
    part: "client",
    name,
    connections,
    server,
    client: (port) => [
      ...[process.execPath, script("client.js"), kind],
      ...[port, connections, warmMs, measureMs].map(String),
    ],
  }));
}

/** A ratio of two medians of requests per second that the project wants to reach. */
export interface Target {
  readonly part: Row["part"];
  readonly connections: number;
  readonly against: string;
  readonly ratio: number;
}

export const TARGETS: readonly Target[] = [
  { part: "server", connections: 1, against: "modbus-serial", ratio: 12 },
  { part: "server", connections: 50, against: "raw echo", ratio: 0.8 },
  { part: "server", connections: 50, against: "jsmodbus", ratio: 1.15 },
  { part: "client", connections: 50, against: "modbus-serial", ratio: 1.5 },
];
