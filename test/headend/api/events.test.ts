/** Live updates over a real connection: what is told, what a slow client loses, and how it ends. */
import { request as httpRequest, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { NoticeFeed } from "../../../headend/notice-feed.ts";
import { meterId, order, reading } from "../../contracts/store.ts";
import { type Fixture, fixture, TOKEN } from "./api-support.ts";

let api: Fixture | undefined;
afterEach(() => api?.app.close());

async function serve(heartbeatMs = 15_000) {
  const feed = new NoticeFeed("run");
  api = await fixture(undefined, { events: feed, heartbeatMs });
  await api.app.listen({ host: "127.0.0.1", port: 0 });
  return { feed, port: (api.app.server.address() as AddressInfo).port, app: api.app };
}

/** A client that keeps what it was sent, or does not read at all. */
async function listen(port: number, query = "", headers: Record<string, string> = {}) {
  const answer = await new Promise<IncomingMessage>((resolve) => {
    const path = `/api/v1/events${query}`;
    httpRequest({ port, path, headers: { authorization: `Bearer ${TOKEN}`, ...headers } }, resolve).end();
  });
  let text = "";
  let ended = false;
  answer.setEncoding("utf8");
  const read = () => answer.on("data", (chunk: string) => (text += chunk)).on("end", () => (ended = true));
  const events = () =>
    [...text.matchAll(/(?:id: (\S+)\n)?event: (\w+)\ndata: (.*)\n\n/g)].map(([, id, kind, data]) => ({
      ...{ id, kind, data: JSON.parse(data as string) },
    }));
  return { answer, read, events, text: () => text, ended: () => ended };
}

const told = (meter: string, second = 0) => ({ kind: "reading", reading: reading(meter, second) }) as const;
const until = (condition: () => boolean) => expect.poll(condition, { timeout: 5_000, interval: 5 }).toBe(true);

test("a client hears what it asked for, with numbers that grow", async () => {
  const { feed, port } = await serve();
  const all = await listen(port);
  const some = await listen(port, "?kinds=order,alarm&meter=b");
  expect(all.answer.headers["content-type"]).toBe("text/event-stream");
  all.read();
  some.read();
  feed.publish(told("a"));
  feed.publish({ kind: "poll", meter: meterId("a"), ok: true, reason: "" });
  feed.publish({ kind: "order", order: order(7, "a") });
  feed.publish({ kind: "order", order: order(8, "b") });
  await until(() => all.events().length === 3 && some.events().length === 1);
  expect(all.events().map(({ id, kind }) => [id, kind])).toEqual([
    ["run-1", "reading"],
    ["run-2", "order"],
    ["run-3", "order"],
  ]);
  expect(all.events()[0]?.data).toMatchObject({ meter: "a", source: expect.any(String), values: expect.any(Array) });
  expect(some.events()).toMatchObject([{ id: "run-3", data: { id: 8, meter: "b" } }]);
});

test("who was away for a moment gets what it missed; after a restart it is told that this can't be", async () => {
  const { feed, port } = await serve();
  for (let i = 1; i <= 4; i++) feed.publish(told("a", i));
  const back = await listen(port, "", { "last-event-id": "run-2" });
  back.read();
  await until(() => back.events().length === 2);
  expect(back.events().map(({ id }) => id)).toEqual(["run-3", "run-4"]);
  const stranger = await listen(port, "", { "last-event-id": "earlier-2" });
  stranger.read();
  await until(() => stranger.events().length === 1);
  expect(stranger.events()).toMatchObject([{ kind: "lost", data: { count: null } }]);
});

test("a client that does not read loses its oldest, is told how many, and holds up nobody", async () => {
  const { feed, port } = await serve();
  const slow = await listen(port);
  const quick = await listen(port);
  quick.read();
  const COUNT = 20_000;
  for (let i = 1; i <= COUNT; i++) {
    feed.publish(told("a", i));
    if (i % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await until(() => quick.events().at(-1)?.id === `run-${COUNT}`);
  slow.read();
  await until(() => slow.events().at(-1)?.id === `run-${COUNT}`);
  const lost = slow.events().filter(({ kind }) => kind === "lost");
  const sum = lost.reduce((total, { data }) => total + data.count, 0);
  expect(sum).toBeGreaterThan(0);
  expect(slow.events().filter(({ kind }) => kind === "reading").length + sum).toBe(COUNT);
});

test("a stream shows that it is alive, ends with its token, and with the head-end", async () => {
  const { port, app } = await serve(20);
  const client = await listen(port);
  client.read();
  await until(() => client.text().includes(": alive"));
  await app.close();
  await until(client.ended);
});

test("kinds that are none are refused, and there is a bound on clients", async () => {
  const { port } = await serve();
  const bad = await api?.call({ url: "/api/v1/events?kinds=polls" });
  expect(bad?.statusCode).toBe(400);
  expect(bad?.json().detail).toContain("of reading, order, alarm, balance");
  for (let i = 0; i < 64; i++) await listen(port);
  const refused = await listen(port);
  expect([refused.answer.statusCode, refused.answer.headers["retry-after"]]).toEqual([503, "30"]);
});
