/**
 * One Modbus line (a serial bus, or a TCP connection to a meter or gateway) with its meters: one piece of work at a time,
 * in the order of work-kinds.ts, and of a kind what is due longest.
 *
 * The share of meters that do not answer, slowly or only now and then: what such attempts take from others is bounded
 * (line-share.ts). A silent meter (line-meter.ts) is asked once, without repeats, after pauses; an order for it waits with it,
 * an on-demand read only for the share. A meter in doubt is polled out of that share too, and beyond it when nobody else
 * wants the line; its orders and on-demand reads go first like any other's.
 */
import { ModbusClient } from "../../protocols/modbus/client.ts";
import { EXCEPTION, failureText, type ModbusFailure } from "../../protocols/modbus/errors.ts";
import type { ModbusReply, ModbusRequest } from "../../protocols/modbus/message.ts";
import { type SerialFraming, type SerialLine, serialLine } from "../../protocols/modbus/serial-line.ts";
import { BUSY_HOST_GAP, rtuTiming } from "../../protocols/modbus/timing.ts";
import { assert, type Result } from "../../src/core/result.ts";
import { type Civil, civil, MICROS_PER_MS, MICROS_PER_SECOND, type Now, type Wake } from "../../src/core/time.ts";
import type { LineConfig } from "../config.ts";
import type { MeterId, Order } from "../ports.ts";
import { planReads } from "../schedule/poll-plan.ts";
import { type Candidate, type Job, jobOf, LineMeter, type Silence } from "./line-meter.ts";
import { LineShare } from "./line-share.ts";
import type { SessionOutput, TaskMaker, TaskMove } from "./line-task.ts";
import { ModbusOrder } from "./modbus-orders.ts";
import { PollTask } from "./poll-task.ts";
import { turnaround } from "./turnaround.ts";
import { isUrgent, rankOf, type TaskKind, type WorkKind } from "./work-kinds.ts";

const DEFAULT_TIMEOUT = MICROS_PER_SECOND;
const DEFAULT_RETRIES = 2;
/** Of the response timeout: whoever takes longer to begin its answer is in doubt as if it had not answered. */
const SLOW_PART = 0.25;
/** A meter that says "busy" or "acknowledge" is asked again after this (Modbus application protocol, codes 05 and 06). */
const BUSY_PAUSE = 200 * MICROS_PER_MS;

type Answer = Result<ModbusReply, ModbusFailure>;

interface Current {
  readonly meter: LineMeter;
  readonly job: Job;
  readonly asked: Now;
  /** Nobody else wanted the line, or there is nobody else: what fails now costs no one. */
  readonly spare: boolean;
  /** When the request left, which may be a silence after it was asked for. */
  sent: Now;
}

export class LineSession {
  readonly config: LineConfig;
  readonly #client: ModbusClient;
  /** Undefined over TCP. */
  readonly #wire: SerialLine | undefined;
  readonly #meters: readonly LineMeter[];
  readonly #byId: ReadonlyMap<MeterId, LineMeter>;
  readonly #retries: number;
  #up = false;
  #started = false;
  #paused = false;
  #current: Current | undefined;
  #ticket = 0;
  readonly #share = new LineShare();
  /** µs of turnaround from which on a meter is slow. */
  readonly #slowFrom: number;

  /** @param everyOf µs of civil time between two polls of a meter, where the line's own do not hold for all */
  constructor(config: LineConfig, everyOf: (meter: MeterId) => number = () => config.pollEvery) {
    this.config = config;
    const framing = framingOf(config);
    this.#wire = framing === undefined ? undefined : serialLine(framing);
    this.#client = clientFor(config, framing);
    this.#slowFrom = (config.responseTimeout ?? DEFAULT_TIMEOUT) * SLOW_PART;
    this.#retries = config.retries ?? DEFAULT_RETRIES;
    this.#meters = config.meters.map(
      (meter) => new LineMeter(meter, planReads(meter.model.modbus, config.measures), everyOf(meter.id)),
    );
    this.#byId = new Map(this.#meters.map((meter) => [meter.config.id, meter]));
  }

  opened(now: Now): SessionOutput[] {
    const out: SessionOutput[] = [];
    this.#up = true;
    if (!this.#started) this.#spread(now);
    this.#apply(this.#client.linkUp(now.mono), now, out);
    this.#run(now, out);
    return out;
  }

  closed(now: Now): SessionOutput[] {
    const out: SessionOutput[] = [];
    this.#up = false;
    this.#apply(this.#client.linkDown(now.mono), now, out);
    // What was to be repeated begins anew on the next connection.
    for (const { jobs } of this.#meters) {
      jobs.delete("instantaneous");
      for (const job of jobs.values()) job.request = undefined;
    }
    return out;
  }

  receive(bytes: Uint8Array, now: Now): SessionOutput[] {
    const out: SessionOutput[] = [];
    this.#apply(this.#client.receive(bytes, now.mono), now, out);
    this.#run(now, out);
    return out;
  }

  wake(now: Now): SessionOutput[] {
    const out: SessionOutput[] = [];
    if (this.#client.nextWake() <= now.mono) this.#apply(this.#client.wake(now.mono), now, out);
    this.#run(now, out);
    return out;
  }

  /** While paused nothing is begun but what is urgent. */
  pausePolls(paused: boolean): void {
    this.#paused = paused;
  }

  startOrder(order: Order, now: Now): SessionOutput[] {
    const meter = this.#byId.get(order.meter);
    assert(meter !== undefined && !meter.jobs.has("order"), "a meter of this line gets one order at a time");
    const { model, password = 0 } = meter.config;
    meter.jobs.set("order", jobOf("order", new ModbusOrder(order, model.modbus, password), now.civil, order.id));
    return this.#begin(now);
  }

  /** A step of an order that is carried is stored: the task may have waited for that. */
  orderStored(order: Order, now: Now): SessionOutput[] {
    const job = this.#byId.get(order.meter)?.jobs.get("order");
    if (job?.order !== order.id || job.task.stored?.(order) !== true) return [];
    job.notBefore = now.mono;
    return this.#begin(now);
  }

  /** Stops carrying an order. A request that is on the wire is answered into the void. */
  cancelOrder(order: Order): void {
    const jobs = this.#byId.get(order.meter)?.jobs;
    if (jobs?.get("order")?.order === order.id) jobs.delete("order");
  }

  /** Takes up a piece of work with a meter of this line, in the place of one of its kind that is not done yet. */
  startTask(id: MeterId, kind: TaskKind, make: TaskMaker, now: Now): SessionOutput[] {
    const meter = this.#byId.get(id);
    assert(meter !== undefined, "a task is for a meter of this line");
    meter.jobs.set(kind, jobOf(kind, make(meter.config, meter.plan), now.civil));
    return this.#begin(now);
  }

  /** Gives up what is not done yet. */
  cancelTask(id: MeterId, kind: WorkKind): void {
    this.#byId.get(id)?.jobs.delete(kind);
  }

  /** Since when and why a meter does not answer; undefined when it did the last time, or was not asked yet. */
  silence(id: MeterId): Silence | undefined {
    return this.#byId.get(id)?.silence;
  }

  get isUp(): boolean {
    return this.#up;
  }

  nextWake(): Wake {
    let mono = this.#client.nextWake();
    let civil = Number.POSITIVE_INFINITY;
    if (!this.#up || this.#current !== undefined) return { mono, civil };
    for (const meter of this.#meters) {
      for (const job of meter.jobs.values())
        if (isUrgent(job.kind) || !this.#paused)
          mono = Math.min(mono, Math.max(this.#silentUntil(meter, job.kind), job.notBefore));
      if (this.#paused || meter.jobs.has("instantaneous")) continue;
      if (meter.isSilent) mono = Math.min(mono, this.#silentUntil(meter, "instantaneous"));
      else civil = Math.min(civil, meter.due);
    }
    return { mono, civil };
  }

  /** The meters of a line come due one after the other, not all at once. */
  #spread(now: Now): void {
    this.#started = true;
    for (const [i, meter] of this.#meters.entries())
      meter.due = now.civil + Math.floor((i * meter.every) / this.#meters.length);
  }

  /** Whoever waits for a reading may spend the share at once, the others wait for the probe. */
  #silentUntil(meter: LineMeter, kind: WorkKind): number {
    if (!meter.isSilent) return Number.NEGATIVE_INFINITY;
    return kind === "on-demand" ? this.#share.from : Math.max(meter.probeAt, this.#share.from);
  }

  /** Whether a poll of the meter has to wait while others want the line. */
  #givesWay(meter: LineMeter, now: Now): boolean {
    return meter.standing.inDoubt && this.#share.from > now.mono;
  }

  #begin(now: Now): SessionOutput[] {
    const out: SessionOutput[] = [];
    this.#run(now, out);
    return out;
  }

  /** Begins work as long as the line is free and something is due. */
  #run(now: Now, out: SessionOutput[]): void {
    while (this.#up && this.#current === undefined) {
      const next = this.#pickUrgent(now) ?? this.#pickScheduled(now);
      if (next === undefined) return;
      const { meter, job } = next;
      if (job.request === undefined) this.#move(meter, job, job.task.resume(now, out), now, out);
      else this.#ask(meter, job, job.request, now, out);
    }
  }

  #pickUrgent(now: Now): { meter: LineMeter; job: Job } | undefined {
    let first: { meter: LineMeter; job: Job } | undefined;
    for (const meter of this.#meters) {
      for (const job of meter.jobs.values()) {
        if (!isUrgent(job.kind) || job.notBefore > now.mono || this.#silentUntil(meter, job.kind) > now.mono) continue;
        const rank = first === undefined ? -1 : rankOf(job.kind) - rankOf(first.job.kind);
        if (rank < 0 || (rank === 0 && job.notBefore < (first as { job: Job }).job.notBefore)) first = { meter, job };
      }
    }
    return first;
  }

  #pickScheduled(now: Now): { meter: LineMeter; job: Job } | undefined {
    if (this.#paused) return undefined;
    let first: Candidate | undefined;
    let spare: Candidate | undefined;
    for (const meter of this.#meters) {
      // All scheduled kinds wait alike for a silent meter.
      if (this.#silentUntil(meter, "instantaneous") > now.mono) continue;
      const ready = meter.scheduled(now);
      if (ready === undefined) continue;
      if (this.#givesWay(meter, now)) spare = earlierOf(spare, ready);
      else first = earlierOf(first, ready);
    }
    first ??= spare;
    if (first === undefined) return undefined;
    const { meter } = first;
    if (first.job !== undefined) return { meter, job: first.job };
    const { id, model } = meter.config;
    const task = new PollTask(id, model.modbus, meter.plan, "instantaneous");
    const job = jobOf("instantaneous", task, meter.due);
    meter.jobs.set("instantaneous", job);
    return { meter, job };
  }

  #move(meter: LineMeter, job: Job, move: TaskMove, now: Now, out: SessionOutput[]): void {
    job.request = undefined;
    job.repeats = 0;
    // An order that expired meanwhile is no longer the meter's: what its task still wants is dropped.
    if (meter.jobs.get(job.kind) !== job) return;
    if (move.kind === "ask") {
      // Between two requests somebody's order or read may go first; the rest goes on behind it.
      if (!isUrgent(job.kind) && this.#pickUrgent(now) !== undefined) job.request = move.request;
      else this.#ask(meter, job, move.request, now, out);
    } else if (move.kind === "wait") job.notBefore = move.until;
    else {
      meter.jobs.delete(job.kind);
      if (job.kind === "instantaneous") meter.due = nextSlot(meter.due, meter.every, now.civil);
    }
  }

  #ask(meter: LineMeter, job: Job, request: ModbusRequest, now: Now, out: SessionOutput[]): void {
    job.request = request;
    this.#ticket += 1;
    const spare = this.#meters.length === 1 || (!isUrgent(job.kind) && this.#givesWay(meter, now));
    this.#current = { meter, job, asked: now, spare, sent: now };
    this.#apply(this.#client.submit(this.#ticket, meter.config.unit, request, now.mono), now, out);
  }

  #apply(effects: ReturnType<ModbusClient["receive"]>, now: Now, out: SessionOutput[]): void {
    for (const effect of effects) {
      if (effect.kind === "send") {
        if (this.#current !== undefined) this.#current.sent = now;
        out.push({ kind: "send", link: this.config.link, bytes: effect.bytes });
      } else if (effect.ticket === this.#ticket) this.#answered(effect.result, effect.latency, now, out);
    }
  }

  #answered(result: Answer, latency: number, now: Now, out: SessionOutput[]): void {
    const current = this.#current;
    if (current === undefined) return;
    this.#current = undefined;
    const { meter, job } = current;
    const outcome = result.ok ? "answer" : result.error.kind;
    const request = {
      kind: "request",
      line: this.config.link,
      meter: meter.config.id,
      outcome,
      took: latency,
    } as const;
    out.push({ kind: "observe", observation: request });
    this.#judge(current, result, latency, now);
    if (!result.ok && this.#repeats(meter, job, result.error, now)) return;
    this.#account(meter, result, now, out);
    this.#move(
      meter,
      job,
      job.task.answer(result, this.#takenAt(current.sent, result, latency, now), now, out),
      now,
      out,
    );
  }

  /**
   * When the meter took the values of a reply: between the request and the first byte of the reply, so in the middle. The
   * time a reply is on a serial wire follows from its length; a pseudo terminal does not take that time.
   */
  #takenAt(sent: Now, result: Answer, latency: number, now: Now): Civil {
    const passed = now.mono - sent.mono;
    if (!result.ok || passed <= 0) return now.civil;
    const window = turnaround(result, latency, this.#wire);
    // Civil time may run at another speed than the wire's.
    return civil(sent.civil + Math.round(((now.civil - sent.civil) * (window / 2)) / passed));
  }

  /** Whether a failed request stays with the line for another attempt; it is taken up again like any other work. */
  #repeats(meter: LineMeter, job: Job, failure: ModbusFailure, now: Now): boolean {
    if (failure.kind === "link-down" || failure.kind === "bad-request" || meter.isSilent) return false;
    const busy =
      failure.kind === "exception" && (failure.code === EXCEPTION.busy || failure.code === EXCEPTION.acknowledge);
    if (failure.kind === "exception" && !busy && !isUnreached(failure)) return false;
    if (job.repeats >= this.#retries) return false;
    job.repeats += 1;
    job.notBefore = busy ? now.mono + BUSY_PAUSE : now.mono;
    return true;
  }

  /** Every attempt counts for the standing of a meter; the time of a failed or slow one is at the cost of the others. */
  #judge({ meter, asked, spare }: Current, result: Answer, latency: number, now: Now): void {
    if (!result.ok && result.error.kind === "link-down") return;
    if (isAnswer(result) && turnaround(result, latency, this.#wire) <= this.#slowFrom) meter.standing.answered();
    else {
      meter.standing.failed();
      if (!spare) this.#share.spend(now.mono - asked.mono, now.mono);
    }
  }

  #account(meter: LineMeter, result: Answer, now: Now, out: SessionOutput[]): void {
    if (isAnswer(result)) {
      meter.answered();
      return;
    }
    if (result.ok || result.error.kind === "link-down") return;
    meter.failed(failureText(result.error), now);
    if (!meter.isSilent) return;
    // A TCP connection on which nobody answers may be half open, which only a new one shows.
    if (
      this.config.framing === "tcp" &&
      result.error.kind === "timeout" &&
      this.#meters.every((other) => other.isSilent)
    )
      out.push({ kind: "close", link: this.config.link, reason: "no meter answers on this connection" });
  }
}

/** A gateway answers in the place of a meter that does not. */
function isUnreached(failure: ModbusFailure): boolean {
  return (
    failure.kind === "exception" && (failure.code === EXCEPTION.gatewayTarget || failure.code === EXCEPTION.gatewayPath)
  );
}

/** An exception is one too: the meter is there, only not willing. */
function isAnswer(result: Answer): boolean {
  return result.ok || (result.error.kind === "exception" && !isUnreached(result.error));
}

/** What goes first of two, where there are two. */
function earlierOf(a: Candidate | undefined, b: Candidate): Candidate {
  if (a === undefined || b.rank < a.rank) return b;
  return b.rank === a.rank && b.due < a.due ? b : a;
}

/** The first slot of a meter's grid after `now`: polls that could not be made in time are not made up for. */
function nextSlot(due: number, every: number, now: number): number {
  return due > now ? due : due + every * (Math.floor((now - due) / every) + 1);
}

function framingOf(config: LineConfig): SerialFraming | undefined {
  if (config.framing === "tcp") return undefined;
  const baud = config.baud ?? config.meters[0]?.model.modbus.defaults.baud ?? 9600;
  const bits = config.bitsPerChar === undefined ? {} : { bitsPerChar: config.bitsPerChar };
  if (config.framing === "ascii") return { framing: "ascii", timing: { baud, ...bits } };
  return {
    framing: "rtu",
    timing: rtuTiming(baud, { byteTimes: config.byteTimes ?? false, lumpGap: BUSY_HOST_GAP, ...bits }),
  };
}

function clientFor(config: LineConfig, framing: SerialFraming | undefined): ModbusClient {
  const responseTimeout = config.responseTimeout ?? DEFAULT_TIMEOUT;
  if (framing !== undefined) return new ModbusClient({ ...framing, responseTimeout, echo: config.echo ?? false });
  // One request at a time also over TCP: behind a gateway there is a serial bus again.
  return new ModbusClient({ framing: "tcp", responseTimeout, maxInFlight: 1 });
}
