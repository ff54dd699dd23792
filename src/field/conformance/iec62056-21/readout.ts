/** Checks of a data readout: its frame, its check character, the syntax of its data sets, ACK and NAK behind it. */
import { type PlacedDataSet, parseDataSets } from "../../../../protocols/iec62056-21/dataset.ts";
import { errorText } from "../../../../protocols/iec62056-21/errors.ts";
import { blockCheck, ETX, NAK, STX, toBytes, toText } from "../../../../protocols/iec62056-21/frame.ts";
import { parseObis } from "../../../../protocols/iec62056-21/obis.ts";
import { toHex } from "../../../core/bytes.ts";
import type { Probe } from "../../probe.ts";
import { fail, PASS, skip, type Verdict } from "../check.ts";
import type { Iec62056Check } from "./check.ts";
import { command, leave, readout, signOn } from "./head.ts";
import { failed, shown } from "./shown.ts";

const group = "readout";
const FRAME = "6.3.4";
const SYNTAX = "6.5";
const LONGEST_LINE = 78;
const LONGEST_ADDRESS = 16;
const request = "readout: /?! CR LF, ACK 0 Z 0 CR LF";
const UNFRAMED = "mode A sends data without STX, ETX and check character";

/** The data as text: between STX and ETX where they are there. */
function dataOf(bytes: Uint8Array): string {
  const end = bytes.lastIndexOf(ETX);
  return toText(bytes, bytes[0] === STX ? 1 : 0, end < 0 ? bytes.length : end);
}

/** A check of what comes between and around STX and ETX. */
function frame(
  id: string,
  title: string,
  expectation: string,
  judge: (bytes: Uint8Array) => string | undefined,
): Iec62056Check {
  return {
    ...{ id: `readout.${id}`, group, clause: FRAME, title, request, expectation },
    run: (context) =>
      readout(context, (heard, { mode }) => {
        if (mode === "A") return skip(UNFRAMED);
        if (heard.bytes.length === 0) return failed(heard, "no data");
        const why = judge(heard.bytes);
        return why === undefined ? PASS : failed(heard, why);
      }),
  };
}

/** A check of the data as text; what it says is wrong stands with the line that it is in. */
function text(
  id: string,
  title: string,
  expectation: string,
  judge: (data: string) => readonly [seen: string, why: string] | undefined,
): Iec62056Check {
  return {
    ...{ id: `readout.${id}`, group, clause: SYNTAX, title, request, expectation },
    run: (context) =>
      readout(context, (heard) => {
        if (heard.bytes.length === 0) return failed(heard, "no data");
        const wrong = judge(dataOf(heard.bytes));
        return wrong === undefined ? PASS : fail(shown(toBytes(wrong[0])), wrong[1]);
      }),
  };
}

/** A check of the data sets one by one. */
function sets(
  id: string,
  title: string,
  expectation: string,
  judge: (set: PlacedDataSet) => string | undefined,
): Iec62056Check {
  return text(id, title, expectation, (data) => {
    const parsed = parseDataSets(data);
    if (!parsed.ok) return undefined;
    for (const set of parsed.value) {
      const why = judge(set);
      if (why !== undefined) return [data.slice(set.offset, set.offset + set.length), why];
    }
    return undefined;
  });
}

const FRAMES: readonly Iec62056Check[] = [
  frame("start", "STX in front", "STX, right behind it the first data set", (bytes) =>
    bytes[0] === STX ? undefined : "it does not begin with STX",
  ),
  frame("end", "End of the data", "! CR LF ETX and one check character, nothing behind it", (bytes) => {
    const end = bytes.lastIndexOf(ETX, bytes.length - 2);
    if (end < 0) return "no ETX with a check character behind it";
    if (end !== bytes.length - 2) return `${bytes.length - end - 2} characters behind the check character`;
    return toText(bytes, end - 3, end) === "!\r\n"
      ? undefined
      : `${shown(bytes.subarray(Math.max(0, end - 3), end))} before ETX`;
  }),
  frame("check", "Block check character", "XOR of all characters behind STX up to and including ETX", (bytes) => {
    const last = bytes.length - 1;
    const check = blockCheck(bytes, 1, last);
    return bytes[last] === check
      ? undefined
      : `it is ${toHex(bytes.subarray(last))}, expected ${toHex(Uint8Array.of(check))}`;
  }),
];

const TEXTS: readonly Iec62056Check[] = [
  text("characters", "Characters of the data", "printable ASCII, CR and LF", (data) => {
    const odd = /[^\x20-\x7e\r\n]/.exec(data);
    return odd === null
      ? undefined
      : [data.slice(Math.max(0, odd.index - 20), odd.index + 1), "a character that is not printable"];
  }),
  text("lines", "Lines end with CR LF", "CR and LF only together", (data) => {
    const bare = /\r(?!\n)|(?<!\r)\n/.exec(data);
    return bare === null
      ? undefined
      : [data.slice(Math.max(0, bare.index - 20), bare.index + 1), "a CR or LF by itself"];
  }),
  text("line-length", "Length of a line", `${LONGEST_LINE} characters at most with its CR LF`, (data) => {
    const long = data.split("\r\n").find((line) => line.length + 2 > LONGEST_LINE);
    return long === undefined ? undefined : [long, `${long.length + 2} characters`];
  }),
  text("syntax", "Data sets", "address(value*unit), one or more of it on a line, closed by !", (data) => {
    const parsed = parseDataSets(data);
    if (!parsed.ok) return [data.slice(0, 60), errorText(parsed.error)];
    return parsed.value.length > 0 ? undefined : [data, "no data set in it"];
  }),
  text("closed-once", "One ! at the end", "! only where the data end", (data) => {
    const inside = data.replace(/\([^()]*\)/g, "()").replace(/!(\r\n)?$/, "");
    const at = inside.indexOf("!");
    return at < 0 ? undefined : [inside.slice(Math.max(0, at - 20), at + 1), "a ! before the end"];
  }),
  text(
    "energy",
    "An energy register",
    "at least one data set with an OBIS code of energy and the unit kWh, MWh or Wh",
    (data) => {
      const parsed = parseDataSets(data);
      const all = parsed.ok ? parsed.value : [];
      return all.some(({ groups }) => groups.some(({ unit }) => /^[kM]?Wh$/.test(unit ?? "")))
        ? undefined
        : [data.slice(0, 60), "no value with such a unit"];
    },
  ),
  sets(
    "codes",
    "Addresses",
    "an OBIS or EDIS code, or letters of the manufacturer; 16 characters at most",
    ({ address }) => {
      if (address === "") return "a value without an address";
      if (address.length > LONGEST_ADDRESS) return `an address of ${address.length} characters`;
      return /^[\d.:*&-]+$/.test(address) && parseObis(address) === undefined
        ? "digits and points, but no OBIS code"
        : undefined;
    },
  ),
  sets(
    "values",
    "Values with a unit are numbers",
    "a decimal number before * and a unit of 16 characters at most",
    ({ groups }) => {
      for (const { value, unit } of groups) {
        if (unit === undefined) continue;
        if (unit.length === 0 || unit.length > LONGEST_ADDRESS) return `a unit of ${unit.length} characters`;
        if (!/^[ +-]?[\d ]*\d(\.\d+)?$/.test(value)) return `"${value}" is no number`;
      }
      return undefined;
    },
  ),
  text("once", "Each register once", "no address twice with other values", (data) => {
    const parsed = parseDataSets(data);
    const seen = new Set<string>();
    for (const { address, offset, length } of parsed.ok ? parsed.value : []) {
      if (seen.has(address)) return [data.slice(offset, offset + length), `${address} stands there a second time`];
      seen.add(address);
    }
    return undefined;
  }),
];

const BEHIND: readonly Iec62056Check[] = [
  {
    ...{ id: "readout.repeat", group, clause: "6.3.6", title: "Once more behind NAK", needs: ["choice"] },
    ...{ request: `${request}, then NAK`, expectation: "the same block again" },
    run: (context) =>
      readout(context, function* (heard, { mode }): Probe<Verdict> {
        if (mode !== "C") return skip("the meter offers no choice");
        const again = yield* command(Uint8Array.of(NAK));
        if (again.bytes.length === 0) return failed(again, "nothing behind NAK");
        return toHex(again.bytes) === toHex(heard.bytes) ? PASS : failed(again, "another block than the first one");
      }),
  },
  {
    ...{ id: "readout.acknowledged", group, clause: "6.3.5", title: "ACK ends the readout", needs: ["choice"] },
    ...{
      request: `${request}, ACK, then /?! CR LF at once`,
      expectation: "an identification at the rate of the sign-on",
    },
    *run(context) {
      const read = yield* readout(context, (heard) => (heard.bytes.length === 0 ? failed(heard, "no data") : PASS));
      if (read.kind !== "pass") return read;
      const asked = yield* signOn(context);
      yield* leave(context, asked);
      return asked.identification === undefined ? failed(asked.heard, "no identification") : PASS;
    },
  },
];

export const READOUT: readonly Iec62056Check[] = [...FRAMES, ...TEXTS, ...BEHIND];
