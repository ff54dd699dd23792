/** Identifications of real meters: what mode and rate their baud character names (IEC 62056-21, 6.3.2 and facts). */
import { expect, test } from "vitest";
import { parseIdentification } from "../../../protocols/iec62056-21/message.ts";
import { ACE0_IDENT, ZMD120_IDENT } from "./vectors.ts";

test.each([
  [ZMD120_IDENT, { manufacturer: "LGZ", z: "5", mode: "C", baud: 9600, enhanced: "", ident: "2ZMD120APt.G03" }],
  [ACE0_IDENT, { manufacturer: "ACE", z: "0", mode: "C", baud: 300, enhanced: "3", ident: "k260V01.18" }],
])("%j", (line, expected) => {
  const parsed = parseIdentification(line.trimEnd());
  expect(parsed.ok && parsed.value).toMatchObject(expected);
});

test.each(["XYZ5meter", "/XY", "/XYZ", "/12Z5meter"])("%j is none", (line) => {
  expect(parseIdentification(line).ok).toBe(false);
});
