/** A meter's face whose replies go wrong on the wire, one in so many: to see what a head-end makes of it. */
import type { Actor, LinkEffect, LinkEvent, LinkId } from "../../src/core/actor.ts";
import { joinBytes } from "../../src/core/bytes.ts";
import type { Random } from "../../src/core/random.ts";
import { earlier, type Now, type Wake, wakeAtMono } from "../../src/core/time.ts";
import { framesOf, type Spoken } from "./dialect.ts";
import type { Misbehaviour, Said } from "./misbehaviour.ts";

export interface Share {
  readonly misbehaviour: Misbehaviour;
  /** Of all replies, 0 to 1. */
  readonly rate: number;
}

interface Waiting extends Said {
  readonly at: number;
  readonly link: LinkId;
}

interface Heard {
  request: Uint8Array;
  former: Uint8Array;
}

/** Of a request, more than any frame; a longer one is no request. */
const MOST_REQUEST = 512;
const EMPTY = new Uint8Array(0);

export class MisbehavingFace implements Actor {
  readonly #face: Actor;
  readonly #spoken: Spoken;
  readonly #shares: readonly Share[];
  readonly #random: Random;
  readonly #links = new Map<LinkId, Heard>();
  /** In the order in which they are due. */
  #waiting: Waiting[] = [];

  /** @param shares their rates add up to at most 1; the rest of the replies is as the face gives them */
  constructor(face: Actor, spoken: Spoken, shares: readonly Share[], random: Random) {
    this.#face = face;
    this.#spoken = spoken;
    this.#shares = shares.filter(({ misbehaviour }) => misbehaviour.spoken.includes(spoken));
    this.#random = random;
  }

  handle(event: LinkEvent, now: Now): readonly LinkEffect[] {
    if (event.kind === "closed") {
      this.#links.delete(event.link);
      this.#waiting = this.#waiting.filter(({ link }) => link !== event.link);
    }
    if (event.kind === "bytes") {
      const heard = this.#heard(event.link);
      heard.request = joinBytes([heard.request, event.bytes]).slice(-MOST_REQUEST);
    }
    return this.#pass(this.#face.handle(event, now), now);
  }

  wake(now: Now): readonly LinkEffect[] {
    const due = this.#waiting.filter(({ at }) => at <= now.mono);
    this.#waiting = this.#waiting.filter(({ at }) => at > now.mono);
    const said = due.map(({ link, bytes }): LinkEffect => ({ kind: "send", link, bytes }));
    return [...said, ...this.#pass(this.#face.wake(now), now)];
  }

  nextWake(): Wake {
    return earlier(this.#face.nextWake(), wakeAtMono(this.#waiting[0]?.at ?? Number.POSITIVE_INFINITY));
  }

  #heard(link: LinkId): Heard {
    const known = this.#links.get(link);
    if (known !== undefined) return known;
    const heard = { request: EMPTY, former: EMPTY };
    this.#links.set(link, heard);
    return heard;
  }

  #pass(effects: readonly LinkEffect[], now: Now): readonly LinkEffect[] {
    return effects.flatMap((effect) => {
      if (effect.kind !== "send") return [effect];
      const heard = this.#heard(effect.link);
      const out = framesOf(this.#spoken, effect.bytes).flatMap((reply) => this.#reply(effect.link, reply, heard, now));
      heard.request = EMPTY;
      return out;
    });
  }

  #reply(link: LinkId, reply: Uint8Array, heard: Heard, now: Now): readonly LinkEffect[] {
    const { request, former } = heard;
    heard.former = reply;
    const situation = { spoken: this.#spoken, request, former, random: this.#random };
    const said = this.#draw()?.act(reply, situation);
    if (said === "close") return [{ kind: "close", link, reason: "misbehaves" }];
    if (said === undefined) return [{ kind: "send", link, bytes: reply }];
    const out: LinkEffect[] = [];
    for (const { after, bytes } of said) {
      if (after === 0) out.push({ kind: "send", link, bytes });
      else this.#waiting.push({ after, bytes, link, at: now.mono + after });
    }
    this.#waiting.sort((a, b) => a.at - b.at);
    return out;
  }

  #draw(): Misbehaviour | undefined {
    let left = this.#random.unit();
    for (const { misbehaviour, rate } of this.#shares) {
      if (left < rate) return misbehaviour;
      left -= rate;
    }
    return undefined;
  }
}
