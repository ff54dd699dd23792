import { expect, test } from "vitest";
import { type CommitOutcome, GroupCommit } from "../../../headend/adapters/group-commit.ts";
import type { StoreBatch } from "../../../headend/ports.ts";
import { audit } from "../../contracts/store.ts";

const LIMITS = { groupRecords: 1_000, waitingBatches: 10 };

const batch = (name: string, records = 1): StoreBatch =>
  Array.from({ length: records }, () => ({ kind: "audit", entry: audit(name) }));
const nameOf = (b: StoreBatch) => (b[0]?.kind === "audit" ? b[0].entry.action : "");

/** A writer that answers when told to, and notes what it was given. */
function scripted() {
  const groups: string[][] = [];
  const answers: ((outcomes: readonly CommitOutcome[] | Error) => void)[] = [];
  const write = (batches: readonly StoreBatch[]) => {
    groups.push(batches.map(nameOf));
    return new Promise<readonly CommitOutcome[]>((resolve, reject) =>
      answers.push((o) => (o instanceof Error ? reject(o) : resolve(o))),
    );
  };
  const answer = async (outcomes: readonly CommitOutcome[] | Error) => {
    answers.shift()?.(outcomes);
    for (let i = 0; i < 10; i++) await Promise.resolve();
  };
  return { groups, write, answer };
}

test("the first goes at once; what comes meanwhile goes together, in order, when it is back", async () => {
  const { groups, write, answer } = scripted();
  const commits = new GroupCommit(write, LIMITS);
  const done: string[] = [];
  for (const name of ["a", "b", "c"]) void commits.commit(batch(name)).then(() => done.push(name));
  expect(groups).toEqual([["a"]]);
  expect(done).toEqual([]);
  await answer([null]);
  expect(done).toEqual(["a"]);
  expect(groups).toEqual([["a"], ["b", "c"]]);
  await answer([null, null]);
  expect(done).toEqual(["a", "b", "c"]);
});

test("each batch gets its own outcome", async () => {
  const { write, answer } = scripted();
  const commits = new GroupCommit(write, LIMITS);
  const outcomes = Promise.allSettled(["a", "b", "c"].map((name) => commits.commit(batch(name))));
  await answer([null]);
  await answer(["it is bad", null]);
  expect((await outcomes).map((o) => (o.status === "rejected" ? o.reason.message : "stored"))).toEqual([
    "stored",
    "it is bad",
    "stored",
  ]);
});

test("a group is bounded by records, and a batch larger than that goes alone", async () => {
  const { groups, write, answer } = scripted();
  const commits = new GroupCommit(write, LIMITS);
  const all = [batch("a"), batch("b", 600), batch("c", 400), batch("d"), batch("e", 5_000), batch("f")];
  const done = Promise.all(all.map((b) => commits.commit(b)));
  for (const size of [1, 2, 1, 1, 1]) await answer(Array.from({ length: size }, () => null));
  await done;
  expect(groups).toEqual([["a"], ["b", "c"], ["d"], ["e"], ["f"]]);
});

test("a writer that is gone rejects all that wait, and later ones are tried again", async () => {
  const { groups, write, answer } = scripted();
  const commits = new GroupCommit(write, LIMITS);
  const first = Promise.allSettled([commits.commit(batch("a")), commits.commit(batch("b"))]);
  await answer(new Error("gone"));
  await answer(new Error("gone"));
  expect((await first).map((o) => o.status)).toEqual(["rejected", "rejected"]);
  const later = commits.commit(batch("c"));
  await answer([null]);
  await later;
  expect(groups).toEqual([["a"], ["b"], ["c"]]);
});

test("too many waiting are refused at once", async () => {
  const { write, answer } = scripted();
  const commits = new GroupCommit(write, { ...LIMITS, waitingBatches: 2 });
  const taken = [commits.commit(batch("a")), commits.commit(batch("b")), commits.commit(batch("c"))];
  await expect(commits.commit(batch("d"))).rejects.toThrow(/2 batches behind/);
  await answer([null]);
  await answer([null, null]);
  await Promise.all(taken);
  await commits.idle();
});
