import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findSyntaxProblem, printable, quoteValue } from "../../protocols/json.ts";

describe("where a text is not JSON", () => {
  test.each([
    ['{\n  "id": "x",\n}', "line 3, column 1", /a name in double quotes is needed here, not "}"/],
    ['{"a" 1}', "line 1, column 6", /":" after the name/],
    ["[1 2]", "line 1, column 4", /"," or "]" is needed here, not "2"/],
    ["{a:1}", "line 1, column 2", /a name in double quotes/],
    ['{"a": nul}', "line 1, column 7", /a value is needed here, not "n"/],
    ['{"a": "x\ny"}', "line 1, column 7", /a closing "/],
    ['{"a": [1,\n', "line 2, column 1", /the text ends here; a value is missing/],
    ['{"a": 1', "line 1, column 8", /the text ends here; "," or "}" is missing/],
    ['// mine\n{"a": 1}', "line 1, column 1", /JSON has no comments/],
    ['{"a": 1} x', "line 1, column 10", /the end of the text is needed here/],
    ["", "line 1, column 1", /the text ends here/],
  ])("%j", (text, place, message) => {
    const found = findSyntaxProblem(text);
    expect(`line ${found?.line}, column ${found?.column}`).toBe(place);
    expect(found?.message).toMatch(message);
  });

  test("JSON.parse and the finder agree on any text: a good one cut or changed in one place", () => {
    const alphabet = fc.constantFrom(...'{}[],:"\\0-.et\n\u0001');
    fc.assert(
      fc.property(fc.json(), fc.nat(), fc.option(alphabet), (text, where, c) => {
        const at = where % text.length;
        const bad = c === null ? text.slice(0, at) : text.slice(0, at) + c + text.slice(at + 1);
        let good = true;
        try {
          JSON.parse(bad);
        } catch {
          good = false;
        }
        expect([bad, findSyntaxProblem(bad) === undefined]).toEqual([bad, good]);
      }),
      { numRuns: 1000 },
    );
  });

  test("deep nesting costs no call stack", () => {
    expect(findSyntaxProblem("[".repeat(100_000))).toMatchObject({ line: 1, column: 100_001 });
    expect(findSyntaxProblem(`${"[".repeat(50_000)}${"]".repeat(50_000)}`)).toBeUndefined();
  });
});

test("a value is shown short and without escape sequences", () => {
  expect(quoteValue("flaot32")).toBe("'flaot32'");
  expect([undefined, null, 1.5, [], {}].map(quoteValue)).toEqual(["nothing", "null", "1.5", "a list", "an object"]);
  expect(quoteValue("\u001b[2J")).toBe("'?[2J'");
  expect(printable("x".repeat(10), 4)).toBe("xxxx…");
});
