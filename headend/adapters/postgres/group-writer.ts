/**
 * Groups of batches, through lost connections. A group whose COMMIT got no answer is neither reported nor repeated before
 * the server has said what became of it: repeated blindly, its audit entries would stand there twice.
 */
import { Random } from "../../../src/core/random.ts";
import type { StoreBatch } from "../../ports.ts";
import type { CommitOutcome } from "../group-commit.ts";
import { explain } from "./errors.ts";
import { Session, type Writer } from "./session.ts";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

export class GroupWriter {
  readonly #url: string;
  readonly #writer: Writer;
  readonly #patienceMs: number;
  readonly #random: Random;
  #session: Session | undefined;
  #lastBatch = 0;
  #closing = false;
  #pause = FIRST_PAUSE_MS;
  /** No attempt to connect before this, by the monotonic clock in ms. */
  #notBefore = 0;
  #wakeUp: () => void = () => {};

  /** @param patienceMs how long a group waits for a lost server before it is reported as failed */
  constructor(url: string, writer: Writer, patienceMs: number, seed: number) {
    this.#url = url;
    this.#writer = writer;
    this.#patienceMs = patienceMs;
    this.#random = new Random(seed);
  }

  /** The first connection, so that a wrong address is told at the start. @throws Error with a sentence. */
  async open(): Promise<void> {
    this.#session = await Session.open(this.#url, this.#writer);
  }

  /** Commits the batches together, or each alone where one spoils the group. Never rejects. */
  async commit(batches: readonly StoreBatch[]): Promise<readonly CommitOutcome[]> {
    const together = await this.#attempt(batches);
    if (batches.length === 1 || together === null || this.#session === undefined) return batches.map(() => together);
    const outcomes: CommitOutcome[] = [];
    for (const batch of batches) outcomes.push(await this.#attempt([batch]));
    return outcomes;
  }

  /** From now on nothing waits for a lost server; what has a connection goes on. */
  giveUp(): void {
    this.#closing = true;
    this.#wakeUp();
  }

  async close(): Promise<void> {
    this.giveUp();
    await this.#session?.end();
  }

  /** Ends it in the middle of a commit too. */
  abort(): void {
    this.giveUp();
    this.#session?.drop();
  }

  async #attempt(batches: readonly StoreBatch[]): Promise<CommitOutcome> {
    this.#lastBatch += 1;
    const number = this.#lastBatch;
    const deadline = performance.now() + this.#patienceMs;
    // A connection that broke while nobody used it is noticed by the first who does: he gets a second try at least.
    for (let tries = 1; ; tries++) {
      const session = await this.#connected();
      const late = performance.now() >= deadline || this.#closing;
      if (typeof session === "string") {
        if (late) return session;
        continue;
      }
      try {
        await session.commit(batches, number);
        return null;
      } catch (error) {
        if (!session.lost) return explain(error);
        this.#session = undefined;
        if (session.inDoubt) {
          const committed = await this.#resolve(number);
          if (committed === true) return null;
          if (committed === undefined) return "the store was closed before it was known whether this was committed";
        }
        if (late && tries > 1) return explain(error);
      }
    }
  }

  /** What became of a commit without an answer; undefined where the store is closed before that is known. */
  async #resolve(number: number): Promise<boolean | undefined> {
    while (!this.#closing) {
      const session = await this.#connected();
      if (typeof session === "string") {
        await this.#sleep(this.#notBefore - performance.now());
        continue;
      }
      try {
        return (await session.newestBatch()) >= number;
      } catch {
        session.drop();
        this.#session = undefined;
      }
    }
    return undefined;
  }

  /** The session, or why there is none. */
  async #connected(): Promise<Session | string> {
    if (this.#session !== undefined && !this.#session.lost) return this.#session;
    this.#session = undefined;
    if (this.#closing) return "the store is closed";
    await this.#sleep(this.#notBefore - performance.now());
    try {
      const session = await Session.open(this.#url, this.#writer);
      if (this.#closing) {
        session.drop();
        return "the store is closed";
      }
      this.#pause = FIRST_PAUSE_MS;
      this.#notBefore = performance.now() + this.#drawn();
      this.#session = session;
      return session;
    } catch (error) {
      this.#notBefore = performance.now() + this.#drawn();
      this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE_MS);
      return explain(error);
    }
  }

  /** Half of the pause fixed, half of it drawn, so that many who lost the same server do not return at once. */
  #drawn(): number {
    return this.#pause / 2 + this.#random.unit() * (this.#pause / 2);
  }

  #sleep(ms: number): Promise<void> {
    if (ms <= 0 || this.#closing) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
