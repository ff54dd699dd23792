/**
 * Between schedules and sessions: begins what is due, on a line as a task, over MQTT as a query, and says what is stored of
 * what comes back. A dated task is done when it is committed, so that a head-end that was killed makes it up.
 */
import type { OrderNumber } from "../../protocols/orders.ts";
import { assert, failure, success } from "../../src/core/result.ts";
import { type Civil, type Now, toIso, type Wake } from "../../src/core/time.ts";
import type { Books, Draft } from "../books.ts";
import { ClockDesk } from "../clock/desk.ts";
import type { Work } from "../committer.ts";
import { type CollectorConfig, DEFAULT_CLOCK, type Limits } from "../config.ts";
import type { Directory, KnownMeter } from "../directory.ts";
import { putEvent } from "../events/records.ts";
import type { CollectorEffect, MeterId, MeterReading, Refusal } from "../ports.ts";
import { takeReading } from "../readings.ts";
import type { Polled, SessionOutput } from "../sessions/line-task.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { TaskKind } from "../sessions/work-kinds.ts";
import type { CronPort } from "./cron-port.ts";
import { Groups, isDated, type ScheduleTask } from "./groups.ts";
import { eventsMaker, TASK_MAKERS } from "./makers.ts";
import { answerAll, OnDemandReads, type ReadRequest } from "./on-demand.ts";
import { doneKey, isOfSlot, putDatedRead } from "./records.ts";
import { type Due, Scheduler } from "./scheduler.ts";

type PollFailed = Extract<SessionOutput, { kind: "pollFailed" }>;

interface Parts {
  readonly config: CollectorConfig;
  readonly limits: Limits;
  readonly books: Books;
  readonly directory: Directory;
  readonly sessions: Sessions;
  readonly cron: CronPort | undefined;
}

export class ScheduleDesk {
  readonly #parts: Parts;
  readonly #groups: Groups;
  readonly #scheduler: Scheduler;
  readonly #added = new Set<MeterId>();
  readonly #onDemand: OnDemandReads;
  readonly #clock: ClockDesk;
  readonly #scheduled: boolean;
  #begun = false;
  /** Dated tasks on their way, by meter and task. */
  readonly #running = new Map<string, Due>();
  /** Dated tasks whose reading the store did not take. */
  readonly #lost: Due[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
    const groups = parts.config.groups ?? [];
    this.#scheduled = groups.length > 0;
    this.#groups = new Groups(groups);
    this.#scheduler = new Scheduler(groups, this.#known(), parts.cron);
    this.#clock = new ClockDesk(parts.config.clock ?? DEFAULT_CLOCK, parts.books, parts.limits);
    this.#onDemand = new OnDemandReads(parts.limits.onDemandReads);
  }

  nextWake(): Wake {
    if ((this.#scheduled && !this.#begun) || this.#lost.length > 0 || this.#clock.hasChecks)
      return { mono: 0, civil: Number.POSITIVE_INFINITY };
    return { mono: this.#onDemand.nextWake(), civil: this.#scheduler.nextWake() };
  }

  /** What is to be stored before the schedules begin: since when dated tasks are owed. Undefined after the first time. */
  begin(now: Now): Work | undefined {
    if (!this.#scheduled || this.#begun) return undefined;
    this.#begun = true;
    const found = this.#known().map((id) => this.#parts.directory.find(id));
    const meters = found.filter((meter): meter is KnownMeter => meter?.held === false);
    for (const meter of meters) this.#add(meter, now.civil);
    return {
      apply: (draft, at) => {
        for (const meter of meters) this.#owe(meter, draft, at.civil);
      },
    };
  }

  /** Takes in a meter that registers itself in this draft, or is accepted; a held one waits for that. */
  registered(meter: KnownMeter, draft: Draft, now: Now): void {
    if (meter.held) return;
    this.#owe(meter, draft, now.civil);
    this.#add(meter, now.civil);
  }

  /** A message that a meter sent by itself; whether its clock is in doubt. */
  heard(meter: MeterId, shown: Civil, arrived: Now): boolean {
    return this.#parts.directory.find(meter) !== undefined && this.#clock.heard(meter, shown, arrived);
  }

  /** An order was carried out and read back. */
  orderDone(id: OrderNumber): void {
    const order = this.#parts.books.openOrders.get(id);
    if (order !== undefined) this.#clock.done(order);
  }

  wake(now: Now): readonly (SessionOutput | CollectorEffect)[] {
    const out: (SessionOutput | CollectorEffect)[] = [];
    for (const due of this.#lost.splice(0)) this.#scheduler.failed(due, now.civil);
    for (const due of this.#scheduler.due(now.civil)) {
      if (this.#parts.directory.find(due.meter)?.held) {
        this.#scheduler.failed(due, now.civil);
        continue;
      }
      if (isDated(due.task)) this.#running.set(`${due.meter}/${due.task}`, due);
      out.push(...this.#start(due.meter, due.task, now));
    }
    for (const meter of this.#clock.checks()) out.push(...this.#start(meter, "clock", now));
    for (const meter of this.#onDemand.late(now)) {
      const line = this.#parts.directory.find(meter)?.line;
      this.#parts.sessions.cancelTask(meter, line, "on-demand");
      out.push(...this.#refuse(meter, this.#silence(meter, "it did not come to its turn in time")));
    }
    return out;
  }

  /** A read that somebody waits for. */
  request(request: ReadRequest, now: Now): readonly (SessionOutput | CollectorEffect)[] {
    const { meter, ticket } = request;
    if (this.#parts.directory.find(meter) === undefined) {
      const detail = `there is no meter ${meter}; see the list of meters`;
      return [{ kind: "reply", ticket, result: failure({ reason: "unknown-meter", detail }) }];
    }
    const { effects, ask } = this.#onDemand.take(request, now);
    return ask ? [...effects, ...this.#start(meter, "on-demand", now)] : effects;
  }

  /** What is stored of a reading that was asked for, whoever asked. */
  polled(meter: KnownMeter, polled: Polled): Work {
    const { books, limits } = this.#parts;
    const { purpose, source, time, values } = polled;
    const reading: MeterReading = { meter: polled.meter, time, source, sequence: null, quality: "good", values };
    const due = this.#running.get(`${polled.meter}/${purpose}`);
    this.#running.delete(`${polled.meter}/${purpose}`);
    const waiting = purpose === "on-demand" ? this.#onDemand.release(polled.meter) : [];
    return {
      apply: (draft, now) => {
        if (polled.contact !== undefined) this.#clock.contact(meter, polled.contact, draft, now);
        if (purpose === "clock") return;
        const from = draft.records.length;
        takeReading(books, limits, meter, reading, draft, now);
        const record = draft.records.slice(from).find(({ kind }) => kind === "reading");
        const stored = record?.kind === "reading" ? record.reading : reading;
        if (due !== undefined) this.#done(due, polled, stored, draft);
        draft.after.push(...answerAll(waiting, success({ kind: "read", reading: stored })));
      },
      abandoned: (reason) => {
        if (due !== undefined) this.#lost.push(due);
        const fields = { meter: polled.meter, reason };
        const refusal: Refusal = { reason: "store-failed", detail: `the store did not take the reading: ${reason}` };
        return [
          { kind: "log", level: "error", event: "reading-not-stored", fields },
          ...answerAll(waiting, failure(refusal)),
        ];
      },
    };
  }

  /** Events of a polled meter. What was read twice is stored as the same again. */
  eventsRead({ meter, events, seen }: Extract<SessionOutput, { kind: "eventsRead" }>): Work {
    return {
      apply: (draft) => {
        for (const event of events) putEvent(event, draft);
        this.#parts.books.eventsSeen.set(meter, seen, draft);
      },
      abandoned: (reason) => [{ kind: "log", level: "error", event: "events-not-stored", fields: { meter, reason } }],
    };
  }

  failed({ meter, purpose, reason }: PollFailed, now: Now): readonly CollectorEffect[] {
    const due = this.#running.get(`${meter}/${purpose}`);
    if (due !== undefined) this.#scheduler.failed(due, now.civil);
    return purpose === "on-demand" ? this.#refuse(meter, this.#silence(meter, reason)) : [];
  }

  #known(): MeterId[] {
    const { directory, books } = this.#parts;
    const ids = new Set([...directory.configured()].map(({ registration }) => registration.id));
    for (const { id } of books.meters.values()) ids.add(id);
    return [...ids];
  }

  #add(meter: KnownMeter, now: Civil): void {
    const { id } = meter.registration;
    if (this.#added.has(id)) return;
    this.#added.add(id);
    this.#scheduler.add(
      id,
      now,
      (task) => this.#takes(meter, task),
      (task) => this.#parts.books.scheduled.get(doneKey(id, task)),
    );
  }

  /** From now on its dated tasks are owed. */
  #owe({ registration: { id } }: KnownMeter, draft: Draft, now: Civil): void {
    const { scheduled } = this.#parts.books;
    for (const { task } of this.#groups.of(id)) {
      if (isDated(task) && scheduled.get(doneKey(id, task)) === undefined) scheduled.set(doneKey(id, task), now, draft);
    }
  }

  #done(due: Due, polled: Polled, stored: MeterReading, draft: Draft): void {
    const { meter, task, slot } = due;
    assert(isDated(task), "only dated tasks are kept as running");
    const { settlement } = polled;
    const own = settlement !== undefined && isOfSlot(settlement, slot) ? settlement : null;
    const { quality, values, time: taken } = stored;
    putDatedRead({ meter, task, slot, taken, quality, values, settlement: own }, draft);
    this.#parts.books.scheduled.set(doneKey(meter, task), slot, draft);
  }

  #refuse(meter: MeterId, refusal: Refusal): readonly CollectorEffect[] {
    return answerAll(this.#onDemand.release(meter), failure(refusal));
  }

  #start(id: MeterId, kind: TaskKind | "instantaneous", now: Now): readonly SessionOutput[] {
    const { directory, sessions } = this.#parts;
    const meter = directory.find(id);
    if (meter === undefined) return [];
    if (meter.line === undefined) return sessions.query(id, kind, now);
    const { eventsSeen } = this.#parts.books;
    const make =
      kind === "events" ? eventsMaker(eventsSeen.get(id)) : kind === "instantaneous" ? undefined : TASK_MAKERS[kind];
    assert(make !== undefined && kind !== "instantaneous", "a line polls its meters by itself");
    return sessions.startTask(id, meter.line, kind, make, now);
  }

  /** Lines poll by themselves. What a model cannot tell is not asked for. */
  #takes({ line, model }: KnownMeter, task: ScheduleTask): boolean {
    // Meters on MQTT tell their events by themselves.
    if (line === undefined) return task !== "events";
    if (task === "events") return model?.modbus.control?.functions !== undefined;
    if (task === "clock") return model?.modbus.registers.some(({ measure }) => measure === "clock") ?? false;
    return task !== "instantaneous";
  }

  #silence(id: MeterId, reason: string): Refusal {
    const { directory, sessions, books } = this.#parts;
    const line = directory.find(id)?.line;
    const refuse = (detail: string): Refusal => ({ reason: "no-answer", detail: `${id}: ${detail}` });
    if (line === undefined) {
      const last = books.latest.get(id)?.time;
      const heard = last === undefined ? "it was never heard" : `its last reading is of ${toIso(last)}`;
      return refuse(`${reason}; ${heard}; see that it is on the broker`);
    }
    if (!sessions.isUp(line)) return refuse(`line ${line} is not open; the log says why, it is opened again by itself`);
    const silence = sessions.silence(id, line);
    if (silence === undefined) return refuse(reason);
    return refuse(`no answer since ${toIso(silence.since)}: ${silence.reason}; look at the meter and its wires`);
  }
}
