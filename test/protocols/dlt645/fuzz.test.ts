import { test } from "vitest";
import { fuzzDlt645 } from "../../fuzz/dlt645.ts";

test("seeded junk against server, client and explanation", () => {
  fuzzDlt645(20_261_124, 3_000);
});
