/**
 * When which meter is due for what. Each meter has its turn at a fixed place in the window behind a schedule's time, so that
 * neither lines nor broker see a rush. What is read for a time (billing, freeze) is made up for once, however often it was
 * missed, and tried again until the next time comes; everything else waits for its next turn.
 */
import { Heap } from "../../src/core/heap.ts";
import { type Civil, civil, MICROS_PER_SECOND } from "../../src/core/time.ts";
import type { MeterId } from "../ports.ts";
import { Calendar } from "./calendar.ts";
import type { CronPort } from "./cron-port.ts";
import { type DatedTask, type GroupConfig, Groups, isDated, type ScheduleConfig, type ScheduleTask } from "./groups.ts";
import { Places } from "./places.ts";

/** Something that is to be begun now, for a time of its schedule. */
export interface Due {
  readonly meter: MeterId;
  readonly task: ScheduleTask;
  readonly slot: Civil;
}

interface Entry extends Due {
  readonly at: number;
  readonly calendar: Calendar;
  /** A repetition of a dated task. */
  readonly again: boolean;
}

const FIRST_PAUSE = 60 * MICROS_PER_SECOND;
const LONGEST_PAUSE = 3_600 * MICROS_PER_SECOND;

export class Scheduler {
  readonly #groups: Groups;
  readonly #places: Places;
  readonly #calendars = new Map<ScheduleConfig, Calendar>();
  readonly #cron: CronPort | undefined;
  readonly #heap = new Heap<Entry>((a, b) => a.at < b.at);
  /** Dated tasks: their newest time and the pause before the next attempt. */
  readonly #open = new Map<string, { readonly slot: Civil; readonly calendar: Calendar; pause: number }>();

  /** @param meters those that are known at the start */
  constructor(groups: readonly GroupConfig[], meters: readonly MeterId[], cron: CronPort | undefined) {
    this.#groups = new Groups(groups);
    this.#places = new Places(meters);
    this.#cron = cron;
  }

  /**
   * Takes a meter in.
   * @param takes whether this kind of task is begun from here
   * @param last the time of a schedule for which a dated task was done last, or since when there is one to do
   */
  add(
    meter: MeterId,
    now: Civil,
    takes: (task: ScheduleTask) => boolean,
    last: (task: DatedTask) => Civil | undefined,
  ): void {
    for (const schedule of this.#groups.of(meter)) {
      const { task } = schedule;
      if (!takes(task)) continue;
      const calendar = this.#calendar(schedule);
      const done = isDated(task) ? last(task) : undefined;
      const missed = done === undefined ? undefined : calendar.missed(done, now);
      if (missed === undefined) this.#push({ meter, task }, calendar, now);
      else this.#makeUp({ meter, task, slot: missed }, calendar, now);
    }
  }

  /** What is due by `now`, in the order of its times. */
  due(now: Civil): readonly Due[] {
    const due: Due[] = [];
    for (let first = this.#heap.peek(); first !== undefined && first.at <= now; first = this.#heap.peek()) {
      const { meter, task, slot, calendar, again } = this.#heap.pop();
      const open = this.#open.get(nameOf(meter, task));
      if (again && open?.slot !== slot) continue;
      due.push({ meter, task, slot });
      if (again) continue;
      if (isDated(task)) this.#open.set(nameOf(meter, task), { slot, calendar, pause: FIRST_PAUSE });
      const missed = isDated(task) ? calendar.missed(slot, now) : undefined;
      if (missed === undefined) this.#push({ meter, task }, calendar, now);
      else this.#makeUp({ meter, task, slot: missed }, calendar, now);
    }
    return due;
  }

  /** A dated task came to nothing: it is tried again after pauses that double up to an hour. */
  failed({ meter, task, slot }: Due, now: Civil): void {
    const open = this.#open.get(nameOf(meter, task));
    if (open?.slot !== slot) return;
    this.#heap.push({ meter, task, slot, calendar: open.calendar, again: true, at: now + open.pause });
    open.pause = Math.min(LONGEST_PAUSE, open.pause * 2);
  }

  /** Civil time at which {@link due} has something. */
  nextWake(): number {
    return this.#heap.peek()?.at ?? Number.POSITIVE_INFINITY;
  }

  /** The first turn that is still ahead. */
  #push({ meter, task }: Pick<Due, "meter" | "task">, calendar: Calendar, now: Civil): void {
    const offset = this.#offset(meter, calendar, now);
    const slot = calendar.after(civil(now - offset));
    this.#heap.push({ meter, task, slot, calendar, again: false, at: slot + offset });
  }

  #makeUp(due: Due, calendar: Calendar, now: Civil): void {
    const offset = this.#offset(due.meter, calendar, now);
    const turn = due.slot + offset;
    this.#heap.push({ ...due, calendar, again: false, at: turn > now ? turn : now + offset });
  }

  #offset(meter: MeterId, calendar: Calendar, now: Civil): number {
    return Math.floor(calendar.spread(now) * this.#places.of(meter));
  }

  #calendar(schedule: ScheduleConfig): Calendar {
    let calendar = this.#calendars.get(schedule);
    if (calendar === undefined) {
      calendar = new Calendar(schedule, this.#cron);
      this.#calendars.set(schedule, calendar);
    }
    return calendar;
  }
}

function nameOf(meter: MeterId, task: ScheduleTask): string {
  return `${meter}/${task}`;
}
