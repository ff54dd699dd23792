/** The thread beside the event loop: opens the file in its role, then answers one call after the other. */
import { parentPort, workerData } from "node:worker_threads";
import { assert } from "../../../src/core/result.ts";
import { openReader, openWriter } from "./connection.ts";
import { explain } from "./errors.ts";
import { type Answer, type Call, CLOSE, OPENED, type WorkerRole } from "./messages.ts";
import { StoreReader } from "./reader.ts";
import { BatchWriter } from "./writer.ts";

interface Service {
  readonly methods: Readonly<Record<string, (...args: never[]) => unknown>>;
  close(): void;
}

function open({ role, file, synchronous, check }: WorkerRole): Service {
  if (role === "writer") {
    const connection = openWriter(file, synchronous, check);
    const writer = new BatchWriter(connection.db);
    return { methods: { commit: (batches: never) => writer.commit(batches) }, close: () => connection.close() };
  }
  const db = openReader(file);
  return { methods: new StoreReader(db) as unknown as Service["methods"], close: () => db.close() };
}

function serve(): void {
  const port = parentPort;
  assert(port !== null, "the store's worker runs in a worker thread");
  const answer = (message: Answer): void => port.postMessage(message);
  const attempt = (id: number, work: () => unknown): boolean => {
    try {
      answer({ id, ok: true, value: work() });
      return true;
    } catch (error) {
      answer({ id, ok: false, error: explain(error) });
      return false;
    }
  };

  let service: Service | undefined;
  const opened = attempt(OPENED, () => {
    service = open(workerData as WorkerRole);
  });
  if (!opened) return;
  port.on("message", ({ id, method, args }: Call) => {
    attempt(id, () => {
      assert(service !== undefined, "calls come after the file is open");
      if (method === CLOSE) return service.close();
      const target = service.methods[method];
      assert(target !== undefined, `the store has a method ${method}`);
      return target.apply(service.methods, args as never[]);
    });
  });
}

serve();
