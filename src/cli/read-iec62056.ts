/** One readout of an IEC 62056-21 meter over a link without a line of its own (TCP): the baud change-over changes nothing. */

import { Iec62056Reader, type ReaderEffect } from "../../protocols/iec62056-21/client.ts";
import { failureText } from "../../protocols/iec62056-21/errors.ts";
import { measuresOf } from "../../protocols/iec62056-21/readings.ts";
import type { Actor, LinkEffect, LinkEvent, LinkId } from "../core/actor.ts";
import type { MeasureValues } from "../core/measures.ts";
import { type Civil, earlier, type Now, type Wake, wakeAtMono } from "../core/time.ts";

export type ReadoutOutcome =
  | { readonly ok: true; readonly time: Civil; readonly values: MeasureValues }
  | { readonly ok: false; readonly reason: string };

const TICKET = 1;

/** Ends with the first readout, the first failure (after the reader's repeats), or when the link can't be had. */
export class ReadoutOnce implements Actor {
  readonly #reader = new Iec62056Reader();
  readonly #link: LinkId;
  readonly #linkPatience: number;
  readonly #done: (outcome: ReadoutOutcome) => void;
  #started: number | undefined;
  #up = false;
  #linkReason = "no connection";

  /** @param linkPatience how long to wait for the link itself, µs */
  constructor(link: LinkId, linkPatience: number, done: (outcome: ReadoutOutcome) => void) {
    this.#link = link;
    this.#linkPatience = linkPatience;
    this.#done = done;
  }

  handle(event: LinkEvent, now: Now): readonly LinkEffect[] {
    switch (event.kind) {
      case "opened":
        this.#up = true;
        this.#reader.linkUp();
        return this.#take(this.#reader.submit(TICKET, { kind: "readout" }, now.mono), now);
      case "closed":
        this.#up = false;
        this.#linkReason = event.reason;
        return this.#take(this.#reader.linkDown(), now);
      case "bytes":
        return this.#take(this.#reader.receive(event.bytes, now.mono), now);
      default:
        return [];
    }
  }

  wake(now: Now): readonly LinkEffect[] {
    this.#started ??= now.mono;
    if (!this.#up && now.mono >= this.#started + this.#linkPatience)
      this.#done({ ok: false, reason: this.#linkReason });
    return this.#take(this.#reader.wake(now.mono), now);
  }

  nextWake(): Wake {
    if (this.#started === undefined) return wakeAtMono(0);
    const reader = wakeAtMono(this.#reader.nextWake());
    return this.#up ? reader : earlier(reader, wakeAtMono(this.#started + this.#linkPatience));
  }

  #take(effects: readonly ReaderEffect[], now: Now): readonly LinkEffect[] {
    const out: LinkEffect[] = [];
    for (const effect of effects) {
      if (effect.kind === "send") out.push({ kind: "send", link: this.#link, bytes: effect.bytes });
      else if (effect.kind === "done") {
        const { result } = effect;
        if (result.ok) this.#done({ ok: true, time: now.civil, values: measuresOf(result.value.sets) });
        else this.#done({ ok: false, reason: failureText(result.error) });
      }
    }
    return out;
  }
}
