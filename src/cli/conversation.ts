/** Questions to a meter one after the other, awaited: a protocol's client as an actor that commands can talk through. */
import type { Actor, LinkEffect, LinkEvent } from "../core/actor.ts";
import { failure, type Result, success } from "../core/result.ts";
import { earlier, MICROS_PER_SECOND, type Now, type Wake, wakeAtMono } from "../core/time.ts";
import type { Link } from "../platform/link.ts";
import { failed } from "./errors.ts";
import type { CommandProcess } from "./process.ts";

type TalkEffect<R> =
  | { readonly kind: "send"; readonly bytes: Uint8Array }
  | { readonly kind: "baud"; readonly rate: number }
  | { readonly kind: "done"; readonly ticket: number; readonly result: R };

/** What the clients of all protocols have in common, with a question as one value. */
export interface AskedClient<Q, R> {
  submit(ticket: number, question: Q, mono: number): readonly TalkEffect<R>[];
  receive(bytes: Uint8Array, mono: number): readonly TalkEffect<R>[];
  wake(mono: number): readonly TalkEffect<R>[];
  nextWake(): number;
  linkUp(mono: number): readonly TalkEffect<R>[];
  linkDown(mono: number): readonly TalkEffect<R>[];
}

interface Question<Q, R> {
  readonly kind: "ask";
  readonly question: Q;
  readonly answer: (result: Result<R, string>) => void;
}

/** How long to wait for the connection, or a port that is opened anew. */
const LINK_PATIENCE = 5 * MICROS_PER_SECOND;

class TalkActor<Q, R> implements Actor<LinkEvent | Question<Q, R>> {
  readonly #link: Link;
  readonly #client: AskedClient<Q, R>;
  readonly #asked = new Map<number, Question<Q, R>["answer"]>();
  #waiting: { readonly question: Question<Q, R>; readonly until: number }[] = [];
  #tickets = 0;
  #up = false;
  #linkReason = "no connection";

  constructor(link: Link, client: AskedClient<Q, R>) {
    this.#link = link;
    this.#client = client;
  }

  handle(event: LinkEvent | Question<Q, R>, now: Now): readonly LinkEffect[] {
    switch (event.kind) {
      case "ask":
        if (this.#up) return this.#submit(event, now);
        this.#waiting.push({ question: event, until: now.mono + LINK_PATIENCE });
        return [];
      case "opened": {
        this.#up = true;
        const waiting = this.#waiting;
        this.#waiting = [];
        const effects = this.#take(this.#client.linkUp(now.mono));
        return [...effects, ...waiting.flatMap(({ question }) => this.#submit(question, now))];
      }
      case "closed":
        this.#up = false;
        this.#linkReason = event.reason;
        return this.#take(this.#client.linkDown(now.mono));
      case "bytes":
        return this.#take(this.#client.receive(event.bytes, now.mono));
      default:
        return [];
    }
  }

  wake(now: Now): readonly LinkEffect[] {
    const late = this.#waiting.filter(({ until }) => now.mono >= until);
    this.#waiting = this.#waiting.filter(({ until }) => now.mono < until);
    for (const { question } of late) question.answer(failure(this.#linkReason));
    return this.#take(this.#client.wake(now.mono));
  }

  nextWake(): Wake {
    const first = this.#waiting.reduce((soonest, { until }) => Math.min(soonest, until), Number.POSITIVE_INFINITY);
    return earlier(wakeAtMono(this.#client.nextWake()), wakeAtMono(first));
  }

  #submit({ question, answer }: Question<Q, R>, now: Now): readonly LinkEffect[] {
    this.#tickets += 1;
    this.#asked.set(this.#tickets, answer);
    return this.#take(this.#client.submit(this.#tickets, question, now.mono));
  }

  #take(effects: readonly TalkEffect<R>[]): readonly LinkEffect[] {
    const out: LinkEffect[] = [];
    for (const effect of effects) {
      if (effect.kind !== "done") {
        out.push({ ...effect, link: this.#link.id });
        continue;
      }
      this.#asked.get(effect.ticket)?.(success(effect.result));
      this.#asked.delete(effect.ticket);
    }
    return out;
  }
}

export interface Conversation<Q, R> {
  /** @throws CommandError (exit 1) when there is no connection; what the meter says or leaves unsaid is the result */
  ask(question: Q): Promise<R>;
  /** Stops listening; the link stays open. */
  close(): void;
}

/** @param precise for RTU, whose frames end with a silence */
export function converse<Q, R>(
  proc: CommandProcess,
  link: Link,
  client: AskedClient<Q, R>,
  precise: boolean,
): Conversation<Q, R> {
  const host = proc.runtime.host(new TalkActor(link, client), undefined, { name: "conversation", precise });
  host.attach(link);
  return {
    ask: async (question) => {
      const result = await new Promise<Result<R, string>>((answer) => host.post({ kind: "ask", question, answer }));
      if (result.ok) return result.value;
      throw failed(`${link.id}: ${result.error}`, "check the place, and that something listens there");
    },
    close: () => host.close(),
  };
}
