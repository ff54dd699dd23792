import { test } from "vitest";
import { Random } from "../../../src/core/random.ts";
import { diagnose } from "./bench.ts";
import { SCENARIOS } from "./scenarios.ts";
test("x", () => {
  for (const [cause, seed] of JSON.parse(process.env["ZZ"] as string)) {
    const draw = (SCENARIOS as any)[cause](new Random(seed).fork(cause));
    const d = diagnose(draw, seed);
    console.log(cause, seed, draw.model.id, JSON.stringify(draw.asked), JSON.stringify(draw.faults), draw.meters.length, JSON.stringify({...d, values: 0}, null, 1));
  }
});
