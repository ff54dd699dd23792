/** Reading a configuration document: every wrong member becomes a problem that names its place and the fix, none stops the rest. */

export interface ConfigProblem {
  /** `lines[0].meters[2].unit`; empty for the document itself. */
  readonly place: string;
  /** What is wrong and what to write instead. */
  readonly problem: string;
}

export function problemText(problem: ConfigProblem): string {
  return problem.place === "" ? problem.problem : `${problem.place}: ${problem.problem}`;
}

function show(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

/** One object of the document. Members are asked for by name; {@link close} reports those nobody asked for. */
export class ObjectReader {
  readonly place: string;
  readonly #problems: ConfigProblem[];
  readonly #members: Readonly<Record<string, unknown>>;
  readonly #asked = new Set<string>();

  constructor(value: unknown, place: string, problems: ConfigProblem[]) {
    this.place = place;
    this.#problems = problems;
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    if (!isObject) problems.push({ place, problem: `an object { … } is needed, not ${show(value)}` });
    this.#members = isObject ? (value as Record<string, unknown>) : {};
  }

  has(name: string): boolean {
    this.#asked.add(name);
    return Object.hasOwn(this.#members, name);
  }

  problem(name: string, problem: string): void {
    this.#problems.push({ place: this.at(name), problem });
  }

  at(name: string): string {
    return this.place === "" ? name : `${this.place}.${name}`;
  }

  text(name: string, expected: string): string | undefined {
    const value = this.#get(name);
    if (typeof value === "string" && value !== "") return value;
    this.problem(name, `${expected} is needed, not ${show(value)}`);
    return undefined;
  }

  /** Whether a member that may be of other kinds too is this word. */
  textIs(name: string, word: string): boolean {
    return this.#get(name) === word;
  }

  integer(name: string, low: number, high: number): number | undefined {
    const value = this.#get(name);
    if (typeof value === "number" && Number.isInteger(value) && value >= low && value <= high) return value;
    this.problem(name, `a whole number from ${low} to ${high} is needed, not ${show(value)}`);
    return undefined;
  }

  /** Any number in a range, for durations. */
  number(name: string, low: number, high: number): number | undefined {
    const value = this.#get(name);
    if (typeof value === "number" && value >= low && value <= high) return value;
    this.problem(name, `a number from ${low} to ${high} is needed, not ${show(value)}`);
    return undefined;
  }

  flag(name: string): boolean | undefined {
    const value = this.#get(name);
    if (typeof value === "boolean") return value;
    this.problem(name, `true or false is needed, not ${show(value)}`);
    return undefined;
  }

  choice<T extends string | number | boolean>(name: string, choices: readonly T[]): T | undefined {
    const value = this.#get(name);
    const found = choices.find((choice) => choice === value);
    if (found === undefined) this.problem(name, `one of ${choices.join(", ")} is needed, not ${show(value)}`);
    return found;
  }

  object(name: string): ObjectReader {
    return new ObjectReader(this.#get(name), this.at(name), this.#problems);
  }

  /** The items of a list with their places; an absent list is empty. */
  list(name: string): readonly { readonly value: unknown; readonly place: string }[] {
    if (!this.has(name)) return [];
    const value = this.#get(name);
    if (Array.isArray(value)) return value.map((item, i) => ({ value: item, place: `${this.at(name)}[${i}]` }));
    this.problem(name, `a list [ … ] is needed, not ${show(value)}`);
    return [];
  }

  /** The list's items as objects. */
  objects(name: string): readonly ObjectReader[] {
    return this.list(name).map((item) => new ObjectReader(item.value, item.place, this.#problems));
  }

  /** Call when everything was asked for: a member left over is most often a typing mistake. */
  close(): void {
    for (const name of Object.keys(this.#members)) {
      if (this.#asked.has(name)) continue;
      this.problem(name, `there is no such setting here; known are ${[...this.#asked].sort().join(", ")}`);
    }
  }

  #get(name: string): unknown {
    return this.has(name) ? this.#members[name] : undefined;
  }
}
