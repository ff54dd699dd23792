/** A way to a server that can be cut at the worst moment: around the one message that commits. */
import { connect, createServer, type Socket } from "node:net";

/** `after`: the message arrives and its answer does not. `before`: it never arrives. */
export type Cut = "before" | "after" | "never";

export interface CuttingProxy {
  readonly port: number;
  /** Applies to the next commit only. */
  cut: Cut;
  /** How many commits were cut. */
  readonly cuts: number;
  close(): void;
}

export async function cuttingProxy(target: number): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  const state = { cut: "never" as Cut, cuts: 0 };
  const server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    let answers = true;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (bytes) => {
      const { cut } = state;
      const commits = cut !== "never" && bytes.includes("; COMMIT");
      if (!commits) {
        upstream.write(bytes);
        return;
      }
      state.cut = "never";
      state.cuts += 1;
      if (cut === "before") {
        client.destroy();
        return;
      }
      answers = false;
      upstream.write(bytes);
    });
    upstream.on("data", (bytes) => {
      if (answers) client.write(bytes);
      // The server has done it and its answer is lost on the way.
      else client.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
  return {
    port: address.port,
    get cut() {
      return state.cut;
    },
    set cut(cut: Cut) {
      state.cut = cut;
    },
    get cuts() {
      return state.cuts;
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
