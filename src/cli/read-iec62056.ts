/** One reading of an IEC 62056-21 meter: by sign-on, or of what a meter sends by itself (mode D, P1). */

import { Iec62056Reader, type ReaderEffect, type ReaderOptions } from "../../protocols/iec62056-21/client.ts";
import { type DataSet, formatDataSet } from "../../protocols/iec62056-21/dataset.ts";
import { failureText, type ReaderFailure } from "../../protocols/iec62056-21/errors.ts";
import { parseTelegram, TelegramStream } from "../../protocols/iec62056-21/p1.ts";
import { measuresOf } from "../../protocols/iec62056-21/readings.ts";
import type { Actor, LinkEffect, LinkEvent, LinkId } from "../core/actor.ts";
import type { MeasureValues } from "../core/measures.ts";
import { type Civil, earlier, MICROS_PER_SECOND, type Now, type Wake, wakeAtMono } from "../core/time.ts";

export type ReadoutOutcome =
  | { readonly ok: true; readonly time: Civil; readonly values: MeasureValues }
  | { readonly ok: false; readonly reason: string };

export interface ReadoutPlan {
  /** How to begin: with a sign-on, or by listening. */
  readonly begin: "sign-on" | "listen";
  /** Listens too after a sign-on that nobody answered: on links where a pushing meter can be heard without another rate. */
  readonly thenListen: boolean;
  readonly listenBaud: number;
  /** Longest wait for a telegram, and for the link itself, µs. */
  readonly patience: number;
  readonly linkPatience: number;
  readonly reader: ReaderOptions;
}

const TICKET = 1;

/** Ends with the first readout or telegram, the first failure (after the reader's repeats), or when the link can't be had. */
export class ReadoutOnce implements Actor {
  readonly #reader: Iec62056Reader;
  readonly #plan: ReadoutPlan;
  readonly #link: LinkId;
  readonly #done: (outcome: ReadoutOutcome) => void;
  /** Hears a meter that pushes while it is asked. */
  readonly #pushed = new TelegramStream();
  #listening = false;
  #started: number | undefined;
  #up = false;
  #linkReason = "no connection";

  constructor(link: LinkId, plan: ReadoutPlan, done: (outcome: ReadoutOutcome) => void) {
    this.#link = link;
    this.#plan = plan;
    this.#done = done;
    this.#reader = new Iec62056Reader(plan.reader);
  }

  handle(event: LinkEvent, now: Now): readonly LinkEffect[] {
    switch (event.kind) {
      case "opened":
        this.#up = true;
        this.#reader.linkUp();
        if (this.#plan.begin === "listen") return this.#listen(now);
        return this.#take(this.#reader.submit(TICKET, { kind: "readout" }, now.mono), now);
      case "closed":
        this.#up = false;
        this.#linkReason = event.reason;
        return this.#take(this.#reader.linkDown(), now);
      case "bytes":
        return this.#hear(event.bytes, now);
      default:
        return [];
    }
  }

  wake(now: Now): readonly LinkEffect[] {
    this.#started ??= now.mono;
    if (!this.#up && now.mono >= this.#started + this.#plan.linkPatience)
      this.#done({ ok: false, reason: this.#linkReason });
    return this.#take(this.#reader.wake(now.mono), now);
  }

  nextWake(): Wake {
    if (this.#started === undefined) return wakeAtMono(0);
    const reader = wakeAtMono(this.#reader.nextWake());
    return this.#up ? reader : earlier(reader, wakeAtMono(this.#started + this.#plan.linkPatience));
  }

  #hear(bytes: Uint8Array, now: Now): readonly LinkEffect[] {
    if (!this.#listening && this.#plan.reader.parity !== "even")
      for (const byte of bytes) {
        const telegram = this.#pushed.feed(byte);
        const sets = telegram === undefined ? undefined : unasked(telegram);
        if (sets !== undefined) this.#good(sets, now);
      }
    return this.#take(this.#reader.receive(bytes, now.mono), now);
  }

  #listen(now: Now): readonly LinkEffect[] {
    this.#listening = true;
    const { listenBaud: baud, patience } = this.#plan;
    return this.#take(this.#reader.submit(TICKET, { kind: "listen", baud, patience }, now.mono), now);
  }

  #take(effects: readonly ReaderEffect[], now: Now): readonly LinkEffect[] {
    const out: LinkEffect[] = [];
    for (const effect of effects) {
      if (effect.kind === "send") out.push({ kind: "send", link: this.#link, bytes: effect.bytes });
      else if (effect.kind === "baud") out.push({ kind: "baud", link: this.#link, rate: effect.rate });
      else if (effect.result.ok) this.#good(effect.result.value.sets, now);
      else if (effect.result.error.kind === "timeout" && this.#plan.thenListen && !this.#listening)
        out.push(...this.#listen(now));
      else this.#done({ ok: false, reason: this.#reasonOf(effect.result.error) });
    }
    return out;
  }

  #good(sets: readonly DataSet[], now: Now): void {
    const values = measuresOf(sets);
    if (Object.keys(values).length > 0) this.#done({ ok: true, time: now.civil, values });
    else this.#done({ ok: false, reason: nothingKnown(sets) });
  }

  #reasonOf(error: ReaderFailure): string {
    if (error.kind === "link-down") return `the link is down: ${this.#linkReason}`;
    if (error.kind !== "timeout" || !this.#listening) return failureText(error);
    const asked = this.#plan.begin === "listen" ? "" : "nobody answered the sign-on, and ";
    return `${asked}no telegram was pushed within ${this.#plan.patience / MICROS_PER_SECOND} s`;
  }
}

const MOST_SHOWN = 4;

/** Meters that leave their units out are read well and say nothing that could be billed: what they sent is shown. */
function nothingKnown(sets: readonly DataSet[]): string {
  const shown = sets.slice(0, MOST_SHOWN).map((set) => formatDataSet(set).slice(0, 60));
  const more = sets.length > MOST_SHOWN ? ` and ${sets.length - MOST_SHOWN} more` : "";
  return `the meter sent no known measure with its unit${shown.length === 0 ? "" : `, only ${shown.join(" ")}${more}`}`;
}

/** The data of a telegram that is no answer: those have neither a blank line after the identification nor a CRC. */
function unasked(bytes: Uint8Array): readonly DataSet[] | undefined {
  const telegram = parseTelegram(bytes);
  if (!telegram.ok) return undefined;
  const blankLine = /^\/[^\r\n]*\r?\n\r?\n/.test(String.fromCharCode(...bytes.subarray(0, 100)));
  return blankLine || telegram.value.check === "good" ? telegram.value.sets : undefined;
}
