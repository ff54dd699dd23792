/** One reading of a real or virtual Modbus meter: the head-end's own line session with one meter on it, once. */

import type { LineConfig } from "../../headend/config.ts";
import type { MeterReading } from "../../headend/ports.ts";
import { LineSession } from "../../headend/sessions/line-session.ts";
import { isForLink, type SessionOutput } from "../../headend/sessions/line-task.ts";
import type { Actor, LinkEffect, LinkEvent, LinkId } from "../core/actor.ts";
import { earlier, type Now, type Wake, wakeAtMono } from "../core/time.ts";

export type ReadOutcome =
  | { readonly ok: true; readonly reading: MeterReading }
  | { readonly ok: false; readonly reason: string };

/** Ends with the first reading, the first failed poll (after its retries), or when the link can't be had. */
export class ReadOnce implements Actor {
  readonly #session: LineSession;
  readonly #link: LinkId;
  readonly #linkPatience: number;
  readonly #done: (outcome: ReadOutcome) => void;
  #started: number | undefined;
  #linkReason = "no connection";
  #up = false;

  /** @param linkPatience how long to wait for the link itself, µs */
  constructor(line: LineConfig, linkPatience: number, done: (outcome: ReadOutcome) => void) {
    this.#session = new LineSession(line);
    this.#link = line.link;
    this.#linkPatience = linkPatience;
    this.#done = done;
  }

  handle(event: LinkEvent, now: Now): readonly LinkEffect[] {
    if (event.link !== this.#link || event.kind === "message" || event.kind === "published") return [];
    if (event.kind === "bytes") return this.#take(this.#session.receive(event.bytes, now));
    this.#up = event.kind === "opened";
    if (event.kind === "opened") return this.#take(this.#session.opened(now));
    this.#linkReason = event.reason;
    return this.#take(this.#session.closed(now));
  }

  wake(now: Now): readonly LinkEffect[] {
    this.#started ??= now.mono;
    if (!this.#up && now.mono >= this.#started + this.#linkPatience)
      this.#done({ ok: false, reason: this.#linkReason });
    return this.#take(this.#session.wake(now));
  }

  nextWake(): Wake {
    if (this.#started === undefined) return wakeAtMono(0);
    const session = this.#session.nextWake();
    return this.#up ? session : earlier(session, wakeAtMono(this.#started + this.#linkPatience));
  }

  #take(outputs: readonly SessionOutput[]): readonly LinkEffect[] {
    const effects: LinkEffect[] = [];
    for (const output of outputs) {
      if (output.kind === "polled") {
        const { meter, time, values } = output;
        this.#done({ ok: true, reading: { meter, time, values, source: "modbus", sequence: null, quality: "good" } });
      } else if (output.kind === "pollFailed") this.#done({ ok: false, reason: output.reason });
      else if (isForLink(output)) effects.push(output);
    }
    return effects;
  }
}
