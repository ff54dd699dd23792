/** Flag values from text, each with an error that says what would have been right. */

import type { Harmonic } from "../../firmware-sim/metrology/mains.ts";
import { parseDecimal } from "../core/decimal.ts";
import { type Currency, type Minor, minor } from "../core/money.ts";
import { parseIso } from "../core/time.ts";
import { usage } from "./errors.ts";

/** A commander argument parser for integers low..high. */
export function integer(flag: string, low: number, high: number): (text: string) => number {
  return (text) => {
    const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= low && value <= high)) throw usage(`${flag} "${text}" is not a whole number from ${low} to ${high}`);
    return value;
  };
}

/** A commander argument parser for numbers low..high. */
export function number(flag: string, low: number, high: number): (text: string) => number {
  return (text) => {
    const value = /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= low && value <= high)) throw usage(`${flag} "${text}" is not a number from ${low} to ${high}`);
    return value;
  };
}

/** A commander argument parser for moments, which stay as they are written: ISO 8601 in UTC. */
export function isoTime(flag: string): (text: string) => string {
  return (text) => {
    const parsed = parseIso(text);
    if (!parsed.ok) throw usage(`${flag}: ${parsed.error}`);
    return text;
  };
}

/** One value for all phases, or one per phase: `230` or `230,231,229`. */
export function perPhase(flag: string, low: number, high: number): (text: string) => readonly number[] {
  const one = number(flag, low, high);
  return (text) => {
    const values = text.split(",").map((part) => one(part.trim()));
    if (values.length !== 1 && values.length !== 3)
      throw usage(`${flag} "${text}" has ${values.length} values`, "give one for all phases, or three as a,b,c");
    return values;
  };
}

const HARMONIC = /^(\d{1,2}):(\d+(?:\.\d+)?)(?:@(-?\d+(?:\.\d+)?))?$/;

/** `5:6,7:3@180`: order, percent of the fundamental, degrees at its zero crossing (default 0). */
export function harmonics(flag: string): (text: string) => readonly Harmonic[] {
  return (text) => {
    const all = text.split(",").map((part): Harmonic => {
      const m = HARMONIC.exec(part.trim());
      const [order, percent] = [Number(m?.[1]), Number(m?.[2])];
      if (m === null || !(order >= 2 && order <= 40) || !(percent <= 1000))
        throw usage(`${flag} "${part}" is no ORDER:PERCENT[@DEGREES] of order 2 to 40`, "for example 5:6,7:3@180");
      return { order, ratio: percent / 100, angle: Number(m[3] ?? 0) };
    });
    if (new Set(all.map((h) => h.order)).size < all.length) throw usage(`${flag} "${text}" has an order twice`);
    return all;
  };
}

export function choice<T extends string>(flag: string, allowed: readonly T[]): (text: string) => T {
  return (text) => {
    if (!(allowed as readonly string[]).includes(text))
      throw usage(`${flag} "${text}" is unknown`, `one of: ${allowed.join(", ")}`);
    return text as T;
  };
}

/** A path that is not empty, as an unset variable of a script gives it. */
export function path(flag: string, hint = "name the port, such as /dev/ttyUSB0"): (text: string) => string {
  return (text) => {
    if (text === "") throw usage(`${flag} has an empty path`, hint);
    return text;
  };
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:1502`, `localhost:1502`, `[::1]:1502`. Port 0 asks the system for a free one, where something listens. */
export function hostPort(flag: string): (text: string) => HostPort {
  return (text) => {
    const m = /^(?:\[([0-9a-fA-F:]+)\]|([A-Za-z0-9_.-]+)):(\d{1,5})$/.exec(text);
    const port = Number(m?.[3]);
    if (m === null || port > 65_535) throw usage(`${flag} "${text}" is no HOST:PORT`, "for example 127.0.0.1:1502");
    return { host: (m[1] ?? m[2]) as string, port };
  };
}

export function showHostPort({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

const METER_NAME = /^[A-Za-z0-9_.-]{1,64}$/;

export function meterName(flag: string): (text: string) => string {
  return (text) => {
    if (!METER_NAME.test(text))
      throw usage(`${flag} "${text}" is no meter name`, "use 1 to 64 letters, digits, dots, dashes, underscores");
    return text;
  };
}

/** A positive amount of money as `10` or `10.00`. */
export function money(flag: string, currency: Currency): (text: string) => Minor {
  return (text) => {
    const value = parseDecimal(text, currency.decimals);
    if (!value.ok || value.value <= 0n)
      throw usage(`${flag} "${text}" is no amount of money above zero`, "for example 10.00");
    return minor(value.value);
  };
}

/** A meter's own DL/T 645 address; 999999999999 means all meters. */
export function meterAddress(text: string): string {
  if (/^\d{12}$/.test(text) && text !== "999999999999") return text;
  throw usage(`--address "${text}" is no meter's address`, "give 12 digits, such as 000000000161");
}
