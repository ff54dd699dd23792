/**
 * Open intervals asked for over MQTT. The parts of an answer come in order and may be lost one by one: what came counts, and
 * the rest is asked for again.
 */
import { encodeCommand } from "../../protocols/mqtt/message.ts";
import type { ProfilePart, ProfileRecord } from "../../protocols/mqtt/profile.ts";
import { topicFor } from "../../protocols/mqtt/topics.ts";
import type { LinkId } from "../../src/core/actor.ts";
import { MICROS_PER_SECOND, type Now } from "../../src/core/time.ts";
import type { GapRequest } from "../completeness/gap-filler.ts";
import type { ProfileEntry } from "../completeness/interval-book.ts";
import { endOf, INTERVAL_ENERGIES, intervalAt } from "../completeness/meter-intervals.ts";
import type { MeterId } from "../ports.ts";
import type { SessionOutput } from "./line-task.ts";

/** For each part to come; a meter that is busy with a rush of its own telemetry answers behind it. */
const PATIENCE = 60 * MICROS_PER_SECOND;

interface Carried {
  readonly request: GapRequest;
  readonly query: number;
  next: number;
  /** The part that comes next. */
  part: number;
  until: number;
}

export class MqttProfiles {
  readonly #link: LinkId;
  readonly #byMeter = new Map<MeterId, Carried>();
  #up = false;
  #lastQuery: number;

  /** @param firstQuery differs from run to run, and from those of other queries */
  constructor(link: LinkId, firstQuery: number) {
    this.#link = link;
    this.#lastQuery = firstQuery;
  }

  opened(): void {
    this.#up = true;
  }

  /** What was asked is asked again once the meter is heard of. */
  closed(): SessionOutput[] {
    this.#up = false;
    const out: SessionOutput[] = [];
    for (const carried of this.#byMeter.values()) this.#end(carried, "the broker is away", out);
    return out;
  }

  start(request: GapRequest, now: Now): SessionOutput[] {
    this.#lastQuery += 1;
    const { meter, minutes, span } = request;
    const carried = { request, query: this.#lastQuery, next: span.from, part: 1, until: now.mono + PATIENCE };
    const out: SessionOutput[] = [];
    this.#byMeter.set(meter, carried);
    if (!this.#up) {
      this.#end(carried, "the broker is away", out);
      return out;
    }
    const [from, to] = [endOf(span.from, minutes), endOf(span.to, minutes)];
    const payload = encodeCommand({ kind: "profile", id: carried.query, from, to, step: minutes });
    out.push({ kind: "publish", link: this.#link, topic: topicFor(meter, "cmd"), payload, qos: 1, retain: false });
    return out;
  }

  response(part: ProfilePart, now: Now): SessionOutput[] {
    const out: SessionOutput[] = [];
    const carried = this.#byMeter.get(part.meter as MeterId);
    if (carried?.query !== part.query || part.part < carried.part) return out;
    const { minutes, span, meter } = carried.request;
    if (part.part > carried.part) this.#end(carried, `part ${carried.part} of its answer is lost`, out);
    else if (part.interval === 0 || minutes % part.interval !== 0)
      this.#end(carried, `its load profile has an interval of ${part.interval} minutes`, out);
    else {
      const records = part.records.flatMap((record) => entryOf(record, minutes));
      // Of the last part the meter's clock says how far what it has goes.
      const reach = part.last ? intervalAt(part.time, minutes) - 1 : (records.at(-1)?.interval ?? 0);
      const proven = Math.min(span.to, reach);
      if (proven >= carried.next) out.push({ kind: "profiled", piece: { meter, from: carried.next, proven, records } });
      carried.next = Math.max(carried.next, proven + 1);
      carried.part += 1;
      carried.until = now.mono + PATIENCE;
      if (part.last) this.#end(carried, "", out);
    }
    return out;
  }

  wake(now: Now): SessionOutput[] {
    const out: SessionOutput[] = [];
    for (const carried of this.#byMeter.values())
      if (carried.until <= now.mono) this.#end(carried, "no answer to a query for its load profile", out);
    return out;
  }

  nextWake(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { until } of this.#byMeter.values()) next = Math.min(next, until);
    return next;
  }

  #end({ request: { meter, span }, next }: Carried, reason: string, out: SessionOutput[]): void {
    this.#byMeter.delete(meter);
    out.push({ kind: "profileEnd", meter, progress: next > span.from, reason });
  }
}

/** Records between two intervals of ours are passed over. */
function entryOf({ time, marks, values }: ProfileRecord, minutes: number): readonly ProfileEntry[] {
  const interval = intervalAt(time, minutes);
  if (endOf(interval, minutes) !== time) return [];
  const clockDoubt = marks.includes("clock-changed") || marks.includes("clock-doubt");
  return [{ interval, clockDoubt, energies: INTERVAL_ENERGIES.map((key) => values[key] ?? null) }];
}
