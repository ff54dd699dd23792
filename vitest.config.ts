import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Needs a driver that is not ours and that no package brings: not there, it is no test of this run.
    exclude: process.env["METERWORKS_RN8209C_DRIVER"] ? [] : ["test/conformance/rn8209c-driver.test.ts"],
    // Conformance tests start programs; generous, because a loaded CI machine has two cores.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
