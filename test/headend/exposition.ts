/**
 * The Prometheus text format 0.0.4 by its published grammar, written apart from the library that produces it. Strict: what
 * a scraper would forgive (a family in two places, a series twice, buckets that fall) is refused.
 */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

interface Open extends Family {
  readonly samples: Sample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const TYPES = ["counter", "gauge", "histogram", "summary", "untyped"];
const VALUE = /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|NaN|[+-]Inf)$/;

/** Throws with the line that breaks a rule. */
export function parseExposition(text: string): Map<string, Family> {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const families = new Map<string, Open>();
  let current: (Open & { readonly name: string }) | undefined;
  let help: { name: string; text: string } | undefined;
  for (const line of text.slice(0, -1).split("\n")) {
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (comment?.[1] === "HELP") help = { name: comment[2] as string, text: comment[3] as string };
    else if (comment?.[1] === "TYPE") {
      const [, , name = "", type = ""] = comment;
      if (!NAME.test(name) || !TYPES.includes(type)) throw new Error(`no family: ${line}`);
      if (families.has(name)) throw new Error(`a family in two places: ${line}`);
      if (help?.name !== name) throw new Error(`no help before: ${line}`);
      current = { name, type, help: help.text, samples: [] };
      families.set(name, current);
    } else if (line !== "") {
      const sample = parseSample(line);
      if (current === undefined || !belongs(sample.name, current)) throw new Error(`outside its family: ${line}`);
      current.samples.push(sample);
    }
  }
  for (const [name, family] of families) check(name, family);
  return families;
}

/** The value of one series; throws where there is none. */
export function seriesValue(families: Map<string, Family>, name: string, labels: Record<string, string> = {}): number {
  const wanted = seriesKey({ name, labels, value: 0 });
  for (const { samples } of families.values())
    for (const sample of samples) if (seriesKey(sample) === wanted) return sample.value;
  throw new Error(`there is no ${wanted}`);
}

function belongs(sample: string, { name, type }: { name: string; type: string }): boolean {
  if (type !== "histogram") return sample === name;
  return [`${name}_bucket`, `${name}_sum`, `${name}_count`].includes(sample);
}

function parseSample(line: string): Sample {
  const m = /^([^\s{]+)(?:\{(.*)\})? (\S+)$/.exec(line);
  const [, name = "", labels = "", value = ""] = m ?? [];
  if (!NAME.test(name) || !VALUE.test(value)) throw new Error(`no sample: ${line}`);
  return { name, labels: parseLabels(labels, line), value: Number(value.replace("Inf", "Infinity")) };
}

function parseLabels(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  let rest = text;
  while (rest !== "") {
    const m = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\"n])*)"(?:,|$)/.exec(rest);
    if (m === null) throw new Error(`no labels: ${line}`);
    const [all, name = "", value = ""] = m;
    if (name in labels) throw new Error(`a label twice: ${line}`);
    labels[name] = value.replace(/\\(.)/g, (_, c: string) => (c === "n" ? "\n" : c));
    rest = rest.slice(all.length);
  }
  return labels;
}

function seriesKey({ name, labels }: Sample): string {
  return `${name}${JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))}`;
}

function check(name: string, { type, samples }: Family): void {
  const keys = samples.map(seriesKey);
  if (new Set(keys).size !== keys.length) throw new Error(`${name}: a series twice`);
  if (type === "counter" && samples.some(({ value }) => !(value >= 0))) throw new Error(`${name}: a counter below 0`);
  if (type === "counter" && !name.endsWith("_total")) throw new Error(`${name}: a counter that does not end in _total`);
  if (type === "histogram") checkHistogram(name, samples);
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const { le: _bound, ...labels } = sample.labels;
    const key = seriesKey({ ...sample, name, labels });
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  for (const [key, group] of groups) {
    const buckets = group.filter((s) => s.name === `${name}_bucket`);
    const bounds = buckets.map((s) => Number((s.labels["le"] ?? "").replace("Inf", "Infinity")));
    const rising = (values: readonly number[]) => values.every((v, i) => i === 0 || v >= (values[i - 1] as number));
    if (!rising(bounds) || !rising(buckets.map((s) => s.value))) throw new Error(`${key}: buckets that fall`);
    const count = group.find((s) => s.name === `${name}_count`)?.value;
    if (bounds.at(-1) !== Number.POSITIVE_INFINITY || buckets.at(-1)?.value !== count)
      throw new Error(`${key}: the last bucket is not all of them`);
    if (!group.some((s) => s.name === `${name}_sum`)) throw new Error(`${key}: no sum`);
  }
}
