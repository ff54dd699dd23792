/** One reading of a DL/T 645-2007 meter: its address where that is not known, then every identifier that gives a measure. */

import { Dlt645Client, type Dlt645ClientEffect, type Dlt645ClientOptions } from "../../protocols/dlt645/client.ts";
import { type Dlt645Failure, failureText } from "../../protocols/dlt645/errors.ts";
import { ANY_METER } from "../../protocols/dlt645/frame.ts";
import { showIdentifier } from "../../protocols/dlt645/identifier.ts";
import type { Dlt645Request } from "../../protocols/dlt645/message.ts";
import { measuresOfStep, type PlanOptions, type PlanStep, readPlanDlt645 } from "../../protocols/dlt645/read-plan.ts";
import type { Actor, LinkEffect, LinkEvent, LinkId } from "../core/actor.ts";
import { MEASURES, type MeasureValues, USUAL_MEASURES } from "../core/measures.ts";
import { type Civil, earlier, type Now, type Wake, wakeAtMono } from "../core/time.ts";

export interface Dlt645Reading {
  readonly time: Civil;
  /** The meter's own, also where it was asked with AA. */
  readonly address: string;
  /** Absent: the meter does not have it. Null: it has no value for it, or one that can't be read. */
  readonly values: MeasureValues;
  /** What the meter refused and what could not be read, for people. */
  readonly notes: readonly string[];
}

export type Dlt645Outcome =
  | ({ readonly ok: true } & Dlt645Reading)
  /** `asked`: what got no good answer; undefined where the link failed or nothing was asked for. */
  | { readonly ok: false; readonly reason: string; readonly asked: "address" | "data" | undefined };

export interface Dlt645ReadOptions {
  /** 12 digits, AA for high ones that are not known; undefined: the meter is asked for it. */
  readonly address: string | undefined;
  readonly client: Dlt645ClientOptions;
  readonly plan: PlanOptions;
  /** Every single harmonic, too. */
  readonly harmonics?: boolean;
  /** Further attempts of a request without a good reply. */
  readonly retries: number;
  /** How long to wait for the link itself, µs. */
  readonly linkPatience: number;
}

/** Ends with the reading, with the first request that stays without a good reply, or when the link can't be had. */
export class Dlt645ReadOnce implements Actor {
  readonly #client: Dlt645Client;
  readonly #link: LinkId;
  readonly #options: Dlt645ReadOptions;
  readonly #done: (outcome: Dlt645Outcome) => void;
  readonly #steps: PlanStep[];
  /** Data of the identifiers of the first step so far. */
  #replies: Uint8Array[] = [];
  #address: string | undefined;
  #attempts = 0;
  readonly #values: MeasureValues = {};
  readonly #notes: string[] = [];
  #started: number | undefined;
  #up = false;
  #linkReason = "no connection";

  constructor(link: LinkId, options: Dlt645ReadOptions, done: (outcome: Dlt645Outcome) => void) {
    this.#link = link;
    this.#options = options;
    this.#done = done;
    this.#client = new Dlt645Client(options.client);
    this.#address = options.address;
    const keys = (options.harmonics ? MEASURES : USUAL_MEASURES).map((m) => m.key);
    this.#steps = [...readPlanDlt645(keys, options.plan)];
  }

  handle(event: LinkEvent, now: Now): readonly LinkEffect[] {
    switch (event.kind) {
      case "opened":
        this.#up = true;
        return this.#take([...this.#client.linkUp(now.mono), ...this.#ask(now)], now);
      case "closed":
        this.#up = false;
        this.#linkReason = event.reason;
        return this.#take(this.#client.linkDown(now.mono), now);
      case "bytes":
        return this.#take(this.#client.receive(event.bytes, now.mono), now);
      default:
        return [];
    }
  }

  wake(now: Now): readonly LinkEffect[] {
    this.#started ??= now.mono;
    if (!this.#up && now.mono >= this.#started + this.#options.linkPatience) this.#fail(this.#linkReason, undefined);
    return this.#take(this.#client.wake(now.mono), now);
  }

  nextWake(): Wake {
    if (this.#started === undefined) return wakeAtMono(0);
    const client = wakeAtMono(this.#client.nextWake());
    return this.#up ? client : earlier(client, wakeAtMono(this.#started + this.#options.linkPatience));
  }

  #ask(now: Now): readonly Dlt645ClientEffect[] {
    if (this.#address === undefined) return this.#client.submit(0, ANY_METER, { kind: "read-address" }, now.mono);
    const request = this.#request();
    if (request !== undefined) return this.#client.submit(0, this.#address, request, now.mono);
    this.#finish(now);
    return [];
  }

  /** The read that is due; undefined when there is none any more. */
  #request(): Extract<Dlt645Request, { kind: "read" }> | undefined {
    const identifier = this.#steps[0]?.identifiers[this.#replies.length];
    return identifier === undefined ? undefined : { kind: "read", identifier };
  }

  #take(effects: readonly Dlt645ClientEffect[], now: Now): readonly LinkEffect[] {
    const out: LinkEffect[] = [];
    const open = [...effects];
    for (let effect = open.shift(); effect !== undefined; effect = open.shift()) {
      if (effect.kind === "send") out.push({ kind: "send", link: this.#link, bytes: effect.bytes });
      else if (this.#settle(effect.result)) open.push(...this.#ask(now));
    }
    return out;
  }

  /** Whether there may be more to ask. */
  #settle(result: Extract<Dlt645ClientEffect, { kind: "done" }>["result"]): boolean {
    if (!result.ok) return this.#settleFailure(result.error);
    this.#attempts = 0;
    this.#address = result.value.address;
    const { reply } = result.value;
    if (reply.kind === "data") this.#keep(reply.data);
    return true;
  }

  #keep(data: Uint8Array): void {
    const step = this.#steps[0] as PlanStep;
    this.#replies.push(data);
    if (this.#replies.length < step.identifiers.length) return;
    const values = measuresOfStep(step, this.#replies, this.#options.plan);
    if (values.ok) Object.assign(this.#values, values.value);
    else {
      for (const key of step.measures) this.#values[key] = null;
      this.#notes.push(values.error);
    }
    this.#nextStep();
  }

  #settleFailure(error: Dlt645Failure): boolean {
    if (error.kind === "refused" && this.#address !== undefined) {
      this.#refused(failureText(error));
      return true;
    }
    if ((error.kind === "timeout" || error.kind === "bad-reply") && this.#attempts < this.#options.retries) {
      this.#attempts += 1;
      return true;
    }
    if (error.kind === "link-down") this.#fail(this.#linkReason, undefined);
    else if (this.#address === undefined) this.#fail(failureText(error), "address");
    else this.#fail(`${this.#asked()}: ${failureText(error)}`, "data");
    return false;
  }

  /** A meter that does not know a block may know its members; what it does not have at all is left out. */
  #refused(reason: string): void {
    this.#attempts = 0;
    const step = this.#steps[0] as PlanStep;
    const asked = this.#asked();
    this.#nextStep();
    const single = readPlanDlt645(step.measures, { ...this.#options.plan, blocks: false });
    if (single.length > 1) this.#steps.unshift(...single);
    else this.#notes.push(`${asked}: ${reason}`);
  }

  #asked(): string {
    const request = this.#request();
    return request === undefined ? "nothing" : showIdentifier(request.identifier);
  }

  #nextStep(): void {
    this.#steps.shift();
    this.#replies = [];
  }

  #finish(now: Now): void {
    const address = this.#address as string;
    if (Object.keys(this.#values).length === 0)
      this.#fail(`meter ${address} has none of the data asked for; ${this.#notes[0] ?? "nothing was asked"}`, "data");
    else this.#done({ ok: true, time: now.civil, address, values: this.#values, notes: this.#notes });
  }

  #fail(reason: string, asked: "address" | "data" | undefined): void {
    this.#done({ ok: false, reason, asked });
  }
}
