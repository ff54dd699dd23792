/**
 * One meter of a line: the work before it, and what is known of how it answers. After {@link FAILURES_UNTIL_SILENT} failed
 * pieces of work in a row it counts as silent, and is asked after pauses that double up to {@link LONGEST_PROBE_PAUSE}.
 */
import type { ModbusRequest } from "../../protocols/modbus/message.ts";
import type { OrderNumber } from "../../protocols/orders.ts";
import { type Civil, MICROS_PER_SECOND, type Now } from "../../src/core/time.ts";
import type { PolledMeterConfig } from "../config.ts";
import type { ReadBlock } from "../schedule/poll-plan.ts";
import { Standing } from "./line-share.ts";
import type { LineTask } from "./line-task.ts";
import { isUrgent, rankOf, type WorkKind } from "./work-kinds.ts";

const FAILURES_UNTIL_SILENT = 2;
const FIRST_PROBE_PAUSE = MICROS_PER_SECOND;
const LONGEST_PROBE_PAUSE = 300 * MICROS_PER_SECOND;

/** A task in a meter's hands, with the request the line still owes it. */
export interface Job {
  readonly kind: WorkKind;
  readonly order: OrderNumber | undefined;
  readonly task: LineTask;
  /** Civil time since when it is due. */
  readonly due: number;
  notBefore: number;
  /** Asked already and to be repeated; undefined when the task has the next move. */
  request: ModbusRequest | undefined;
  repeats: number;
}

export function jobOf(kind: WorkKind, task: LineTask, due: number, order?: OrderNumber): Job {
  return { kind, order, task, due, notBefore: Number.NEGATIVE_INFINITY, request: undefined, repeats: 0 };
}

/** Since when a meter does not answer, and how the last attempt ended. */
export interface Silence {
  readonly since: Civil;
  readonly reason: string;
}

/** Something a meter could be asked for now; no job where a poll would have to be made first. */
export interface Candidate {
  readonly meter: LineMeter;
  readonly job: Job | undefined;
  readonly rank: number;
  readonly due: number;
}

export class LineMeter {
  readonly config: PolledMeterConfig;
  readonly plan: readonly ReadBlock[];
  readonly jobs = new Map<WorkKind, Job>();
  readonly standing = new Standing();
  /** µs of civil time between two polls. */
  readonly every: number;
  /** Civil time of the next poll. */
  due = 0;
  /** A silent meter: monotonic time when it may be asked again. */
  probeAt = 0;
  #failures = 0;
  #firstFailure: Silence | undefined;
  #probePause = FIRST_PROBE_PAUSE;

  constructor(config: PolledMeterConfig, plan: readonly ReadBlock[], every: number) {
    this.config = config;
    this.plan = plan;
    this.every = every;
  }

  get isSilent(): boolean {
    return this.#failures >= FAILURES_UNTIL_SILENT;
  }

  /** Undefined where the last piece of work was answered. */
  get silence(): Silence | undefined {
    return this.#firstFailure;
  }

  answered(): void {
    this.#failures = 0;
    this.#firstFailure = undefined;
    this.#probePause = FIRST_PROBE_PAUSE;
  }

  /** A piece of work came to nothing. */
  failed(reason: string, now: Now): void {
    this.#failures += 1;
    this.#firstFailure = { since: this.#firstFailure?.since ?? now.civil, reason };
    if (!this.isSilent) return;
    this.probeAt = now.mono + this.#probePause;
    this.#probePause = Math.min(LONGEST_PROBE_PAUSE, this.#probePause * 2);
  }

  /** The first of the scheduled kinds that is due; a silent meter's poll always is: any request is a probe. */
  scheduled(now: Now): Candidate | undefined {
    let first: Candidate | undefined;
    for (const [kind, job] of this.jobs) {
      const rank = rankOf(kind);
      if (isUrgent(kind) || job.notBefore > now.mono || (first !== undefined && first.rank < rank)) continue;
      first = { meter: this, job, rank, due: job.due };
    }
    const poll = rankOf("instantaneous");
    if ((first !== undefined && first.rank < poll) || this.jobs.has("instantaneous")) return first;
    return this.due <= now.civil || this.isSilent ? { meter: this, job: undefined, rank: poll, due: this.due } : first;
  }
}
