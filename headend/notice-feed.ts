/**
 * Notices for clients that come and go: each numbered, the newest kept for those that were away for a moment. A client gets
 * what it wants to hear through a queue of its own; one that is slow loses its oldest and is told how many.
 */
import { Sink } from "./broadcaster.ts";
import type { MeterId, Notice } from "./ports.ts";

export const EVENT_KINDS = ["reading", "order", "alarm", "balance"] as const;
export type EventKind = (typeof EVENT_KINDS)[number];
/** Polls are told by the metrics and by alarms, not one by one. */
export type EventNotice = Extract<Notice, { kind: EventKind }>;

export interface FeedItem {
  /** `RUN-NUMBER`: of another run of the head-end nothing is known. */
  readonly id: string;
  readonly notice: EventNotice;
}

/** What a client wants to hear. */
export interface Wish {
  readonly kinds: ReadonlySet<EventKind>;
  /** Undefined: of all meters. */
  readonly meter: MeterId | undefined;
}

interface Numbered {
  readonly number: number;
  readonly notice: EventNotice;
}

const KEPT = 1_000;

export class NoticeFeed {
  readonly #run: string;
  readonly #clients = new Map<Sink<FeedItem>, Wish>();
  /** The newest {@link KEPT}, a ring by number. */
  readonly #kept: Numbered[] = [];
  #last = 0;

  /** @param run differs from start to start; no `-` in it */
  constructor(run: string) {
    this.#run = run;
  }

  get clients(): number {
    return this.#clients.size;
  }

  publish(notice: Notice): void {
    if (notice.kind === "poll") return;
    this.#last += 1;
    this.#kept[this.#last % KEPT] = { number: this.#last, notice };
    const item = this.#item(this.#last, notice);
    for (const [sink, wish] of this.#clients) if (wanted(wish, notice)) sink.put(item);
  }

  /** @param ready called when the first notice waits; it must not drain at once but schedule that */
  join(wish: Wish, capacity: number, ready: () => void): Sink<FeedItem> {
    const sink = new Sink<FeedItem>(capacity, ready);
    this.#clients.set(sink, wish);
    return sink;
  }

  leave(sink: Sink<FeedItem>): void {
    this.#clients.delete(sink);
  }

  /** What came after the event with this id, as far as it is wanted; null where that can't be told any more. */
  since(id: string, wish: Wish): readonly FeedItem[] | null {
    const [run, digits = ""] = id.split("-");
    const number = /^\d{1,15}$/.test(digits) ? Number(digits) : Number.NaN;
    if (run !== this.#run || !(number <= this.#last) || number < this.#last - KEPT) return null;
    return this.#kept
      .filter((item) => item.number > number && wanted(wish, item.notice))
      .sort((a, b) => a.number - b.number)
      .map((item) => this.#item(item.number, item.notice));
  }

  #item(number: number, notice: EventNotice): FeedItem {
    return { id: `${this.#run}-${number}`, notice };
  }
}

function wanted({ kinds, meter }: Wish, notice: EventNotice): boolean {
  return kinds.has(notice.kind) && (meter === undefined || meterOf(notice) === meter);
}

function meterOf(notice: EventNotice): string | undefined {
  if (notice.kind === "reading") return notice.reading.meter;
  if (notice.kind === "order") return notice.order.meter;
  if (notice.kind === "balance") return notice.meter;
  return notice.incident.place.part === "meter" ? notice.incident.place.name : undefined;
}
