/** `--dlt645 KEY=VALUE[,…]`: what installations of DL/T 645 do differently, where the sources conflict; and its line. */
import { type Combinations, DEFAULT_COMBINATIONS } from "../../protocols/dlt645/combination.ts";
import { isAddress } from "../../protocols/dlt645/frame.ts";
import type { BaudCoding } from "../../protocols/dlt645/functions.ts";
import { usage } from "./errors.ts";
import type { SerialFlags } from "./wires.ts";

/** Absent: the default of whatever takes it. */
export interface Dlt645Choices {
  combinations?: Combinations;
  zone?: number;
  baudCoding?: BaudCoding;
  controlError?: "err" | "serr";
  programmingKey?: boolean;
  blocks?: boolean;
}

type Side = "meter" | "read" | "write";

interface Choice {
  readonly sides: readonly Side[];
  readonly values: string;
  /** False where `text` is none of the values. */
  readonly set: (choices: Dlt645Choices, text: string) => boolean;
}

/** One of these words, each with what it stands for. */
function words<T>(values: Readonly<Record<string, T>>, put: (choices: Dlt645Choices, value: T) => void): Choice["set"] {
  return (choices, text) => {
    const value = Object.hasOwn(values, text) ? values[text] : undefined;
    if (value === undefined) return false;
    put(choices, value);
    return true;
  };
}

const BOTH: readonly Side[] = ["meter", "read"];
const ALL: readonly Side[] = [...BOTH, "write"];
const MOST_MINUTES = 14 * 60;

const CHOICES: Readonly<Record<string, Choice>> = {
  combined: {
    sides: BOTH,
    values: "difference or sum",
    set: words({ difference: 0x09, sum: 0x05 }, (choices, active) => {
      choices.combinations = { ...DEFAULT_COMBINATIONS, active };
    }),
  },
  zone: {
    sides: ALL,
    values: "minutes that the meter's clock is ahead of UTC, -840 to 840",
    set: (choices, text) => {
      choices.zone = Number(text);
      return /^-?\d{1,3}$/.test(text) && Math.abs(choices.zone) <= MOST_MINUTES;
    },
  },
  baud: {
    sides: ["meter", "write"],
    values: "bits or bcd",
    set: words<BaudCoding>({ bits: "bits", bcd: "bcd" }, (choices, value) => {
      choices.baudCoding = value;
    }),
  },
  error: {
    sides: ["meter"],
    values: "err or serr",
    set: words<"err" | "serr">({ err: "err", serr: "serr" }, (choices, value) => {
      choices.controlError = value;
    }),
  },
  key: {
    sides: ["meter"],
    values: "released or pressed",
    set: words({ released: false, pressed: true }, (choices, value) => {
      choices.programmingKey = value;
    }),
  },
  blocks: {
    sides: ["read"],
    values: "yes or no",
    set: words({ yes: true, no: false }, (choices, value) => {
      choices.blocks = value;
    }),
  },
};

/** A commander argument parser for the choices of one side. */
export function dlt645Choices(side: Side): (text: string) => Dlt645Choices {
  const known = Object.keys(CHOICES).filter((key) => CHOICES[key]?.sides.includes(side));
  return (text) => {
    const choices: Dlt645Choices = {};
    for (const pair of text.split(",")) {
      const [key = "", value = ""] = pair.split("=", 2);
      const choice = known.includes(key) ? CHOICES[key] : undefined;
      if (choice === undefined) throw usage(`--dlt645 "${pair}" is unknown`, `here it takes ${known.join(", ")}`);
      if (!choice.set(choices, value)) throw usage(`--dlt645 ${key} "${value}" is unknown`, `give ${choice.values}`);
    }
    return choices;
  };
}

/** RS-485 of DL/T 645 meters runs at 2400 bit/s unless told otherwise; the infrared head at 1200. Always 8 data bits. */
export function dlt645Line(flags: SerialFlags) {
  return { baudRate: flags.baud ?? 2_400, parity: flags.parity ?? "even", dataBits: 8, stopBits: 1 } as const;
}

/** The address to read: 12 digits, or AA in place of the high ones. */
export function readAddress(text: string): string {
  const address = text.toUpperCase();
  if (isAddress(address) && address !== "999999999999") return address;
  throw usage(
    `--address "${text}" is no address to read`,
    "give 12 digits, such as 000000000161, with AA in place of high ones you do not know",
  );
}

/** Refuses flags that would do nothing: without DL/T 645 there is no such address and nothing to choose. */
export function checkDlt645Flags(
  flags: { readonly address?: string; readonly dlt645?: Dlt645Choices },
  spoken: boolean,
): void {
  if (!spoken && (flags.address ?? flags.dlt645) !== undefined)
    throw usage("--address and --dlt645 belong to DL/T 645", "add --protocol dlt645");
}
