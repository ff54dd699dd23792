import { expect, test } from "vitest";
import { type DocumentCodec, Shelf } from "../../headend/documents.ts";
import type { StoreRecord } from "../../headend/ports.ts";

interface Alarm {
  readonly cause: string;
  readonly over: boolean;
}

const CODEC: DocumentCodec<Alarm> = {
  encode: (alarm) => JSON.stringify(alarm),
  decode: (text) => JSON.parse(text),
  live: (alarm) => !alarm.over,
};

const kept = (collection: string, key: string, cause: string) => ({
  ...{ collection, key, live: true },
  text: JSON.stringify({ cause, over: false }),
});

test("a shelf begins with the live documents of its own collection", () => {
  const shelf = new Shelf("alarm", CODEC, [kept("alarm", "1", "silent"), kept("plan", "2", "no alarm")]);
  expect([...shelf.values()]).toEqual([{ cause: "silent", over: false }]);
  expect(shelf.get("2")).toBeUndefined();
});

test("what is set goes into the batch, and back when the store refuses it", () => {
  const shelf = new Shelf("alarm", CODEC, [kept("alarm", "1", "silent")]);
  const draft = { records: [] as StoreRecord[] };
  shelf.set("1", { cause: "silent", over: true }, draft);
  shelf.set("2", { cause: "noise", over: false }, draft);
  expect(draft.records).toEqual([
    { kind: "document", document: { ...kept("alarm", "1", ""), live: false, text: '{"cause":"silent","over":true}' } },
    { kind: "document", document: kept("alarm", "2", "noise") },
  ]);
  expect(shelf.size).toBe(1);
  shelf.rollback();
  expect([...shelf.values()]).toEqual([{ cause: "silent", over: false }]);
  shelf.set("2", { cause: "noise", over: false }, draft);
  shelf.commit();
  shelf.rollback();
  expect(shelf.size).toBe(2);
});

test("keys that stores would sort differently, and texts without end, are a mistake of the caller", () => {
  const shelf = new Shelf("alarm", CODEC, []);
  const draft = { records: [] as StoreRecord[] };
  const put = (key: string, cause = "") => shelf.set(key, { cause, over: false }, draft);
  for (const key of ["", "a b", "ä", "x".repeat(201)]) expect(() => put(key)).toThrow(/no document key/);
  expect(() => put("1", "x".repeat(65_536))).toThrow(/too long/);
  expect(() => new Shelf("Alarm", CODEC, [])).toThrow(/no collection/);
  expect(draft.records).toEqual([]);
});
