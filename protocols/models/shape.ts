/** The form of a JSON document as small values that check and describe it: what a model file may hold, said once. */
import { isJsonObject, printable, quoteValue } from "../json.ts";

export interface ModelProblem {
  /** `modbus.registers[3].encoding`, or `line 12, column 5` where the text is no JSON. */
  readonly place: string;
  /** What is wrong and what to do. */
  readonly message: string;
}

/** Enough for a person; a file that is wrong everywhere does not flood the terminal. */
const PROBLEM_LIMIT = 20;

export class Report {
  readonly problems: ModelProblem[] = [];

  add(place: string, message: string): void {
    if (this.problems.length >= PROBLEM_LIMIT) return;
    this.problems.push({ place: place === "" ? "the file" : printable(place, 120), message });
  }
}

export interface Shape {
  /** What a value of this shape is: completes "it must be …". */
  readonly expected: string;
  check(value: unknown, place: string, report: Report): void;
}

function shape(expected: string, good: (value: unknown) => boolean): Shape {
  return {
    expected,
    check(value, place, report) {
      if (!good(value)) report.add(place, `${quoteValue(value)} is wrong; it must be ${expected}`);
    },
  };
}

export function text(most: number): Shape {
  return shape(
    `a text of 1 to ${most} characters`,
    (v) => typeof v === "string" && v.trim().length >= 1 && v.length <= most,
  );
}

export function pattern(expression: RegExp, expected: string): Shape {
  return shape(expected, (v) => typeof v === "string" && expression.test(v));
}

export function integer(lowest: number, highest: number): Shape {
  return shape(
    `an integer from ${lowest} to ${highest}`,
    (v) => Number.isInteger(v) && (v as number) >= lowest && (v as number) <= highest,
  );
}

/** A positive number, not necessarily an integer. */
export function positive(highest: number): Shape {
  return shape(`a number above 0 and up to ${highest}`, (v) => typeof v === "number" && v > 0 && v <= highest);
}

export function orNull(inner: Shape): Shape {
  return {
    expected: `${inner.expected}, or null`,
    check(value, place, report) {
      if (value !== null) inner.check(value, place, report);
    },
  };
}

/** One of a closed list. `noun` names it: "an encoding". A long list is not printed; `see` then says where it stands. */
export function choice(noun: string, choices: readonly (string | number)[], see?: string): Shape {
  const list = see ?? `one of: ${choices.join(", ")}`;
  return {
    expected: `${noun}, ${list}`,
    check(value, place, report) {
      if (choices.some((c) => c === value)) return;
      report.add(place, `${quoteValue(value)} is not ${noun}; ${didYouMean(value, choices)}${list}`);
    },
  };
}

export function listOf(item: Shape, least: number, most: number): Shape {
  const expected = `a list of ${least} to ${most} entries`;
  return {
    expected,
    check(value, place, report) {
      if (!Array.isArray(value) || value.length < least || value.length > most) {
        const found = Array.isArray(value) ? `a list of ${value.length}` : quoteValue(value);
        report.add(place, `${found} is wrong; it must be ${expected}`);
        return;
      }
      for (const [i, entry] of value.entries()) item.check(entry, `${place}[${i}]`, report);
    },
  };
}

/** An object whose names are free but of one shape, and its values of another. */
export function record(name: Shape, item: Shape): Shape {
  return {
    expected: "an object",
    check(value, place, report) {
      if (!isJsonObject(value)) {
        report.add(place, `${quoteValue(value)} is wrong; it must be an object`);
        return;
      }
      for (const [key, entry] of Object.entries(value)) {
        name.check(key, `${place}.${key}`, report);
        item.check(entry, `${place}.${key}`, report);
      }
    },
  };
}

type Members = Readonly<Record<string, Shape>>;

/** An object of these members and no others: an unknown name is most likely a slip of the pen, and would change nothing silently. */
export function object(required: Members, optional: Members = {}): Shape {
  const members = new Map(Object.entries({ ...required, ...optional }));
  const names = [...members.keys()];
  return {
    expected: `an object with ${Object.keys(required).join(", ")}`,
    check(value, place, report) {
      if (!isJsonObject(value)) {
        report.add(
          place,
          `${quoteValue(value)} is wrong; it must be an object with ${Object.keys(required).join(", ")}`,
        );
        return;
      }
      const at = (name: string) => (place === "" ? name : `${place}.${name}`);
      for (const key of Object.keys(value)) {
        if (!members.has(key))
          report.add(at(key), `this name is unknown; ${didYouMean(key, names)}known: ${names.join(", ")}`);
      }
      for (const [name, member] of members) {
        if (Object.hasOwn(value, name)) member.check(value[name], at(name), report);
        else if (Object.hasOwn(required, name)) report.add(at(name), `this is missing; it must be ${member.expected}`);
      }
    },
  };
}

/** The nearest choice when it is near: at most two slips of the pen, and fewer than half of the letters. */
function didYouMean(value: unknown, choices: readonly (string | number)[]): string {
  if (typeof value !== "string" || value.length > 64) return "";
  let best = "";
  let least = Math.min(3, value.length / 2);
  for (const candidate of choices) {
    const distance = editDistance(value.toLowerCase(), String(candidate).toLowerCase());
    if (distance < least) [best, least] = [String(candidate), distance];
  }
  return best === "" ? "" : `did you mean ${best}? `;
}

/** Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours count one each. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number) => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(at(i - 1, j) + 1, (row[j - 1] ?? 0) + 1, at(i - 1, j - 1) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, at(i - 2, j - 2) + 1);
      row.push(least);
    }
  }
  return at(a.length, b.length);
}
