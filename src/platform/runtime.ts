/** Runs actors on real ports and clocks: gives them events, carries out their effects, wakes them when they asked to be. */
import type { Actor, LinkEffect, LinkId, LogEffect } from "../core/actor.ts";
import type { SystemClock } from "./clock.ts";
import { Host, type HostOptions, type HostServices } from "./host.ts";
import type { Link } from "./link.ts";

export interface RuntimeOptions {
  readonly clock: SystemClock;
  readonly log: (effect: LogEffect) => void;
  /**
   * What to do after an actor threw, which is a bug: it has been logged with its stack and gets no more events.
   * By default the process exits with 1.
   */
  readonly onBug?: (error: unknown, host: string) => void;
}

/** Carries out an effect that is no link's business; what comes of it is posted back as an event. */
export type Perform<E, F> = (effect: Exclude<F, LinkEffect>, post: (event: E) => void) => void;

export class Runtime {
  readonly clock: SystemClock;
  readonly #options: RuntimeOptions;
  readonly #links = new Map<LinkId, Link>();
  readonly #hosts = new Set<{ close(): void }>();
  readonly #services: HostServices;

  constructor(options: RuntimeOptions) {
    this.clock = options.clock;
    this.#options = options;
    this.#services = {
      clock: options.clock,
      links: this.#links,
      log: options.log,
      bug: (error, host) => this.#bug(error, host),
      forget: (host) => this.#hosts.delete(host),
    };
  }

  /** Takes an actor in; it is woken from now on. Attach its links with {@link Host.attach}. */
  host<E, F extends { readonly kind: string }>(
    actor: Actor<E, F>,
    perform?: Perform<E, F>,
    options: HostOptions = {},
  ): Host<E> {
    const host = new Host<E>(this.#services, actor as Actor<E, { readonly kind: string }>, perform as never, options);
    this.#hosts.add(host);
    return host;
  }

  /** Ends every link and stops every host. */
  async close(): Promise<void> {
    for (const host of this.#hosts) host.close();
    this.#hosts.clear();
    const links = [...this.#links.values()];
    this.#links.clear();
    await Promise.all(links.map((link) => link.end()));
  }

  #bug(error: unknown, host: string): void {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#options.log({ kind: "log", level: "error", event: "bug", fields: { host, stack } });
    if (this.#options.onBug !== undefined) this.#options.onBug(error, host);
    // A meter or collector in an unknown state must not go on: a restart from what is stored is the safe state.
    else process.exit(1);
  }
}
