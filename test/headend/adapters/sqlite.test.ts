import { join } from "node:path";
import { beforeAll } from "vitest";
import type { Store } from "../../../headend/ports.ts";
import { storeContract } from "../../contracts/store.ts";
import { buildStore, open, temporaryDirectory } from "./sqlite-support.ts";

beforeAll(buildStore);

storeContract("SQLite", async () => {
  const directory = temporaryDirectory();
  const file = join(directory.path, "head-end.db");
  // NORMAL only spares the disk here: what a power cut leaves cannot be seen from within the machine.
  const options = { synchronous: "NORMAL" } as const;
  let current: Store = await open(file, options);
  return {
    store: current,
    async reopen() {
      await current.close();
      current = await open(file, options);
      return current;
    },
    async dispose() {
      await current.close();
      directory.remove();
    },
  };
});
