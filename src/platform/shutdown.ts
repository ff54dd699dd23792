/** An orderly end: what was opened last is closed first, once; an impatient second signal ends at once. */

export type Cleanup = () => Promise<void> | void;

/** How long the clean-ups may take together before the process ends without them. */
const PATIENCE_MS = 10_000;
/** What a shell reports for a process that a signal ended: 128 + its number. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

export interface ShutdownOptions {
  /** Exit code after a signal; 0 by default, since being asked to stop is how a server ends. A function is asked behind the clean-ups. */
  readonly signalExitCode?: number | (() => number);
  readonly onError?: (error: unknown) => void;
  readonly exit?: (code: number) => void;
}

export class Shutdown {
  readonly #cleanups: Cleanup[] = [];
  readonly #options: ShutdownOptions;
  readonly #exit: (code: number) => void;
  readonly #onSignal: (signal: keyof typeof EXIT_CODES) => void;
  #running: Promise<void> | undefined;

  constructor(options: ShutdownOptions = {}) {
    this.#options = options;
    this.#exit = options.exit ?? ((code) => process.exit(code));
    this.#onSignal = (signal) => this.#signalled(signal);
    process.on("SIGINT", this.#onSignal);
    process.on("SIGTERM", this.#onSignal);
  }

  /** To be closed on the way out, before everything added earlier. */
  add(cleanup: Cleanup): void {
    this.#cleanups.push(cleanup);
  }

  /** How much there is to clean up: for {@link runBackTo}. */
  get mark(): number {
    return this.#cleanups.length;
  }

  /** Cleans up what was added since `mark`; nothing where the end has begun, which cleans up everything. */
  async runBackTo(mark: number): Promise<void> {
    if (!this.begun) await this.#runAll(this.#cleanups.splice(mark));
  }

  /** True from the first signal or {@link run} on. */
  get begun(): boolean {
    return this.#running !== undefined;
  }

  /** Cleans up; the same promise however often it is asked. A clean-up that fails is reported and does not stop the rest. */
  run(): Promise<void> {
    this.#running ??= this.#cleanUp();
    return this.#running;
  }

  #signalled(signal: keyof typeof EXIT_CODES): void {
    if (this.#running !== undefined) {
      this.#exit(EXIT_CODES[signal]);
      return;
    }
    const tooLong = setTimeout(() => this.#exit(1), PATIENCE_MS);
    tooLong.unref();
    const done = () => {
      clearTimeout(tooLong);
      const { signalExitCode: code = 0 } = this.#options;
      this.#exit(typeof code === "function" ? code() : code);
    };
    this.run().then(done, done);
  }

  async #cleanUp(): Promise<void> {
    await this.#runAll(this.#cleanups.splice(0));
    process.removeListener("SIGINT", this.#onSignal);
    process.removeListener("SIGTERM", this.#onSignal);
  }

  async #runAll(cleanups: readonly Cleanup[]): Promise<void> {
    for (const cleanup of [...cleanups].reverse()) {
      try {
        await cleanup();
      } catch (error) {
        this.#options.onError?.(error);
      }
    }
  }
}
