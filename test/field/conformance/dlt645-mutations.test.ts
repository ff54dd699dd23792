/**
 * Each rule of DL/T 645-2007 broken once: the bytes of a sound meter are spoilt in one way, and the check that names the
 * rule must say so. What the spoilt meter does beside that is not looked at.
 */
import { describe, expect, test } from "vitest";
import { DLT645_CHECKS } from "../../../src/field/conformance/dlt645/index.ts";
import { idsOf } from "./bench.ts";
import { MAP, wire } from "./dlt645-bench.ts";
import { DATA_DEFECTS } from "./dlt645-defects-data.ts";
import { LINK_DEFECTS } from "./dlt645-defects-link.ts";

const MUTATIONS = [...LINK_DEFECTS, ...DATA_DEFECTS];

describe("a DL/T 645 meter with a defect", () => {
  test("the table breaks each check of the list at least once", () => {
    const named = new Set(MUTATIONS.map(([, id]) => id));
    expect(DLT645_CHECKS.map(({ id }) => id).filter((id) => !named.has(id))).toEqual([
      "address.own",
      "address.shortened-one",
      "value.energies-settled",
      "value.demands",
    ]);
  });

  test.each(MUTATIONS)("%s: %s", (_, caughtBy, spoil) => {
    expect(idsOf(wire(MAP, spoil), "fail")).toContain(caughtBy);
  });
});
