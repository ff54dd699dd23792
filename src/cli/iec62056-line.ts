/** IEC 62056-21 on the command line: its flags for `read` and `meter`, and how its serial ports are opened. */
import { type Command, Option } from "commander";
import { refusalOfAddress, SIGN_ON_BAUD } from "../../protocols/iec62056-21/message.ts";
import { TELEGRAM_LIMIT } from "../../protocols/iec62056-21/p1.ts";
import type { SerialOptions } from "../platform/serial.ts";
import { usage } from "./errors.ts";
import { choice, number } from "./values.ts";
import type { SerialFlags } from "./wires.ts";

export interface Iec62056ReadFlags {
  readonly mode: "auto" | "d" | "p1";
  /** Seconds to wait for a pushed telegram. */
  readonly wait: number;
  readonly deviceAddress?: string;
  readonly softParity?: true;
}

export interface Iec62056MeterFlags {
  readonly mode: "a" | "b" | "c";
  readonly softParity?: true;
}

const SOFT_PARITY = "IEC 62056-21: the port is opened 8N1 and parity is made here, for adapters without 7E1";

export function addIec62056ReadFlags(command: Command): Command {
  return command
    .option(
      "--mode <M>",
      "IEC 62056-21: auto signs on (modes A to C), d and p1 listen to a meter that sends by itself",
      choice("--mode", ["auto", "d", "p1"] as const),
      "auto",
    )
    .option("--wait <S>", "IEC 62056-21: wait this long for a pushed telegram", number("--wait", 0.1, 3600), 12)
    .addOption(deviceAddressOption())
    .option("--soft-parity", SOFT_PARITY);
}

export function deviceAddressOption(): Option {
  const option = new Option("--device-address <A>", "IEC 62056-21: the meter's address, where several share a line");
  return option.argParser(deviceAddress);
}

export function addIec62056MeterFlags(command: Command): Command {
  return command
    .option("--mode <M>", "IEC 62056-21 mode: a, b or c", choice("--mode", ["a", "b", "c"] as const), "c")
    .option("--soft-parity", SOFT_PARITY);
}

function deviceAddress(text: string): string {
  const refusal = refusalOfAddress(text);
  if (refusal === undefined) return text;
  throw usage(`--device-address "${text}": ${refusal}`, "as printed on the meter, for example 00123456");
}

/** Refuses flags that would do nothing: without IEC 62056-21 there is no mode to choose and no parity to make. */
export function checkIec62056Flags(
  flags: { readonly mode: string; readonly softParity?: true },
  spoken: boolean,
  standardMode: string,
): void {
  if (spoken) return;
  const flag = flags.softParity ? "--soft-parity" : flags.mode === standardMode ? undefined : `--mode ${flags.mode}`;
  if (flag !== undefined) throw usage(`${flag} is for IEC 62056-21`, "add --protocol iec62056-21");
}

/** How a port begins, by what is spoken there: the sign-on, mode D, and P1 of version 4 and later (facts 1.1, 1.3, 4). */
const STANDARD = {
  "sign-on": { baud: SIGN_ON_BAUD, parity: "even" },
  d: { baud: 2_400, parity: "even" },
  p1: { baud: 115_200, parity: "none" },
} as const;

/** The port's settings: the flags, else the standard's. A character has seven bits with parity and eight without. */
export function iec62056Port(
  flags: SerialFlags & { readonly softParity?: true },
  spoken: keyof typeof STANDARD,
): Omit<SerialOptions, "path"> {
  const standard = STANDARD[spoken];
  const parity = flags.softParity ? "none" : (flags.parity ?? standard.parity);
  return {
    baudRate: flags.baud ?? standard.baud,
    parity,
    dataBits: parity === "none" ? 8 : 7,
    stopBits: 1,
    ...(spoken === "sign-on" ? {} : { longestLine: TELEGRAM_LIMIT }),
  };
}
