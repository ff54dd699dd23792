/** Reads a meter again and again on one line, over lost connections too. */
import type { Actor, LinkEffect, LinkEvent, LinkId } from "../../core/actor.ts";
import { type Now, type Wake, wakeAtMono } from "../../core/time.ts";
import type { MeterReader, ReadingOutcome } from "../meter-reader.ts";
import type { LineStatistics } from "./line-statistics.ts";

export type WatchEvent =
  | { readonly kind: "outcome"; readonly outcome: ReadingOutcome; readonly at: Now }
  /** The line was lost, or came back; `reason` says why it is gone. */
  | { readonly kind: "line"; readonly reason: string | undefined; readonly at: Now };

export class RepeatedReads implements Actor {
  readonly #reader: MeterReader;
  readonly #link: LinkId;
  readonly #every: number;
  readonly #statistics: LineStatistics;
  readonly #tell: (event: WatchEvent) => void;
  #current: Actor | undefined;
  #outcome: ReadingOutcome | undefined;
  #up = false;
  #lost = false;
  #paused = false;
  /** Monotonic: when the next reading is due. */
  #due = 0;

  /** @param every µs from the beginning of one reading to that of the next, or longer where a reading takes longer */
  constructor(
    reader: MeterReader,
    link: LinkId,
    every: number,
    statistics: LineStatistics,
    tell: (event: WatchEvent) => void,
  ) {
    this.#reader = reader;
    this.#link = link;
    this.#every = every;
    this.#statistics = statistics;
    this.#tell = tell;
  }

  /** While paused no reading is begun; the next one is due at once afterwards. */
  pause(paused: boolean): void {
    this.#paused = paused;
  }

  handle(event: LinkEvent, now: Now): readonly LinkEffect[] {
    if (event.kind === "opened") {
      this.#up = true;
      this.#due = now.mono;
      if (this.#lost) this.#tell({ kind: "line", reason: undefined, at: now });
      this.#lost = false;
      return this.#begin(now);
    }
    if (event.kind === "closed") {
      this.#up = false;
      const effects = this.#current?.handle(event, now) ?? [];
      this.#settle(now);
      // The line is gone with whatever was still to be said on it.
      this.#current = undefined;
      // Every failed attempt to have it again is a `closed`, too.
      if (!this.#lost) {
        this.#statistics.lineLost();
        this.#tell({ kind: "line", reason: event.reason, at: now });
      }
      this.#lost = true;
      return effects.filter((effect) => effect.kind === "log");
    }
    if (event.kind === "bytes") this.#statistics.heard(now.mono);
    return this.#take(this.#current?.handle(event, now) ?? [], now);
  }

  wake(now: Now): readonly LinkEffect[] {
    if (this.#current === undefined) return this.#begin(now);
    return this.#take(this.#current.wake(now), now);
  }

  nextWake(): Wake {
    if (this.#current !== undefined) return this.#current.nextWake();
    return wakeAtMono(this.#up && !this.#paused ? this.#due : Number.POSITIVE_INFINITY);
  }

  #begin(now: Now): readonly LinkEffect[] {
    if (!this.#up || this.#paused || now.mono < this.#due) return [];
    this.#due = now.mono + this.#every;
    const reader = this.#reader.once(this.#link, (outcome) => {
      this.#outcome ??= outcome;
    });
    this.#current = reader;
    // It learns that the line is there the way every reader does.
    const effects = [...reader.wake(now), ...reader.handle({ kind: "opened", link: this.#link }, now)];
    return this.#take(effects, now);
  }

  #take(effects: readonly LinkEffect[], now: Now): readonly LinkEffect[] {
    for (const effect of effects) if (effect.kind === "send") this.#statistics.sent(now.mono, effect.bytes);
    this.#settle(now);
    return effects;
  }

  #settle(now: Now): void {
    const outcome = this.#outcome;
    if (outcome === undefined) return;
    this.#outcome = undefined;
    this.#current = undefined;
    if (outcome.ok) this.#statistics.succeeded();
    else this.#statistics.failed(outcome.reason);
    this.#tell({ kind: "outcome", outcome, at: now });
  }
}
