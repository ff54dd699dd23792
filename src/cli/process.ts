/** What every long-running command starts with: clock, log, runtime, and an orderly end on Ctrl-C. */
import type { LogEffect } from "../core/actor.ts";
import { SystemClock } from "../platform/clock.ts";
import { createLogger } from "../platform/logger.ts";
import { Runtime } from "../platform/runtime.ts";
import { type Cleanup, Shutdown } from "../platform/shutdown.ts";

export interface ProcessOptions {
  /** For commands that draw in the terminal: a log line in between would spoil the picture. METERWORKS_LOG overrules. */
  readonly onlyWarnings?: boolean;
  /**
   * Exit code after Ctrl-C or SIGTERM: 0 for what runs until it is stopped, 1 where a result was asked for; a function where
   * that depends on what there is by then.
   */
  readonly interruptedExitCode?: 0 | 1 | (() => 0 | 1);
}

export class CommandProcess {
  readonly clock: SystemClock;
  readonly runtime: Runtime;
  readonly log: (effect: LogEffect) => void;
  readonly #shutdown: Shutdown;
  readonly #stopped: Promise<void>;
  #resolve: () => void = () => {};

  private constructor(speed: number, options: ProcessOptions) {
    this.clock = new SystemClock({ speed });
    const { METERWORKS_LOG: wanted } = process.env;
    this.log = createLogger(options.onlyWarnings === true && wanted === undefined ? { level: "warn" } : {});
    this.runtime = new Runtime({ clock: this.clock, log: this.log });
    this.#stopped = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#shutdown = new Shutdown({ signalExitCode: options.interruptedExitCode ?? 0 });
    this.#shutdown.add(() => this.#resolve());
    this.#shutdown.add(() => this.runtime.close());
  }

  /** Does a command's work and ends the process orderly, whether the work came to its end, failed, or was interrupted. */
  static async run(
    speed: number,
    work: (proc: CommandProcess) => Promise<void>,
    options: ProcessOptions = {},
  ): Promise<void> {
    const proc = new CommandProcess(speed, options);
    try {
      await work(proc);
    } finally {
      await proc.stop();
    }
  }

  /** A step of the orderly end; the step added last runs first. */
  cleanup(step: Cleanup): void {
    this.#shutdown.add(step);
  }

  /** A stretch of work that may end before the process: what is added to the clean-up meanwhile is cleaned up at its end. */
  async stretch(work: () => Promise<void>): Promise<void> {
    const { mark } = this.#shutdown;
    try {
      await work();
    } finally {
      await this.#shutdown.runBackTo(mark);
    }
  }

  info(event: string, fields: NonNullable<LogEffect["fields"]>): void {
    this.log({ kind: "log", level: "info", event, fields });
  }

  /** True from the moment it is asked to end. */
  get ending(): boolean {
    return this.#shutdown.begun;
  }

  /** Resolves at the end: Ctrl-C, SIGTERM or {@link stop}. */
  get stopped(): Promise<void> {
    return this.#stopped;
  }

  stop(): Promise<void> {
    return this.#shutdown.run();
  }
}
