import { connect, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { PlatformError } from "../../src/platform/errors.ts";
import type { Link } from "../../src/platform/link.ts";
import { listenTcp, type TcpServer, type TcpServerOptions } from "../../src/platform/tcp.ts";
import { connectTcp } from "../../src/platform/tcp-client.ts";
import { echoActor, pause, ScriptedActor, testRuntime, until } from "./support.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function echoServer(options: Partial<TcpServerOptions> = {}): Promise<{ server: TcpServer; links: Link[] }> {
  const { runtime, bugs } = testRuntime();
  const host = runtime.host(echoActor());
  const links: Link[] = [];
  const server = await listenTcp({ host: "127.0.0.1", port: 0, ...options }, (link) => {
    links.push(link);
    host.attach(link);
  });
  cleanups.push(async () => {
    await server.close();
    await runtime.close();
    expect(bugs).toEqual([]);
  });
  return { server, links };
}

async function dial(port: number): Promise<{ socket: Socket; received: () => Buffer; closed: () => boolean }> {
  const socket = connect(port, "127.0.0.1");
  const chunks: Buffer[] = [];
  let closed = false;
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => {});
  socket.on("close", () => {
    closed = true;
  });
  cleanups.push(() => socket.destroy());
  await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  return { socket, received: () => Buffer.concat(chunks), closed: () => closed };
}

describe("TCP server", () => {
  it("echoes bytes that come one by one", async () => {
    const { server } = await echoServer();
    const { socket, received } = await dial(server.port);
    for (const byte of [0x00, 0x80, 0xff, 0x0a]) {
      socket.write(Uint8Array.of(byte));
      await pause(2);
    }
    await until(() => received().length === 4, "four bytes back");
    expect([...received()]).toEqual([0x00, 0x80, 0xff, 0x0a]);
  });

  it("keeps 100 connections apart", async () => {
    const { server } = await echoServer();
    const peers = await Promise.all(Array.from({ length: 100 }, () => dial(server.port)));
    for (const [i, peer] of peers.entries()) for (let k = 0; k < 20; k++) peer.socket.write(`${i}:${k};`);
    const expected = (i: number) => Array.from({ length: 20 }, (_, k) => `${i}:${k};`).join("");
    await until(() => peers.every((peer, i) => peer.received().length === expected(i).length), "all echoes");
    for (const [i, peer] of peers.entries()) expect(peer.received().toString()).toBe(expected(i));
  });

  it("drops the longest silent connection for a new one at the limit", async () => {
    const { server } = await echoServer({ maxConnections: 2 });
    const first = await dial(server.port);
    const second = await dial(server.port);
    first.socket.write("x");
    await until(() => first.received().length === 1, "echo");
    const third = await dial(server.port);
    await until(() => second.closed(), "the silent one dropped");
    third.socket.write("y");
    await until(() => third.received().length === 1, "echo to the newcomer");
    expect(first.closed()).toBe(false);
    expect(server.connections).toBe(2);
  });

  it("drops a connection that was idle for the timeout, and only that", async () => {
    const { server } = await echoServer({ idleTimeoutMs: 400 });
    const [idle, busy] = [await dial(server.port), await dial(server.port)];
    const talk = setInterval(() => busy.socket.write("."), 20);
    cleanups.push(() => clearInterval(talk));
    await until(() => idle.closed(), "idle dropped");
    await pause(300);
    expect(busy.closed()).toBe(false);
  });

  it("stops reading a peer that does not read, and goes on when it does", async () => {
    const { server } = await echoServer();
    const { socket } = await dial(server.port);
    let [length, intact] = [0, true];
    socket.removeAllListeners("data").on("data", (chunk: Buffer) => {
      length += chunk.length;
      intact &&= chunk.every((byte) => byte === 0x5a);
    });
    socket.pause();
    const total = 24 * 1024 * 1024;
    const block = Buffer.alloc(1024 * 1024, 0x5a);
    for (let sent = 0; sent < total; sent += block.length) socket.write(block);
    await pause(300);
    // What neither kernel holds is still with the sender: the server did not swallow it.
    expect(socket.writableLength).toBeGreaterThan(4 * 1024 * 1024);
    socket.resume();
    await until(() => length === total, "everything echoed");
    expect(intact).toBe(true);
  });

  it("sends what is waiting before a close that the actor asked for", async () => {
    const { runtime } = testRuntime();
    const actor = new ScriptedActor((event) =>
      event.kind === "bytes"
        ? [
            { kind: "send", link: event.link, bytes: new Uint8Array(500_000) },
            { kind: "close", link: event.link, reason: "done" },
          ]
        : [],
    );
    const host = runtime.host(actor);
    const server = await listenTcp({ host: "127.0.0.1", port: 0 }, (link) => host.attach(link));
    cleanups.push(() => server.close());
    const { socket, received, closed } = await dial(server.port);
    socket.write("go");
    await until(closed, "closed");
    expect(received().length).toBe(500_000);
    expect(actor.events.at(-1)).toMatchObject({ kind: "closed", reason: "done" });
    expect(actor.kinds()).toEqual(["opened", "bytes", "closed"]);
  });

  it("gives the actor arrays whose slice is a copy", async () => {
    const { runtime } = testRuntime();
    const actor = new ScriptedActor();
    const host = runtime.host(actor);
    const server = await listenTcp({ host: "127.0.0.1", port: 0 }, (link) => host.attach(link));
    cleanups.push(() => server.close());
    const { socket } = await dial(server.port);
    socket.write("abc");
    await until(() => actor.kinds().includes("bytes"), "bytes");
    const event = actor.events[1];
    if (event?.kind !== "bytes") throw new Error("bytes expected");
    const copy = event.bytes.slice();
    copy[0] = 0;
    expect([...event.bytes]).toEqual([0x61, 0x62, 0x63]);
  });

  it("says what is wrong when the port is taken", async () => {
    const { server } = await echoServer();
    const error = await listenTcp({ host: "127.0.0.1", port: server.port }, () => {}).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(PlatformError);
    expect(error).toMatchObject({
      code: "in-use",
      message: `127.0.0.1:${server.port} is in use by another program`,
    });
  });

  it("says what is wrong with an address that is not ours", async () => {
    const error = await listenTcp({ host: "192.0.2.1", port: 0 }, () => {}).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "bad-address" });
  });
});

describe("TCP client", () => {
  it("says why it cannot connect, then connects, and again after a loss", async () => {
    const { runtime } = testRuntime();
    const free = createServer().listen(0, "127.0.0.1");
    await new Promise<void>((resolve) => free.once("listening", () => resolve()));
    const port = (free.address() as { port: number }).port;
    await new Promise<void>((resolve) => free.close(() => resolve()));

    const actor = new ScriptedActor();
    const host = runtime.host(actor);
    const link = connectTcp({ host: "127.0.0.1", port, backoff: { firstMs: 10, longestMs: 20 } });
    host.attach(link);
    cleanups.push(() => runtime.close());
    await until(() => actor.events.length >= 2, "two failed attempts");
    expect(actor.events[0]).toMatchObject({ kind: "closed", reason: expect.stringContaining("ECONNREFUSED") });

    const sockets: Socket[] = [];
    const peer = createServer((socket) => sockets.push(socket)).listen(port, "127.0.0.1");
    cleanups.push(() => peer.close());
    await until(() => link.open, "open");
    sockets[0]?.write("hi");
    await until(() => actor.kinds().at(-1) === "bytes", "bytes");
    sockets[0]?.destroy();
    await until(() => actor.kinds().at(-1) === "opened", "open again");
    expect(actor.kinds().slice(-4)).toEqual(["opened", "bytes", "closed", "opened"]);

    const before = sockets.length;
    link.close("desynchronised");
    await until(() => sockets.length === before + 1 && link.open, "a fresh connection after a close effect");
    await link.end();
    expect(link.finished).toBe(true);
    await pause(40);
    expect(sockets.length).toBe(before + 1);
  });
});
