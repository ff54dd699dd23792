/**
 * One Modbus line (a serial bus, or a TCP connection to a meter or gateway) with its meters: one piece of work at a time,
 * orders before polls, polls oldest due first.
 *
 * The share of meters that do not answer, slowly or only now and then: what such attempts take from others is bounded
 * (line-share.ts). After {@link FAILURES_UNTIL_SILENT} failed pieces of work in a row a meter counts as silent: from then
 * on it is asked once, without repeats, after pauses that double up to {@link LONGEST_PROBE_PAUSE}, and an order for it waits
 * with it. A meter in doubt is polled out of that share too, and beyond it when nobody else wants the line; its orders go
 * first like any other's.
 */
import { ModbusClient } from "../../protocols/modbus/client.ts";
import { EXCEPTION, type ModbusFailure } from "../../protocols/modbus/errors.ts";
import type { ModbusReply, ModbusRequest } from "../../protocols/modbus/message.ts";
import { type SerialFraming, type SerialLine, serialLine } from "../../protocols/modbus/serial-line.ts";
import { BUSY_HOST_GAP, rtuTiming } from "../../protocols/modbus/timing.ts";
import type { OrderNumber } from "../../protocols/orders.ts";
import { assert, type Result } from "../../src/core/result.ts";
import { type Civil, civil, MICROS_PER_MS, MICROS_PER_SECOND, type Now, type Wake } from "../../src/core/time.ts";
import type { LineConfig, PolledMeterConfig } from "../config.ts";
import type { MeterId, Order } from "../ports.ts";
import { planReads, type ReadBlock } from "../schedule/poll-plan.ts";
import { LineShare, Standing } from "./line-share.ts";
import type { LineTask, SessionOutput, TaskMove } from "./line-task.ts";
import { ModbusOrder } from "./modbus-orders.ts";
import { PollTask } from "./poll-task.ts";

const FAILURES_UNTIL_SILENT = 2;
const FIRST_PROBE_PAUSE = MICROS_PER_SECOND;
const LONGEST_PROBE_PAUSE = 300 * MICROS_PER_SECOND;
const DEFAULT_TIMEOUT = MICROS_PER_SECOND;
const DEFAULT_RETRIES = 2;
/** Of the response timeout: whoever takes longer to begin its answer is in doubt as if it had not answered. */
const SLOW_PART = 0.25;
/** A meter that says "busy" or "acknowledge" is asked again after this (Modbus application protocol, codes 05 and 06). */
const BUSY_PAUSE = 200 * MICROS_PER_MS;

/** Function and byte count of the reply to a read. */
const READ_REPLY_HEADER = 2;

type Answer = Result<ModbusReply, ModbusFailure>;

/** A task in a meter's hands, with the request the line still owes it. */
interface Job {
  readonly kind: "order" | "poll";
  readonly order: OrderNumber | undefined;
  readonly task: LineTask;
  notBefore: number;
  /** Asked already and to be repeated; undefined when the task has the next move. */
  request: ModbusRequest | undefined;
  repeats: number;
}

interface MeterState {
  readonly config: PolledMeterConfig;
  readonly plan: readonly ReadBlock[];
  /** Civil time of the next poll. */
  due: number;
  order: Job | undefined;
  poll: Job | undefined;
  failures: number;
  readonly standing: Standing;
  /** Silent meters: when it may be asked again, and the pause after that. */
  probeAt: number;
  probePause: number;
}

interface Current {
  readonly meter: MeterState;
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
  readonly #meters: readonly MeterState[];
  readonly #byId: ReadonlyMap<MeterId, MeterState>;
  readonly #retries: number;
  #up = false;
  #started = false;
  #paused = false;
  #current: Current | undefined;
  #ticket = 0;
  readonly #share = new LineShare();
  /** µs of turnaround from which on a meter is slow. */
  readonly #slowFrom: number;

  constructor(config: LineConfig) {
    this.config = config;
    const framing = framingOf(config);
    this.#wire = framing === undefined ? undefined : serialLine(framing);
    this.#client = clientFor(config, framing);
    this.#slowFrom = (config.responseTimeout ?? DEFAULT_TIMEOUT) * SLOW_PART;
    this.#retries = config.retries ?? DEFAULT_RETRIES;
    this.#meters = config.meters.map((meter) => ({
      config: meter,
      plan: planReads(meter.model.modbus, config.measures),
      due: 0,
      order: undefined,
      poll: undefined,
      failures: 0,
      standing: new Standing(),
      probeAt: 0,
      probePause: FIRST_PROBE_PAUSE,
    }));
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
    for (const meter of this.#meters) {
      meter.poll = undefined;
      if (meter.order !== undefined) meter.order.request = undefined;
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

  /** While paused no poll is begun; orders go on. */
  pausePolls(paused: boolean): void {
    this.#paused = paused;
  }

  startOrder(order: Order, now: Now): SessionOutput[] {
    const meter = this.#byId.get(order.meter);
    assert(meter !== undefined && meter.order === undefined, "a meter of this line gets one order at a time");
    const { model, password = 0 } = meter.config;
    meter.order = jobOf("order", new ModbusOrder(order, model.modbus, password), order.id);
    return this.wake(now);
  }

  /** A step of an order that is carried is stored: the task may have waited for that. */
  orderStored(order: Order, now: Now): SessionOutput[] {
    const job = this.#byId.get(order.meter)?.order;
    if (job?.order !== order.id || job.task.stored?.(order) !== true) return [];
    job.notBefore = now.mono;
    return this.wake(now);
  }

  /** Stops carrying an order. A request that is on the wire is answered into the void. */
  cancelOrder(order: Order): void {
    const meter = this.#byId.get(order.meter);
    if (meter?.order?.order === order.id) meter.order = undefined;
  }

  nextWake(): Wake {
    let mono = this.#client.nextWake();
    let civil = Number.POSITIVE_INFINITY;
    if (!this.#up || this.#current !== undefined) return { mono, civil };
    for (const meter of this.#meters) {
      if (meter.order !== undefined) mono = Math.min(mono, Math.max(this.#silentUntil(meter), meter.order.notBefore));
      if (this.#paused) continue;
      const from = this.#silentUntil(meter);
      if (meter.poll !== undefined) mono = Math.min(mono, Math.max(from, meter.poll.notBefore));
      else if (isSilent(meter)) mono = Math.min(mono, from);
      else civil = Math.min(civil, meter.due);
    }
    return { mono, civil };
  }

  /** The meters of a line come due one after the other, not all at once. */
  #spread(now: Now): void {
    this.#started = true;
    for (const [i, meter] of this.#meters.entries())
      meter.due = now.civil + Math.floor((i * this.config.pollEvery) / this.#meters.length);
  }

  #silentUntil(meter: MeterState): number {
    return isSilent(meter) ? Math.max(meter.probeAt, this.#share.from) : Number.NEGATIVE_INFINITY;
  }

  /** Whether a poll of the meter has to wait while others want the line. */
  #givesWay(meter: MeterState, now: Now): boolean {
    return meter.standing.inDoubt && this.#share.from > now.mono;
  }

  /** Begins work as long as the line is free and something is due. */
  #run(now: Now, out: SessionOutput[]): void {
    while (this.#up && this.#current === undefined) {
      const next = this.#pickOrder(now) ?? this.#pickPoll(now);
      if (next === undefined) return;
      const { meter, job } = next;
      if (job.request === undefined) this.#move(meter, job, job.task.resume(now, out), now, out);
      else this.#ask(meter, job, job.request, now, out);
    }
  }

  #pickOrder(now: Now): { meter: MeterState; job: Job } | undefined {
    let first: { meter: MeterState; job: Job } | undefined;
    for (const meter of this.#meters) {
      const job = meter.order;
      if (job === undefined || job.notBefore > now.mono || this.#silentUntil(meter) > now.mono) continue;
      if (first === undefined || job.notBefore < first.job.notBefore) first = { meter, job };
    }
    return first;
  }

  #pickPoll(now: Now): { meter: MeterState; job: Job } | undefined {
    if (this.#paused) return undefined;
    let first: MeterState | undefined;
    let spare: MeterState | undefined;
    for (const meter of this.#meters) {
      if (this.#silentUntil(meter) > now.mono) continue;
      const ready =
        meter.poll === undefined ? meter.due <= now.civil || isSilent(meter) : meter.poll.notBefore <= now.mono;
      if (!ready) continue;
      if (this.#givesWay(meter, now)) {
        if (spare === undefined || meter.due < spare.due) spare = meter;
      } else if (first === undefined || meter.due < first.due) first = meter;
    }
    first ??= spare;
    if (first === undefined) return undefined;
    first.poll ??= jobOf("poll", new PollTask(first.config.id, first.config.model.modbus, first.plan));
    return { meter: first, job: first.poll };
  }

  #move(meter: MeterState, job: Job, move: TaskMove, now: Now, out: SessionOutput[]): void {
    job.request = undefined;
    job.repeats = 0;
    // An order that expired meanwhile is no longer the meter's: what its task still wants is dropped.
    if (meter[job.kind] !== job) return;
    if (move.kind === "ask") {
      // Between two blocks of a poll an order may go first; the poll goes on behind it.
      if (job.kind === "poll" && this.#pickOrder(now) !== undefined) job.request = move.request;
      else this.#ask(meter, job, move.request, now, out);
    } else if (move.kind === "wait") job.notBefore = move.until;
    else {
      meter[job.kind] = undefined;
      if (job.kind === "poll") meter.due = nextSlot(meter.due, this.config.pollEvery, now.civil);
    }
  }

  #ask(meter: MeterState, job: Job, request: ModbusRequest, now: Now, out: SessionOutput[]): void {
    job.request = request;
    this.#ticket += 1;
    const spare = this.#meters.length === 1 || (job.kind === "poll" && this.#givesWay(meter, now));
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
    out.push({ kind: "observe", observation: { kind: "request", line: this.config.link, outcome, took: latency } });
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
    const window = this.#turnaround(result, latency);
    // Civil time may run at another speed than the wire's.
    return civil(sent.civil + Math.round(((now.civil - sent.civil) * (window / 2)) / passed));
  }

  /** What a reply took beyond its time on a serial wire, µs. */
  #turnaround(result: Answer, latency: number): number {
    const length = result.ok ? READ_REPLY_HEADER + result.value.data.length : 0;
    const onWire = this.#wire?.wireTime(this.#wire.charactersOf(length)) ?? 0;
    return latency > onWire ? latency - onWire : latency;
  }

  /** Whether a failed request stays with the line for another attempt; it is taken up again like any other work. */
  #repeats(meter: MeterState, job: Job, failure: ModbusFailure, now: Now): boolean {
    if (failure.kind === "link-down" || failure.kind === "bad-request" || isSilent(meter)) return false;
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
    if (isAnswer(result) && this.#turnaround(result, latency) <= this.#slowFrom) meter.standing.answered();
    else {
      meter.standing.failed();
      if (!spare) this.#share.spend(now.mono - asked.mono, now.mono);
    }
  }

  #account(meter: MeterState, result: Answer, now: Now, out: SessionOutput[]): void {
    if (isAnswer(result)) {
      meter.failures = 0;
      meter.probePause = FIRST_PROBE_PAUSE;
      return;
    }
    if (result.ok || result.error.kind === "link-down") return;
    meter.failures += 1;
    if (!isSilent(meter)) return;
    meter.probeAt = now.mono + meter.probePause;
    meter.probePause = Math.min(LONGEST_PROBE_PAUSE, meter.probePause * 2);
    // A TCP connection on which nobody answers may be half open, which only a new one shows.
    if (this.config.framing === "tcp" && result.error.kind === "timeout" && this.#meters.every(isSilent))
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

function isSilent(meter: MeterState): boolean {
  return meter.failures >= FAILURES_UNTIL_SILENT;
}

function jobOf(kind: Job["kind"], task: LineTask, order?: OrderNumber): Job {
  return { kind, order, task, notBefore: Number.NEGATIVE_INFINITY, request: undefined, repeats: 0 };
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
