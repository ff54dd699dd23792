import { configDefaults, defineConfig } from "vitest/config";

// The makers' drivers are no part of this repository, and no package brings them: their tests run where somebody names a
// folder with them (docs/chips.md).
const DRIVERS = { ade9000: "METERWORKS_ADE9000_DRIVER", rn8209c: "METERWORKS_RN8209C_DRIVER" };
const withoutDriver = Object.entries(DRIVERS)
  .filter(([, folder]) => !process.env[folder])
  .map(([chip]) => `test/conformance/${chip}-driver.test.ts`);

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, ...withoutDriver],
    // Conformance tests start programs; generous, because a loaded CI machine has two cores.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // One more than CI's cores: a third of the time tests wait for programs, and for lines that keep their pace.
    maxWorkers: 3,
  },
});
