/** The head-end in this process: collector, store, API and sinks wired together. `headend` and `demo` both run it. */
import { CronerCron } from "../../headend/adapters/croner/cron.ts";
import { Metrics } from "../../headend/adapters/prometheus/metrics.ts";
import { buildApi } from "../../headend/api/api.ts";
import type { ApiToken } from "../../headend/api/tokens.ts";
import { Broadcaster } from "../../headend/broadcaster.ts";
import { Collector } from "../../headend/collector.ts";
import type { CollectorConfig } from "../../headend/config.ts";
import { problemText } from "../../headend/config-reader.ts";
import { LineLoad } from "../../headend/line-load.ts";
import { NoticeFeed } from "../../headend/notice-feed.ts";
import type {
  CollectorEffect,
  CollectorEvent,
  Notice,
  Receipt,
  Refusal,
  Store,
  StoreBatch,
} from "../../headend/ports.ts";
import { disagreements } from "../../headend/registry/start.ts";
import { assert, type Result } from "../core/result.ts";
import { randomSeed } from "../platform/entropy.ts";
import { errorText, systemCode } from "../platform/errors.ts";
import type { Host } from "../platform/host.ts";
import type { Link } from "../platform/link.ts";
import { usage } from "./errors.ts";
import type { CommandProcess } from "./process.ts";
import { Readiness } from "./readiness.ts";
import { type HostPort, showHostPort } from "./values.ts";
import { VERSION } from "./version.ts";

/** Notices a sink may be behind. */
const SINK_CAPACITY = 10_000;

type Reply = Result<Receipt, Refusal>;

export interface HeadendOptions {
  readonly config: CollectorConfig;
  readonly links: readonly Link[];
  readonly store: Store;
  readonly http: HostPort;
  readonly token: string;
  /** Named tokens beside it. */
  readonly tokens?: () => readonly ApiToken[];
  /** Hear everything the collector tells, each at its own pace: a slow one loses its oldest notices, never the collector's time. */
  readonly sinks: readonly ((notice: Notice) => void)[];
  readonly status: () => object;
}

export interface Headend {
  /** `http://127.0.0.1:8086`. */
  readonly url: string;
}

/** Starts it and registers its orderly end: the API first, then the collector. The store is the caller's to close, last. */
export async function startHeadend(proc: CommandProcess, options: HeadendOptions): Promise<Headend> {
  const { store } = options;
  const snapshot = await store.snapshot();
  const [disagreement] = disagreements(options.config, snapshot);
  if (disagreement !== undefined) throw usage(`the configuration: ${problemText(disagreement)}`);
  const config = { ...options.config, alarms: { speed: proc.clock.speed } };
  const collector = new Collector(config, snapshot, randomSeed(), new CronerCron());
  const tickets = new Tickets();
  const broadcaster = new Broadcaster<Notice>();
  const feed = new NoticeFeed(randomSeed().toString(36));
  for (const take of options.sinks) join(broadcaster, take);
  const { metrics, readiness, load, lines } = watchOver(proc, options, collector);
  const lineStates = () =>
    lines.map(({ id, open }) => {
      const { answered, failed } = load.shares(id, proc.clock.now().mono);
      return { line: id, open, answered: thousandths(answered), failed: thousandths(failed) };
    });
  const commit = async (batch: StoreBatch): Promise<string | null> => {
    const began = proc.clock.now().mono;
    const refusal = await store.commit(batch).then(() => null, errorText);
    readiness.batch(refusal);
    if (refusal === null) metrics.committed(batch, proc.clock.now().mono - began);
    else metrics.commitFailed();
    return refusal;
  };
  const host: Host<CollectorEvent> = proc.runtime.host<CollectorEvent, CollectorEffect>(
    collector,
    (effect, post) => {
      if (effect.kind === "store")
        void commit(effect.batch).then((reason) =>
          post(reason === null ? { kind: "stored", id: effect.id } : { kind: "storeFailed", id: effect.id, reason }),
        );
      else if (effect.kind === "reply") tickets.settle(effect.ticket, effect.result);
      else if (effect.kind === "observe") {
        metrics.observe(effect.observation);
        load.observe(effect.observation, proc.clock.now().mono);
      } else {
        metrics.notice(effect.notice);
        feed.publish(effect.notice);
        broadcaster.publish(effect.notice);
      }
    },
    { name: "collector", precise: options.config.lines.some((line) => line.framing === "rtu") },
  );
  const api = buildApi({
    store: store.query,
    submit: (request) => tickets.open((ticket) => host.post({ kind: "request", request: { ...request, ticket } })),
    token: options.token,
    ...(options.tokens === undefined ? {} : { tokens: options.tokens }),
    now: () => proc.clock.now().civil,
    version: VERSION,
    status: () => ({ ...options.status(), lines: lineStates() }),
    metrics: () => metrics.text(),
    readiness: () => readiness.checks(),
    alarms: collector,
    events: feed,
    log: proc.log,
  });
  try {
    await api.listen({ host: options.http.host, port: options.http.port });
  } catch (error) {
    const why = systemCode(error) === "EADDRINUSE" ? "is in use by another program" : errorText(error);
    throw usage(`--http ${showHostPort(options.http)} ${why}`, "choose another port; port 0 takes a free one");
  }
  proc.cleanup(async () => {
    host.close();
    await api.close();
    await store
      .commit(collector.farewell(proc.clock.now()))
      .catch((error) =>
        proc.log({ kind: "log", level: "warn", event: "goodbye.not-stored", fields: { reason: errorText(error) } }),
      );
  });
  // Links last: a meter that answers at once finds everything in place.
  for (const link of options.links) host.attach(link);
  const address = api.server.address();
  assert(typeof address === "object" && address !== null, "a listening API has an address");
  return { url: `http://${showHostPort({ host: address.address, port: address.port })}` };
}

/** Metrics and readiness; the broker's session is no line to them. */
function watchOver(proc: CommandProcess, { config, links, store }: HeadendOptions, collector: Collector) {
  const broker = links.find((link) => link.id === config.mqtt?.link);
  const lines = links.filter((link) => link !== broker);
  const load = new LineLoad(
    lines.map(({ id }) => id),
    proc.clock.now().mono,
  );
  const shares = (line: string) => load.shares(line, proc.clock.now().mono);
  return {
    ...{ load, lines },
    metrics: new Metrics({ figures: () => collector.figures(), lines, broker, shares }),
    readiness: new Readiness({ store, lines, broker, now: () => proc.clock.now() }),
  };
}

/** To a thousandth: more would look like more than is known. */
function thousandths(share: number): number {
  return Math.round(share * 1_000) / 1_000;
}

/** Gives a sink what has gathered once per turn of the event loop. */
function join(broadcaster: Broadcaster<Notice>, take: (notice: Notice) => void): void {
  const sink = broadcaster.add(SINK_CAPACITY, () => setImmediate(() => deliver(sink.drain().items, take)));
}

function deliver(notices: readonly Notice[], take: (notice: Notice) => void): void {
  for (const notice of notices) take(notice);
}

/** Requests on their way through the collector; each gets its reply after the commit. */
class Tickets {
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #last = 0;

  open(post: (ticket: number) => void): Promise<Reply> {
    this.#last += 1;
    const ticket = this.#last;
    return new Promise((resolve) => {
      this.#waiting.set(ticket, resolve);
      post(ticket);
    });
  }

  settle(ticket: number, reply: Reply): void {
    this.#waiting.get(ticket)?.(reply);
    this.#waiting.delete(ticket);
  }
}
