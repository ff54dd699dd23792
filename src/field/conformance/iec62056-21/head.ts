/** The optical head of a check: signs on, chooses, follows the change of rate, and leaves the meter as it was found. */
import { ACK, CR, ETX, LF, NAK, SOH, STX, toText } from "../../../../protocols/iec62056-21/frame.ts";
import {
  baudCode,
  buildBreak,
  buildOption,
  buildRequest,
  type Identification,
  type OptionMode,
  parseIdentification,
  RESPONSE_LIMIT,
} from "../../../../protocols/iec62056-21/message.ts";
import { EMPTY_BYTES, joinBytes } from "../../../core/bytes.ts";
import { MICROS_PER_SECOND } from "../../../core/time.ts";
import type { Heard, Listening, Probe } from "../../probe.ts";
import { skip, type Verdict } from "../check.ts";
import { say } from "../say.ts";
import type { Iec62056Context } from "./check.ts";
import { failed } from "./shown.ts";

/** An answer that comes too late is still to be seen, as late. */
const PATIENCE = RESPONSE_LIMIT + MICROS_PER_SECOND;
/** Longer than any pause inside an answer may be. */
const QUIET = RESPONSE_LIMIT + 200_000;
/** A long readout at 300 baud. */
const LONGEST = 300 * MICROS_PER_SECOND;
/** A session that nobody uses is over by then. */
const SESSION_OVER = 125 * MICROS_PER_SECOND;
/** The port changes its rate while the meter's reaction time runs; nothing is to be heard meanwhile. */
const AT_ONCE: Listening = { first: 0, quiet: 0 };
/** Who has not begun to answer by then is silent. */
const SILENCE: Listening = { first: RESPONSE_LIMIT + 200_000, quiet: RESPONSE_LIMIT + 200_000 };
/** Up to a pause, however long it takes. */
const TO_THE_END: Listening = { first: PATIENCE + MICROS_PER_SECOND, quiet: QUIET, longest: LONGEST };

const until = (enough: (bytes: Uint8Array) => boolean): Listening => ({
  ...{ first: PATIENCE, quiet: QUIET, longest: LONGEST },
  enough,
});

/** Ends with CR LF, with or without their parity bits. */
const isLine = (bytes: Uint8Array): boolean =>
  bytes.length > 1 && bytes.at(-1) === LF && ((bytes.at(-2) as number) & 0x7f) === CR;
/** A block with its check character, or one character that stands for itself. */
const isBlock = (bytes: Uint8Array): boolean =>
  bytes[0] === STX || bytes[0] === SOH
    ? bytes.at(-2) === ETX
    : bytes.length === 1 && (bytes[0] === ACK || bytes[0] === NAK);

export interface SignOn {
  readonly heard: Heard;
  /** The line of the identification without CR LF, where one came. */
  readonly line: string | undefined;
  readonly identification: Identification | undefined;
}

/** Goes back to the rate and parity of a sign-on. */
export function* signOnRate({ format }: Iec62056Context): Probe<void> {
  if (format !== undefined) yield { kind: "format", format };
}

/** At the rate of a sign-on: what a check before left the meter saying is let to its end, which takes a minute at 300 baud. */
function* freeLine(context: Iec62056Context): Probe<void> {
  yield* signOnRate(context);
  if (context.format !== undefined) yield* say(EMPTY_BYTES, { first: 100_000, quiet: 400_000, longest: LONGEST });
}

/** Sends something at the rate of a sign-on and waits for a line. */
export function* ask(context: Iec62056Context, send: Uint8Array): Probe<SignOn> {
  yield* freeLine(context);
  const heard = yield* say(send, until(isLine));
  // A port that hands parity bits over shows the same line.
  const line = /\/[^/\r\n]*(?=\r\n)/.exec(toText(heard.bytes.map((byte) => byte & 0x7f)))?.[0];
  const parsed = line === undefined ? undefined : parseIdentification(line);
  return { heard, line, identification: parsed?.ok ? parsed.value : undefined };
}

/** `/?address!`; without an address whoever is there. */
export function signOn(context: Iec62056Context, address = ""): Probe<SignOn> {
  return ask(context, buildRequest(address));
}

/** Whether a meter signs on again after a check that failed: one that was left in a session at another rate does when it ends. */
export function* revive(context: Iec62056Context): Probe<boolean> {
  for (const wait of [0, 2 * MICROS_PER_SECOND, context.format === undefined ? 0 : SESSION_OVER]) {
    yield* say(EMPTY_BYTES, { first: wait, quiet: wait, longest: wait });
    const asked = yield* signOn(context);
    yield* leave(context, asked);
    if (asked.heard.bytes.length > 0) return true;
  }
  return false;
}

/** Sends at the rate of a sign-on what nobody may answer. */
export function* askForSilence(context: Iec62056Context, send: Uint8Array): Probe<Heard> {
  yield* freeLine(context);
  return yield* say(send, SILENCE);
}

/** Sends a choice V Z Y and follows to the rate of Z: what comes then. */
export function* choose(context: Iec62056Context, send: Uint8Array, z: string): Probe<Heard> {
  const { format } = context;
  if (format === undefined) return yield* say(send, until(isBlock));
  const { bytes: echoed } = yield { kind: "exchange", send, listen: AT_ONCE };
  yield { kind: "format", format: { ...format, baud: baudCode(z).baud } };
  // What of an echo was still on its way.
  return yield* say(EMPTY_BYTES, until(isBlock), echoed.length === 0 ? EMPTY_BYTES : send.subarray(echoed.length));
}

/** Inside of a session: sends a block and waits for one, or for ACK or NAK. */
export function command(send: Uint8Array): Probe<Heard> {
  return say(send, until(isBlock));
}

/** What a meter says by itself, up to a pause: data in modes A and B, and in mode C without a choice. */
export function rest(): Probe<Heard> {
  return say(EMPTY_BYTES, TO_THE_END);
}

/** Tells the meter that a readout was good, which ends it. */
export function* acknowledge(context: Iec62056Context): Probe<void> {
  yield* say(Uint8Array.of(ACK), { first: 300_000, quiet: 300_000 });
  yield* signOnRate(context);
}

/** Leaves a meter that has told its identification: left alone it would go on for as long as a readout takes at 300 baud. */
export function* leave(context: Iec62056Context, { identification }: SignOn): Probe<void> {
  if (identification?.mode === "C") {
    yield* choose(context, buildOption(identification.z, "readout"), identification.z);
    yield* acknowledge(context);
  } else if (identification !== undefined) {
    yield* unasked(context, identification);
    yield* hangUp(context);
  }
}

/** The data that follow an identification by themselves, in mode B at another rate. */
function* unasked({ format }: Iec62056Context, { mode, baud }: Identification): Probe<Heard> {
  if (format !== undefined && mode === "B") yield { kind: "format", format: { ...format, baud } };
  return yield* rest();
}

/** Ends a session. */
export function* hangUp(context: Iec62056Context): Probe<void> {
  yield* say(buildBreak(), { first: 300_000, quiet: 300_000 });
  yield* signOnRate(context);
}

/** Inside of a session: sends what nobody may answer. */
export function commandForSilence(send: Uint8Array): Probe<Heard> {
  return say(send, SILENCE);
}

/** What a check makes of what came: at once, or by going on from there. */
type Judge = (heard: Heard, identification: Identification) => Verdict | Probe<Verdict>;

function* judged(judge: Judge, heard: Heard, identification: Identification): Probe<Verdict> {
  const verdict = judge(heard, identification);
  return "kind" in verdict ? verdict : yield* verdict;
}

/** Signs on, chooses, judges what came of it, and leaves the meter; a verdict of its own where it does not come so far. */
function* chosen(context: Iec62056Context, option: OptionMode, judge: Judge): Probe<Verdict> {
  const { heard, line, identification } = yield* signOn(context);
  if (identification === undefined) return failed(heard, "no identification");
  const { z, mode } = identification;
  if (mode === "C") {
    const verdict = yield* judged(judge, yield* choose(context, buildOption(z, option), z), identification);
    yield* option === "readout" ? acknowledge(context) : hangUp(context);
    return verdict;
  }
  const data = yield* unasked(context, identification);
  yield* hangUp(context);
  if (option === "programming") return skip(`mode ${mode}: the identification offers no choice of programming mode`);
  // On a connection without bits the data may have come in one piece with the identification.
  const begun = heard.bytes.subarray(toText(heard.bytes).indexOf(line ?? "") + (line ?? "").length + 2);
  const chunks = begun.length === 0 ? [] : heard.chunks.slice(-1);
  const all = { ...data, bytes: joinBytes([begun, data.bytes]), chunks: [...chunks, ...data.chunks] };
  return yield* judged(judge, all, identification);
}

/** Reads the meter out, judges what came, and acknowledges. */
export function readout(context: Iec62056Context, judge: Judge): Probe<Verdict> {
  return chosen(context, "readout", judge);
}

/** Enters programming mode, judges from what the meter begins with on, and ends the session. */
export function session(context: Iec62056Context, judge: Judge): Probe<Verdict> {
  return chosen(context, "programming", judge);
}
