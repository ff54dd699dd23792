import { test } from "vitest";
import { fuzzIec62056 } from "../../fuzz/iec62056-21.ts";

test("seeded junk against meter, reader and parsers", () => {
  fuzzIec62056(20_261_124, 2_000);
});
