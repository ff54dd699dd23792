/**
 * What the compiler can't hold: import directions as a table (it also says it in words), host globals that lib.es2023
 * declares (Date, Math.random), files that nobody imports, and the index of the models.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "..");

/** Longest prefix wins: headend/api has rules of its own. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "src/core": [],
  protocols: ["src/core"],
  "firmware-sim": ["src/core", "protocols"],
  headend: ["src/core", "protocols"],
  "headend/adapters": ["src/core", "protocols", "headend"],
  "headend/api": ["src/core", "protocols", "headend"],
  "headend/console": ["src/core", "protocols", "headend"],
  "src/platform": ["src/core"],
  "src/field": ["src/core", "protocols"],
  "src/simulation": ["src/core", "protocols", "firmware-sim", "headend"],
};
const PURE = ["src/core", "protocols", "firmware-sim", "headend", "src/field", "src/simulation"];
const BANNED: readonly (readonly [RegExp, string])[] = [
  [/\bDate\b(?!\s*:)/, "Date: take `now`"],
  [/\bMath\.random\b/, "Math.random: take a Random of src/core/random.ts"],
  [/\bset(Timeout|Interval|Immediate)\b/, "timers: return a wake"],
  [/\bperformance\b/, "performance: take `now`"],
  [/from "node:/, "node modules: a port filled in by src/platform or an adapter"],
];

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.includes("node_modules"))
    .map((name) => join(folder, name));
}

function layerOf(file: string): string | undefined {
  return Object.keys(MAY_IMPORT)
    .filter((layer) => file.startsWith(`${layer}/`))
    .sort((a, b) => b.length - a.length)[0];
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
}

function imports(file: string): string[] {
  const text = withoutComments(readFileSync(join(ROOT, file), "utf8"));
  return [...text.matchAll(/\bfrom "(\.[^"]+)"|\bimport\("(\.[^"]+)"\)/g)].map((m) =>
    relative(ROOT, resolve(ROOT, dirname(file), (m[1] ?? m[2]) as string)),
  );
}

const LAYERS = ["src/core", "protocols", "firmware-sim", "headend", "src/platform", "src/field", "src/simulation"];
const FILES = LAYERS.flatMap(sources).filter((file) => !file.endsWith(".d.ts"));

describe("architecture", () => {
  test.each(Object.entries(MAY_IMPORT))("%s imports only itself and %s", (layer, allowed) => {
    const files = FILES.filter((file) => layerOf(file) === layer);
    const offences = files.flatMap((file) =>
      imports(file)
        .filter((to) => ![layer, ...allowed].some((folder) => layerOf(to) === folder))
        .map((to) => `${file} imports ${to}`),
    );
    expect(offences).toEqual([]);
  });

  test.each(PURE)("%s owns no time, no randomness and no host", (layer) => {
    const offences = FILES.filter((file) => layerOf(file) === layer).flatMap((file) => {
      const text = withoutComments(readFileSync(join(ROOT, file), "utf8"));
      return BANNED.filter(([pattern]) => pattern.test(text)).map(([, why]) => `${file}: ${why}`);
    });
    expect(offences).toEqual([]);
  });

  test("imports resolve, and every file of a pure layer is imported by something", () => {
    const all = [...FILES, ...["src/cli", "test"].filter((f) => existsSync(join(ROOT, f))).flatMap(sources)];
    const targets = new Set(all.flatMap(imports));
    expect([...targets].filter((to) => !existsSync(join(ROOT, to)) && !to.startsWith("dist/"))).toEqual([]);
    const dead = FILES.filter((file) => PURE.includes(layerOf(file) ?? "") && !targets.has(file));
    expect(dead).toEqual([]);
  });

  test("no file but data is over 400 lines", () => {
    const long = [...FILES, ...sources("src/cli"), ...sources("test")]
      .filter((file) => !/protocols\/models\/[a-z0-9-]+\.ts$/.test(file))
      .map((file) => [file, readFileSync(join(ROOT, file), "utf8").split("\n").length] as const)
      .filter(([, lines]) => lines > 401);
    expect(long).toEqual([]);
  });
});
