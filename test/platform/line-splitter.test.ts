import { expect, test } from "vitest";
import { LineSplitter } from "../../src/platform/line-splitter.ts";
import { pause } from "./support.ts";

async function linesOf(chunks: readonly string[], limit = 100): Promise<string[]> {
  const lines: string[] = [];
  const splitter = new LineSplitter(limit, (line) => lines.push(Buffer.from(line).toString("latin1")));
  for (const chunk of chunks) splitter.push(Buffer.from(chunk, "latin1"));
  await pause(5);
  return lines;
}

const READOUT = "/EMH5----eHZ-E0018E\r\n\r\n1-0:1.8.1*255(032942.0231)\r\n!\r\n";
const LINES = ["/EMH5----eHZ-E0018E\r\n", "\r\n", "1-0:1.8.1*255(032942.0231)\r\n", "!\r\n"];

test("a lump of lines, single bytes, and anything between come as lines", async () => {
  expect(await linesOf([READOUT])).toEqual(LINES);
  expect(await linesOf([...READOUT])).toEqual(LINES);
  expect(await linesOf(READOUT.match(/.{1,7}/gs) ?? [])).toEqual(LINES);
  expect(await linesOf([`${READOUT}/EM`, "H5"])).toEqual(LINES);
});

test("a line without end is cut at the limit, in order and without loss", async () => {
  const endless = Array.from({ length: 250 }, (_, i) => String.fromCharCode(0x30 + (i % 64))).join("");
  const pieces = [endless.slice(0, 100), endless.slice(100, 200), `${endless.slice(200)}\n`, "x\n"];
  expect(await linesOf([`${endless}\nx\n`])).toEqual(pieces);
  expect(await linesOf([...endless, "\nx\n"])).toEqual(pieces);
});

test("a line as long as the limit is one", async () => {
  expect(await linesOf([`${"a".repeat(99)}\nb\n`])).toEqual([`${"a".repeat(99)}\n`, "b\n"]);
});
