/** Carries a probe out on one line, or on several connections to the same place: the actor that both drivers run. */
import type { Actor, LinkEffect, LinkEvent, LinkId } from "../core/actor.ts";
import { EMPTY_BYTES } from "../core/bytes.ts";
import { type LineFormat, wireTime } from "../core/line-format.ts";
import { assert } from "../core/result.ts";
import { MICROS_PER_SECOND, type Monotonic, mono, type Now, type Wake, wakeAtMono } from "../core/time.ts";
import { type Chunk, type Ended, type Heard, MOST_HEARD, type Probe, type ProbeStep } from "./probe.ts";

const FIRST_BUFFER = 64;
const LONGEST = 10 * MICROS_PER_SECOND;

export interface ProbeRunnerOptions {
  /** The connections, in the order in which steps name them. */
  readonly links: readonly LinkId[];
  /** How the port was opened; undefined where bytes take no time. */
  readonly format?: LineFormat;
  /** How long to wait for a connection before an exchange on it is over as `closed`, µs. */
  readonly linkPatience: number;
}

type Exchange = Extract<ProbeStep, { kind: "exchange" }>;

/** An exchange under way. */
interface Open {
  readonly step: Exchange;
  readonly link: LinkId;
  /** Undefined until it could be sent. */
  sentAt: Monotonic | undefined;
  leftAt: number;
  readonly patienceEnds: number;
  readonly chunks: Chunk[];
  /** Everything so far in its first `size` bytes; it grows by doubling. */
  heard: Uint8Array;
  size: number;
}

export class ProbeRunner<T> implements Actor {
  readonly #probe: Probe<T>;
  readonly #options: ProbeRunnerOptions;
  readonly #done: (result: T) => void;
  readonly #up = new Set<LinkId>();
  /** Why a connection was lost last. */
  readonly #reasons = new Map<LinkId, string>();
  #format: LineFormat | undefined;
  #open: Open | undefined;
  #state: "new" | "running" | "over" = "new";

  /** @param done told what came of the probe, once; an error that the probe throws is a bug and passes through */
  constructor(probe: Probe<T>, options: ProbeRunnerOptions, done: (result: T) => void) {
    this.#probe = probe;
    this.#options = options;
    this.#format = options.format;
    this.#done = done;
  }

  handle(event: LinkEvent, now: Now): readonly LinkEffect[] {
    if (event.kind === "opened") {
      this.#up.add(event.link);
      return this.#open?.link === event.link && this.#open.sentAt === undefined ? this.#send(this.#open, now) : [];
    }
    if (event.kind === "closed") {
      this.#up.delete(event.link);
      this.#reasons.set(event.link, event.reason);
      // A connection that can't be had yet is dialled again until the patience ends.
      if (this.#open?.link !== event.link || this.#open.sentAt === undefined) return [];
      return this.#end("closed", now, event.reason);
    }
    if (event.kind !== "bytes" || this.#open === undefined || this.#open.link !== event.link) return [];
    return this.#hear(this.#open, event.bytes, now);
  }

  wake(now: Now): readonly LinkEffect[] {
    if (this.#state === "new") {
      this.#state = "running";
      return this.#go(this.#probe.next(), now);
    }
    const open = this.#open;
    if (open === undefined || now.mono < this.#due(open)) return [];
    if (open.sentAt === undefined) return this.#end("closed", now, this.#reasons.get(open.link) ?? "no connection");
    if (now.mono >= open.leftAt + (open.step.listen.longest ?? LONGEST)) return this.#end("unending", now);
    return this.#end(open.size === 0 ? "silent" : "quiet", now);
  }

  nextWake(): Wake {
    if (this.#state === "new") return wakeAtMono(0);
    return wakeAtMono(this.#open === undefined ? Number.POSITIVE_INFINITY : this.#due(this.#open));
  }

  #due(open: Open): number {
    if (open.sentAt === undefined) return open.patienceEnds;
    const { first, quiet, longest = LONGEST } = open.step.listen;
    const last = open.chunks.at(-1);
    const over = last === undefined ? open.leftAt + first : Math.max(last.at, open.leftAt) + quiet;
    return Math.min(over, open.leftAt + longest);
  }

  /** Follows the script up to the next exchange. */
  #go(first: IteratorResult<ProbeStep, T>, now: Now): readonly LinkEffect[] {
    const effects: LinkEffect[] = [];
    let next = first;
    while (!next.done && next.value.kind !== "exchange") {
      const step = next.value;
      if (step.kind === "format") {
        this.#format &&= step.format;
        for (const link of this.#options.links) effects.push({ kind: "format", link, format: step.format });
      } else effects.push({ kind: "close", link: this.#link(step.on), reason: "probe" });
      next = this.#probe.next(nothing(now));
    }
    if (next.done) {
      this.#state = "over";
      this.#done(next.value);
      return effects;
    }
    const step = next.value as Exchange;
    const link = this.#link(step.on);
    const patienceEnds = now.mono + this.#options.linkPatience;
    this.#open = { step, link, sentAt: undefined, leftAt: 0, patienceEnds, chunks: [], heard: EMPTY_BYTES, size: 0 };
    // A link that is being closed says so only after these effects are carried out.
    const closing = effects.some((effect) => effect.kind === "close" && effect.link === link);
    if (closing) this.#up.delete(link);
    return this.#up.has(link) ? [...effects, ...this.#send(this.#open, now)] : effects;
  }

  #send(open: Open, now: Now): readonly LinkEffect[] {
    open.sentAt = now.mono;
    const { send } = open.step;
    open.leftAt = now.mono + (this.#format === undefined ? 0 : wireTime(send.length, this.#format));
    return send.length === 0 ? [] : [{ kind: "send", link: open.link, bytes: send }];
  }

  #hear(open: Open, bytes: Uint8Array, now: Now): readonly LinkEffect[] {
    if (open.sentAt === undefined) return [];
    const kept = bytes.slice(0, MOST_HEARD - open.size);
    open.chunks.push({ at: now.mono, bytes: kept });
    if (open.size + kept.length > open.heard.length) {
      const larger = new Uint8Array(Math.max(FIRST_BUFFER, 2 * (open.size + kept.length)));
      larger.set(open.heard);
      open.heard = larger;
    }
    open.heard.set(kept, open.size);
    open.size += kept.length;
    if (open.size >= MOST_HEARD) return this.#end("unending", now);
    const { enough } = open.step.listen;
    if (enough?.(open.heard.subarray(0, open.size))) return this.#end("enough", now);
    return [];
  }

  #end(ended: Ended, now: Now, reason?: string): readonly LinkEffect[] {
    const { chunks, heard: bytes, size, sentAt, leftAt } = this.#open as Open;
    this.#open = undefined;
    const heard: Heard = {
      bytes: bytes.slice(0, size),
      chunks,
      sentAt: sentAt ?? now.mono,
      leftAt: mono(leftAt === 0 ? now.mono : leftAt),
      endedAt: now.mono,
      ended,
      ...(reason === undefined ? {} : { reason }),
    };
    return this.#go(this.#probe.next(heard), now);
  }

  #link(on = 0): LinkId {
    const link = this.#options.links[on];
    assert(link !== undefined, `the probe has no connection ${on}`);
    return link;
  }
}

function nothing({ mono: at }: Now): Heard {
  return { bytes: new Uint8Array(0), chunks: [], sentAt: at, leftAt: at, endedAt: at, ended: "silent" };
}
