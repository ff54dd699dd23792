/** What is common to RTU and ASCII: units, broadcasts, silence, and the way back from junk (Serial Line V1.02, 2.1 to 2.4). */
import { toHex } from "../../../core/bytes.ts";
import type { Probe } from "../../probe.ts";
import { fail, PASS, type Verdict } from "../check.ts";
import { mustBeSilent } from "./rules.ts";
import {
  ask,
  bytes,
  frameOf,
  listening,
  type ModbusCheck,
  type ModbusTarget,
  sampleRequest,
  showAnswer,
  words,
} from "./target.ts";
import { mustHold, onScratch, otherValues, type Scratch, writeRegisters } from "./write-access.ts";

const DOCUMENT = "MODBUS over Serial Line V1.02";
const group = "serial line";
/** µs that a line is listened to for what nobody asked for. */
const UNASKED = 500_000;

export const SERIAL_CHECKS: readonly ModbusCheck[] = [
  {
    id: "serial.one-reply",
    group,
    clause: `${DOCUMENT}, 2.1`,
    title: "one reply to a request, and never a word unasked",
    request: "a read, then nothing for half a second",
    expectation: "one reply, then silence",
    *run(target) {
      const answer = yield* ask(target, sampleRequest(target.map));
      if (answer.kind !== "reply") return fail(showAnswer(answer), "a reply belongs here");
      const heard = yield {
        kind: "exchange",
        send: new Uint8Array(0),
        listen: { first: UNASKED, quiet: target.quiet, longest: UNASKED },
      };
      return heard.bytes.length === 0 ? PASS : fail(`${toHex(heard.bytes, " ")} came`, "nobody asked for it");
    },
  },
  {
    id: "serial.no-echo",
    group,
    clause: `${DOCUMENT}, 3.3`,
    title: "the master does not hear itself",
    request: "a read",
    expectation: "the reply without the request in front of it",
    *run(target) {
      const send = frameOf(target, sampleRequest(target.map));
      const heard = yield { kind: "exchange", send, listen: listening(target) };
      const echoed = toHex(heard.bytes).startsWith(toHex(send));
      return echoed ? fail(toHex(heard.bytes, " "), "adapter or device sends the request back") : PASS;
    },
  },
  {
    id: "serial.other-unit",
    group,
    clause: `${DOCUMENT}, 2.2`,
    title: "a request to another unit is left alone",
    request: "a read for the next and for a distant unit",
    expectation: "silence",
    *run(target) {
      for (const unit of othersOf(target.unit)) {
        const send = frameOf(target, sampleRequest(target.map), unit);
        const verdict = yield* mustBeSilent(target, send, `a request to unit ${unit}, which this device is not`);
        if (verdict.kind !== "pass") return verdict;
      }
      return PASS;
    },
  },
  {
    id: "serial.reserved-unit",
    group,
    clause: `${DOCUMENT}, 2.2`,
    title: "units 248..255 are reserved and nobody's",
    request: "a read for units 248 and 255",
    expectation: "silence",
    *run(target) {
      for (const unit of [248, 255]) {
        const send = frameOf(target, sampleRequest(target.map), unit);
        const verdict = yield* mustBeSilent(target, send, `the reserved unit ${unit}`);
        if (verdict.kind !== "pass") return verdict;
      }
      return PASS;
    },
  },
  {
    id: "serial.broadcast-read",
    group,
    clause: `${DOCUMENT}, 2.1`,
    title: "a broadcast is never answered, also not a read or an unknown function",
    request: "a read and function 64h for unit 0",
    expectation: "silence, no exception either",
    *run(target) {
      for (const pdu of [sampleRequest(target.map), bytes(0x64)]) {
        const verdict = yield* mustBeSilent(target, frameOf(target, pdu, 0), "a broadcast");
        if (verdict.kind !== "pass") return verdict;
      }
      return PASS;
    },
  },
  {
    id: "serial.broadcast-write",
    group,
    clause: `${DOCUMENT}, 2.1`,
    title: "a broadcast write is carried out in silence",
    request: "a write for unit 0 by each declared one of 06, 10 and 16: all devices of the line hear it",
    expectation: "silence, and the register has the value",
    needs: ["03", "06", "write:holding"],
    writes: true,
    run: (target) => onScratch(target, "holding", (scratch) => broadcastWrites(target, scratch)),
  },
  {
    id: "serial.other-unit-write",
    group,
    clause: `${DOCUMENT}, 2.2`,
    title: "a write to another unit changes nothing",
    request: "function 06 for another unit",
    expectation: "silence, and the register stays",
    needs: ["03", "06", "write:holding"],
    writes: true,
    run: (target) => {
      const [other = 1] = othersOf(target.unit);
      const send = (pdu: Uint8Array) => frameOf(target, pdu, other);
      return unheardWrite(target, send, "another unit's request", "a write to another unit was executed");
    },
  },
  {
    id: "serial.resync",
    group,
    clause: `${DOCUMENT}, 2.4`,
    title: "after junk the next good request is answered",
    request: "junk of 1, 40 and 300 bytes, each followed by a good read",
    expectation: "silence to the junk, a reply to the read",
    *run(target) {
      for (const length of [1, 40, 300]) {
        // Neither a colon nor a good frame of any unit.
        const junk = Uint8Array.from({ length }, (_, i) => 0x80 | ((i * 37) & 0x7f));
        const verdict = yield* mustBeSilent(target, junk, `${length} bytes of junk`);
        if (verdict.kind !== "pass") return verdict;
      }
      return PASS;
    },
  },
  {
    id: "serial.damaged-write",
    group,
    clause: `${DOCUMENT}, 2.4.2`,
    title: "a write whose check bytes are wrong is not carried out",
    request: "function 06 with wrong check bytes",
    expectation: "silence, and the register stays",
    needs: ["03", "06", "write:holding"],
    writes: true,
    run: (target) => {
      const send = (pdu: Uint8Array) => damaged(target, frameOf(target, pdu));
      return unheardWrite(target, send, "a frame with wrong check bytes", "a damaged write was executed");
    },
  },
];

/** A write in a frame that is not to be heard: no word comes back, and the register stays. */
function unheardWrite(target: ModbusTarget, send: (pdu: Uint8Array) => Uint8Array, what: string, why: string) {
  return onScratch(target, "holding", function* (scratch) {
    const { address, before } = scratch;
    const [value = 0] = otherValues(scratch);
    const verdict = yield* mustBeSilent(target, send(words(6, address, value)), what);
    return (yield* mustHold(target, "holding", address, before.slice(0, 1), why)) ?? verdict;
  });
}

/** The same register by turns to its two values, each time by another function. */
function* broadcastWrites(target: ModbusTarget, { address, before, values }: Scratch): Probe<Verdict> {
  const byFunction: readonly (readonly [string, (value: number) => Uint8Array])[] = [
    ["06", (value) => words(6, address, value)],
    ["10", (value) => writeRegisters(address, [value])],
    ["16", (value) => words(0x16, address, 0, value)],
  ];
  let now = before[0];
  for (const [feature, write] of byFunction) {
    if (!target.map.functions.has(feature)) continue;
    now = now === values[0] ? values[1] : values[0];
    const verdict = yield* mustBeSilent(target, frameOf(target, write(now), 0), "a broadcast");
    if (verdict.kind !== "pass") return verdict;
    const why = `a broadcast write by ${feature} is executed`;
    const missing = yield* mustHold(target, "holding", address, [now], why);
    if (missing !== undefined) return missing;
  }
  return PASS;
}

/** Two units that the device is not; within 1..247. */
function othersOf(unit: number): readonly number[] {
  return [unit === 247 ? 1 : unit + 1, unit > 123 ? unit - 100 : unit + 100];
}

/** The frame with the check value one off. */
export function damaged({ framing }: { framing: string }, frame: Uint8Array): Uint8Array {
  const out = frame.slice();
  // ASCII: the last digit of the LRC, before CR LF; another digit in its place.
  const at = framing === "ascii" ? out.length - 3 : out.length - 1;
  const digit = out[at] as number;
  out[at] = framing !== "ascii" ? digit ^ 1 : digit === 0x30 ? 0x31 : 0x30;
  return out;
}
