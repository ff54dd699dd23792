/** Files that only grow: what is there is kept, what is no file of the kind is refused, and the limit holds. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { AppendFile } from "../../src/platform/append-file.ts";
import { PlatformError } from "../../src/platform/errors.ts";
import { temporaryDirectory } from "../programs.ts";

const directory = temporaryDirectory();
afterAll(() => directory.remove());

const MAGIC = Uint8Array.of(1, 2);
const path = (name: string) => join(directory.path, name);

test("a file is continued where it ended", () => {
  for (let i = 0; i < 2; i++) {
    const file = new AppendFile(path("grows"), MAGIC, 100);
    file.append(Uint8Array.of(1, 2, 3 + i));
    file.close();
    file.close();
    file.append(Uint8Array.of(9));
  }
  expect([...readFileSync(path("grows"))]).toEqual([1, 2, 3, 1, 2, 4]);
});

test("a file of another kind, and a folder that is not there, are refused", () => {
  writeFileSync(path("other"), "text");
  expect(() => new AppendFile(path("other"), MAGIC, 100)).toThrow(/is there and no file of this kind/);
  expect(readFileSync(path("other"), "utf8")).toBe("text");
  expect(() => new AppendFile(path("none/x"), MAGIC, 100)).toThrow(PlatformError);
});

test("the limit is told once, and what fitted stays", () => {
  const file = new AppendFile(path("full"), MAGIC, 4);
  file.append(Uint8Array.of(1, 2, 3));
  expect(() => file.append(Uint8Array.of(4, 5))).toThrow(/full at 3 bytes/);
  file.append(Uint8Array.of(4));
  expect([...readFileSync(path("full"))]).toEqual([1, 2, 3]);
});
