/**
 * The head-end's figures in the Prometheus text format. Counters are by line, never by meter: a fleet of 100,000 must not
 * become 100,000 series. Everything that can be counted has its series from the start, so that the first error is a rise
 * from zero and not a series out of nowhere.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { MICROS_PER_SECOND } from "../../../src/core/time.ts";
import type { LineShares } from "../../line-load.ts";
import { MESSAGE_OUTCOMES, type Observation, REQUEST_OUTCOMES } from "../../observations.ts";
import { type CollectorFigures, type Notice, ORDER_STATES, READING_SOURCES, type StoreBatch } from "../../ports.ts";

/** What is looked at when somebody asks, rather than counted as it happens. */
export interface MetricsSources {
  readonly figures: () => CollectorFigures;
  /** Whether each line, and the broker where there is one, is open. */
  readonly lines: readonly { readonly id: string; readonly open: boolean }[];
  /** Of each line's time, over the last minutes. */
  readonly shares: (line: string) => LineShares;
  readonly broker: { readonly open: boolean } | undefined;
}

const OPEN_STATES = ["queued", "sent", "acknowledged"] as const;
/** Between two quick scrapes there is no sample of the loop's delay: these are then 2^63 ns and a NaN spelled as no parser has it. */
const WITHOUT_SAMPLES_NONSENSE = ["min", "mean", "stddev"];
/** Seconds: from a reply over Ethernet to the longest timeouts of radio gateways. */
const REPLY_BUCKETS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
/** Seconds: from an idle SSD to a disk that drags the collector behind its senders. */
const COMMIT_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5];

export class Metrics {
  readonly #registry = new Registry();
  readonly #registers = [this.#registry];
  readonly #polls = this.#counter("line_polls_total", "Polls of meters by how they ended", ["line", "result"]);
  readonly #requests = this.#counter(
    "line_requests_total",
    "Requests on a line, repetitions included, by how they ended",
    ["line", "outcome"],
  );
  readonly #busy = this.#counter(
    "line_request_seconds_total",
    "Time a line was taken by requests, by how they ended: timeouts are what dead meters cost",
    ["line", "outcome"],
  );
  readonly #replies = new Histogram({
    name: "meterworks_line_reply_seconds",
    help: "From a request to the last byte of its reply, exceptions included",
    labelNames: ["line"],
    buckets: REPLY_BUCKETS,
    registers: this.#registers,
  });
  readonly #messages = this.#counter("mqtt_messages_total", "Messages of meters by what became of them", ["outcome"]);
  readonly #readings = this.#counter("readings_total", "Readings stored", ["source", "quality"]);
  readonly #orders = this.#counter("orders_total", "Orders that reached a state", ["state"]);
  readonly #commits = this.#counter("store_commits_total", "Batches given to the store", ["result"]);
  readonly #records = this.#counter("store_records_total", "Records committed", []);
  readonly #commitSeconds = new Histogram({
    name: "meterworks_store_commit_seconds",
    help: "From giving a batch to the store to its commit",
    buckets: COMMIT_BUCKETS,
    registers: this.#registers,
  });

  constructor(sources: MetricsSources) {
    for (const { id: line } of sources.lines) {
      for (const result of ["good", "failed"]) this.#polls.inc({ line, result }, 0);
      for (const outcome of REQUEST_OUTCOMES) {
        this.#requests.inc({ line, outcome }, 0);
        this.#busy.inc({ line, outcome }, 0);
      }
      this.#replies.zero({ line });
    }
    for (const outcome of MESSAGE_OUTCOMES) this.#messages.inc({ outcome }, 0);
    for (const state of ORDER_STATES) this.#orders.inc({ state }, 0);
    for (const result of ["good", "failed"]) this.#commits.inc({ result }, 0);
    for (const source of READING_SOURCES) this.#readings.inc({ source, quality: "good" }, 0);
    this.#addGauges(sources);
    collectDefaultMetrics({ register: this.#registry });
    for (const figure of WITHOUT_SAMPLES_NONSENSE)
      this.#registry.removeSingleMetric(`nodejs_eventloop_lag_${figure}_seconds`);
  }

  observe(observation: Observation): void {
    if (observation.kind === "message") this.#messages.inc({ outcome: observation.outcome });
    else if (observation.kind === "poll")
      this.#polls.inc({ line: observation.line, result: observation.ok ? "good" : "failed" });
    else {
      const { line, outcome, took } = observation;
      // A link's byte times may lie before our send; a counter that is lowered throws, which must not stop the collector.
      const seconds = Math.max(0, took) / MICROS_PER_SECOND;
      this.#requests.inc({ line, outcome });
      this.#busy.inc({ line, outcome }, seconds);
      if (outcome === "answer" || outcome === "exception") this.#replies.observe({ line }, seconds);
    }
  }

  /** Notices come after the commit of what they tell. */
  notice(notice: Notice): void {
    if (notice.kind === "order") this.#orders.inc({ state: notice.order.state });
    else if (notice.kind === "reading")
      this.#readings.inc({ source: notice.reading.source, quality: notice.reading.quality });
  }

  /** @param took µs from giving the batch to the store to its answer */
  committed(batch: StoreBatch, took: number): void {
    this.#commits.inc({ result: "good" });
    this.#records.inc(batch.length);
    this.#commitSeconds.observe(took / MICROS_PER_SECOND);
  }

  commitFailed(): void {
    this.#commits.inc({ result: "failed" });
  }

  /** Text format 0.0.4. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name: `meterworks_${name}`, help, labelNames, registers: this.#registers });
  }

  #addGauges({ figures, lines, broker, shares }: MetricsSources): void {
    const registers = this.#registers;
    new Gauge({
      name: "meterworks_store_backlog",
      help: "Pieces of work that wait for the store or are in its hands",
      registers,
      collect() {
        this.set(figures().backlog);
      },
    });
    new Gauge({
      name: "meterworks_orders_open",
      help: "Orders that have not come to an end, by state",
      labelNames: ["state"],
      registers,
      collect() {
        const { openOrders } = figures();
        for (const state of OPEN_STATES)
          this.set({ state }, openOrders.filter((order) => order.state === state).length);
      },
    });
    new Gauge({
      name: "meterworks_line_up",
      help: "1 while the line is open",
      labelNames: ["line"],
      registers,
      collect() {
        for (const { id, open } of lines) this.set({ line: id }, open ? 1 : 0);
      },
    });
    new Gauge({
      name: "meterworks_line_share",
      help: "Share of the line's time over the last five minutes that went to requests with and without an answer",
      labelNames: ["line", "spent"],
      registers,
      collect() {
        for (const { id } of lines) {
          const { answered, failed } = shares(id);
          this.set({ line: id, spent: "answered" }, answered);
          this.set({ line: id, spent: "failed" }, failed);
        }
      },
    });
    if (broker === undefined) return;
    new Gauge({
      name: "meterworks_mqtt_up",
      help: "1 while the broker's session is open",
      registers,
      collect() {
        this.set(broker.open ? 1 : 0);
      },
    });
  }
}
