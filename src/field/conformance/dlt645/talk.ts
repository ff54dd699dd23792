/** How the checks of DL/T 645-2007 ask a meter, and what they make of what they hear. */

import { type Dlt645Frame, digitsAt, isAddress } from "../../../../protocols/dlt645/frame.ts";
import { controlHex, FROM_METER, FUNCTION } from "../../../../protocols/dlt645/functions.ts";
import { toHex } from "../../../core/bytes.ts";
import type { LineFormat } from "../../../core/line-format.ts";
import { MICROS_PER_MS } from "../../../core/time.ts";
import type { Heard, Probe } from "../../probe.ts";
import { fail, PASS, type Verdict } from "../check.ts";
import { say } from "../say.ts";
import { findFrame, isWhole, readOf, requestOf } from "./frames.ts";
import type { Dlt645Map } from "./map.ts";

/** Td, from the last byte of a request to the first of its reply, and Tb between two bytes of a frame (recalled). */
export const TD_MIN = 20 * MICROS_PER_MS;
export const TD_MAX = 500 * MICROS_PER_MS;
export const TB_MAX = 500 * MICROS_PER_MS;
/** Adapters hand bytes over late, by up to this; never early. */
export const ADAPTER = 50 * MICROS_PER_MS;
/** A reply that comes too late is still to be seen, as late. */
const PATIENCE = 1_500 * MICROS_PER_MS;
/** Who has not begun to answer by then is silent. */
const SILENCE = TD_MAX + 2 * ADAPTER;

/** What a check of DL/T 645 knows of the meter. */
export interface Dlt645Context {
  /** The meter's own 12 digits. */
  readonly address: string;
  /** Undefined where bytes take no time. */
  readonly format: LineFormat | undefined;
  readonly map: Dlt645Map;
}

export interface Answer {
  readonly heard: Heard;
  /** The good frame in it, if there is one. */
  readonly frame: Dlt645Frame | undefined;
}

/** Sends a request and waits for its reply: until a frame is whole, or nothing comes for far longer than a gap. */
export function* ask(send: Uint8Array): Probe<Answer> {
  const listen = { first: PATIENCE, quiet: PATIENCE, enough: isWhole };
  const heard = yield* say(send, listen);
  return { heard, frame: findFrame(heard.bytes)?.frame };
}

/** Asks something and hears everything that comes, also behind the first frame. */
export function* askToTheEnd(send: Uint8Array): Probe<Answer> {
  const heard = yield* say(send, { first: PATIENCE, quiet: TB_MAX + ADAPTER });
  return { heard, frame: findFrame(heard.bytes)?.frame };
}

/** Sends what nobody may answer and listens for as long as an answer could take to begin. */
export function* askForSilence(send: Uint8Array): Probe<Heard> {
  return yield* say(send, { first: SILENCE, quiet: SILENCE });
}

/** A fail on what was heard: its bytes are what was seen. */
export function failed({ bytes }: Heard, why: string): Verdict {
  return fail(bytes.length === 0 ? "nothing" : toHex(bytes, " "), why);
}

/** A fail where the meter answers what it must not, or no longer answers a good request behind it. */
export function* silentThenAlive(context: Dlt645Context, send: Uint8Array, what: string): Probe<Verdict> {
  const heard = yield* askForSilence(send);
  if (heard.bytes.length > 0) return failed(heard, `it answered ${what}`);
  const alive = yield* ask(readOf(context.address));
  return alive.frame === undefined ? failed(alive.heard, `no answer to a good request behind ${what}`) : PASS;
}

/** A fail unless there is a good frame with this control code. */
export function wrongControl({ heard, frame }: Answer, control: number): Verdict | undefined {
  if (heard.bytes.length === 0) return failed(heard, "no answer");
  if (frame === undefined) return failed(heard, "no good frame in the answer");
  if (frame.control === control) return undefined;
  return failed(heard, `control code ${controlHex(frame.control)}, expected ${controlHex(control)}`);
}

/** Whether a meter answers a good read again after a check that failed. */
export function* revive({ address }: Dlt645Context): Probe<boolean> {
  for (let attempt = 0; attempt < 3; attempt++) {
    const { heard } = yield* ask(readOf(address));
    if (heard.bytes.length > 0) return true;
  }
  return false;
}

/**
 * The meter's own address where only part of it is known: function 13 asks for it.
 * Undefined where nobody tells it.
 */
export function* ownAddress(known: string): Probe<string | undefined> {
  if (/^\d{12}$/.test(known)) return known;
  const { frame } = yield* ask(requestOf(known, FUNCTION.readAddress));
  if (frame?.control !== (FUNCTION.readAddress | FROM_METER) || frame.data.length !== 6) return undefined;
  const own = digitsAt(frame.data, 0, 6);
  return isAddress(own) && !own.startsWith("AA") ? own : undefined;
}
