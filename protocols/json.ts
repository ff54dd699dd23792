/** JSON from outside: what it is, where its syntax breaks, and how a value is shown in a message. */

export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The offending value in a message for people: short, whatever was sent. */
export function quoteValue(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  const text = typeof value === "string" ? `'${value}'` : String(value);
  return printable(text, 40);
}

/** Text from outside as it may reach a terminal or a log: no control characters (escape sequences), and cut at `most`. */
export function printable(text: string, most: number): string {
  const clean = text.slice(0, most).replace(/\p{Cc}/gu, "?");
  return text.length > most ? `${clean}…` : clean;
}

interface SyntaxProblem {
  /** Both count from 1. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** A token of RFC 8259, anchored where it is tried. */
const BLANK = /[ \t\n\r]*/y;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 8259 section 7 forbids them in strings, and this finds them
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;

/**
 * Where and why a text is not JSON; call it once JSON.parse has refused the text, whose own messages name a position
 * only sometimes. Undefined where it finds nothing wrong.
 */
export function findSyntaxProblem(text: string): SyntaxProblem | undefined {
  const found = new Scanner(text).scan();
  if (found === undefined) return undefined;
  const before = text.slice(0, found.at);
  return {
    line: before.split("\n").length,
    column: found.at - before.lastIndexOf("\n"),
    message: found.message,
  };
}

interface Finding {
  readonly at: number;
  readonly message: string;
}

/** Walks the text with a stack of its own, so that a thousand brackets cost no call depth. */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  scan(): Finding | undefined {
    const open: ("{" | "[")[] = [];
    for (;;) {
      const began = this.#value(open);
      if (began === "opened") continue;
      if (began !== undefined) return began;
      const closed = this.#afterValue(open);
      if (closed === "next") continue;
      return closed === "end" ? undefined : closed;
    }
  }

  /** One value up to its end; "opened" when it was a bracket with something in it. */
  #value(open: ("{" | "[")[]): Finding | "opened" | undefined {
    this.#match(BLANK);
    const bracket = this.#text[this.#at];
    if (bracket === "{" || bracket === "[") {
      this.#at++;
      this.#match(BLANK);
      if (this.#text[this.#at] === (bracket === "{" ? "}" : "]")) {
        this.#at++;
        return undefined;
      }
      open.push(bracket);
      return bracket === "{" ? (this.#name() ?? "opened") : "opened";
    }
    if (bracket === '"') return this.#match(STRING) ? undefined : this.#wrong('a closing " on the same line');
    return this.#match(SCALAR) ? undefined : this.#wrong("a value");
  }

  /** A member's name and its colon. */
  #name(): Finding | undefined {
    this.#match(BLANK);
    if (!this.#match(STRING)) return this.#wrong("a name in double quotes");
    this.#match(BLANK);
    if (this.#text[this.#at] !== ":") return this.#wrong('":" after the name');
    this.#at++;
    return undefined;
  }

  /** Closing brackets, then a comma with what must follow it, or the end. */
  #afterValue(open: ("{" | "[")[]): Finding | "next" | "end" {
    for (;;) {
      this.#match(BLANK);
      const here = this.#text[this.#at];
      const bracket = open.at(-1);
      if (bracket === undefined) return here === undefined ? "end" : this.#wrong("the end of the text");
      const close = bracket === "{" ? "}" : "]";
      if (here === close) {
        this.#at++;
        open.pop();
        continue;
      }
      if (here !== ",") return this.#wrong(`"," or "${close}"`);
      this.#at++;
      return bracket === "{" ? (this.#name() ?? "next") : "next";
    }
  }

  #match(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) return false;
    this.#at = pattern.lastIndex;
    return true;
  }

  #wrong(wanted: string): Finding {
    const here = this.#text[this.#at];
    if (here === undefined) return { at: this.#at, message: `the text ends here; ${wanted} is missing` };
    const hint = /^(\/[/*]|#)/.test(this.#text.slice(this.#at, this.#at + 2)) ? " (JSON has no comments)" : "";
    return { at: this.#at, message: `${wanted} is needed here, not ${JSON.stringify(here)}${hint}` };
  }
}
