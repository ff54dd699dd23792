/** The thread beside the event loop: opens the file in its role, then answers one call after the other. */
import { parentPort, workerData } from "node:worker_threads";
import { assert } from "../../../src/core/result.ts";
import { openReader, openWriter } from "./connection.ts";
import { explain } from "./errors.ts";
import { Maintenance } from "./maintenance.ts";
import {
  type Answer,
  type Call,
  CLOSE,
  type MaintenanceMethods,
  OPENED,
  type WorkerRole,
  type WriterMethods,
} from "./messages.ts";
import { StoreReader } from "./reader.ts";
import { Upkeep } from "./upkeep.ts";
import { BatchWriter } from "./writer.ts";

interface Service {
  readonly methods: object;
  close(): void;
}

function open({ role, file, synchronous, check, retention }: WorkerRole): Service {
  if (role === "writer") {
    const connection = openWriter(file, synchronous, check);
    const upkeep = new Upkeep(connection.db);
    const writer = new BatchWriter(connection.db, upkeep);
    const maintenance = new Maintenance(connection.db, upkeep, retention);
    const methods: WriterMethods & MaintenanceMethods = {
      commit: (batches) => writer.commit(batches),
      maintain: (now) => maintenance.maintain(now),
    };
    return { methods, close: () => connection.close() };
  }
  const db = openReader(file);
  return { methods: new StoreReader(db), close: () => db.close() };
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
      const target = (service.methods as Record<string, unknown>)[method];
      assert(typeof target === "function", `the store has a method ${method}`);
      return target.apply(service.methods, args);
    });
  });
}

serve();
