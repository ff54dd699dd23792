/** `read` before a meter that misbehaves on DL/T 645 and on the optical head: it ends, and never with a wrong value. */
import { describe, expect, test } from "vitest";
import { Iec62056Face } from "../../../firmware-sim/faces/iec62056-21.ts";
import { MisbehavingFace } from "../../../firmware-sim/faults/misbehaving-face.ts";
import { findMisbehaviour, type Misbehaviour, misbehaviours } from "../../../firmware-sim/faults/misbehaviour.ts";
import { Dlt645ReadOnce } from "../../../src/cli/read-dlt645.ts";
import { ReadoutOnce } from "../../../src/cli/read-iec62056.ts";
import type { Actor } from "../../../src/core/actor.ts";
import { MEASURES, type MeasureValues } from "../../../src/core/measures.ts";
import { Random } from "../../../src/core/random.ts";
import { ADDRESS, at, Bench, START } from "../faces/dlt645-support.ts";
import { duet, LINE } from "./duet.ts";

const SECOND = 1_000_000;
type Spoken = "dlt645" | "iec62056-21";

/** What does not move while a constant load goes on. */
const STILL = MEASURES.filter((m) => m.kind !== "energy" && m.kind !== "status" && !/Demand/.test(m.key));

interface Ending {
  readonly values: MeasureValues | undefined;
  readonly took: number | undefined;
}

function read(spoken: Spoken, misbehaviour: Misbehaviour, rate: number, seed: number): Ending {
  const bench = new Bench("meterworks-1p");
  const sound: Actor = spoken === "dlt645" ? bench.face : new Iec62056Face(bench.meter, at(0));
  const face = new MisbehavingFace(sound, spoken, [{ misbehaviour, rate }], new Random(seed));
  let ending: { readonly values: MeasureValues | undefined } | undefined;
  const done = (outcome: { readonly ok: boolean; readonly values?: MeasureValues }) => {
    ending ??= { values: outcome.ok ? outcome.values : undefined };
  };
  const reader: Actor =
    spoken === "dlt645"
      ? new Dlt645ReadOnce(
          LINE,
          {
            address: ADDRESS,
            client: { responseTimeout: SECOND },
            plan: {},
            retries: 2,
            linkPatience: 3 * SECOND,
          },
          done,
        )
      : new ReadoutOnce(
          LINE,
          {
            ...{ begin: "sign-on", thenListen: false, listenBaud: 300, patience: SECOND, linkPatience: 3 * SECOND },
            reader: { retries: 2 },
          },
          done,
        );
  const took = duet(reader, face, START, () => ending !== undefined);
  return { values: ending?.values, took };
}

const CASES = (["dlt645", "iec62056-21"] as const).flatMap((spoken) =>
  misbehaviours()
    .filter(([, misbehaviour]) => misbehaviour.spoken.includes(spoken))
    .map(([name]) => [spoken, name] as const),
);
const silent = findMisbehaviour("silent") as Misbehaviour;

describe.each(CASES)("%s, %s", (spoken, name) => {
  const truth = read(spoken, silent, 0, 1).values;
  const misbehaviour = findMisbehaviour(name) as Misbehaviour;

  test.each([
    [1, 1],
    [0.1, 1],
    [0.1, 2],
    [0.1, 3],
    [0.3, 4],
  ])("a share of %d, seed %i", (rate, seed) => {
    expect(truth?.voltageL1).toBe(230_000);
    const { values, took } = read(spoken, misbehaviour, rate, seed);
    expect(took, "it ends").toBeDefined();
    for (const { key } of STILL) {
      const value = values?.[key];
      if (value !== undefined && value !== null) expect([key, value]).toEqual([key, truth?.[key]]);
    }
  });
});

test("what is only delivered badly is read", () => {
  for (const spoken of ["dlt645", "iec62056-21"] as const)
    for (const name of ["slow", "split", "dribble", "duplicate", "echo-first"]) {
      const { values } = read(spoken, findMisbehaviour(name) as Misbehaviour, 1, 1);
      expect([spoken, name, values?.voltageL1]).toEqual([spoken, name, 230_000]);
    }
});
