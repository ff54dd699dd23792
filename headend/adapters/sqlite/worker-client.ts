/** The event loop's end of one worker thread: calls become promises, and a dead thread rejects them with its reason. */
import { Worker } from "node:worker_threads";
import { type Answer, type Call, CLOSE, OPENED, type WorkerRole } from "./messages.ts";

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Calls in flight; a caller that does not wait for answers is refused before memory runs out. */
const MAXIMUM_PENDING = 1_000;

export class WorkerClient {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #lastId: number = OPENED;
  /** Why no call is taken any more. */
  #stopped: string | undefined;

  private constructor(entry: URL, role: WorkerRole) {
    this.#worker = new Worker(entry, { workerData: role, name: `store-${role.role}` });
    this.#worker.on("message", (answer: Answer) => this.#settle(answer));
    this.#worker.on("error", (error) => this.#stop(`its thread failed: ${error.message}`));
    this.#worker.on("exit", (code) => this.#stop(`its thread ended (code ${code})`));
  }

  /** Resolves once the file is open; rejects with a sentence where it cannot be. */
  static async start(entry: URL, role: WorkerRole): Promise<WorkerClient> {
    const client = new WorkerClient(entry, role);
    await new Promise((resolve, reject) => client.#pending.set(OPENED, { resolve, reject }));
    return client;
  }

  call(method: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#pending.size >= MAXIMUM_PENDING)
      return Promise.reject(new Error(`the store has ${MAXIMUM_PENDING} calls in hand: try again later`));
    return this.#send(method, args);
  }

  /** Closes the file behind the calls already made. Resolves when the thread has ended, also where it failed before. */
  async close(): Promise<void> {
    const closed = this.#send(CLOSE, []);
    this.#stopped ??= "the store is closed";
    await closed.catch(() => undefined);
    await this.#worker.terminate();
  }

  #send(method: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#stopped !== undefined) return Promise.reject(new Error(this.#stopped));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      const call: Call = { id, method, args };
      this.#worker.postMessage(call);
    });
  }

  #settle(answer: Answer): void {
    const pending = this.#pending.get(answer.id);
    this.#pending.delete(answer.id);
    if (answer.ok) pending?.resolve(answer.value);
    else pending?.reject(new Error(answer.error));
  }

  #stop(reason: string): void {
    this.#stopped ??= `the store has stopped, ${reason}: restart the head-end; what was committed is safe`;
    const error = new Error(this.#stopped);
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
  }
}
