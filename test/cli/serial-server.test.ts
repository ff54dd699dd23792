/** Modbus frames of a serial line over TCP, as a transparent serial server carries them. */
import { describe, expect, onTestFinished, test } from "vitest";
import { runCli, startCli } from "../programs.ts";

describe.each(["modbus-rtu", "modbus-ascii"])("%s on a raw TCP port", (protocol) => {
  test("two readers at once, and an order", async () => {
    const load = ["--mains", "231", "--current", "4", "--fidelity", "second"];
    const model = ["--model", "meterworks-1p", "--protocol", protocol, "--tcp"];
    const meter = await startCli(["meter", ...model, "127.0.0.1:0", ...load]);
    onTestFinished(async () => void (await meter.stop()));
    const where = [...model, /127\.0\.0\.1:\d+/.exec(meter.ready)?.[0] ?? ""];
    const both = await Promise.all([runCli(["read", ...where, "--json"]), runCli(["read", ...where, "--json"])]);
    for (const { code, stdout, stderr } of both) {
      expect(code, stderr).toBe(0);
      const rows = JSON.parse(stdout) as readonly { readonly obis: string; readonly value: string }[];
      expect(rows.find(({ obis }) => obis === "1-0:32.7.0")?.value).toMatch(/^231/);
    }
    const write = await runCli(["write", ...where, "--relay", "open", "--yes"]);
    expect(write.stdout).toBe("relay  open  ok\n");
    // It is no Modbus TCP: the header of one is not answered.
    const [tcp] = [where.at(-1) as string];
    const wrong = await runCli([
      "read",
      "--model",
      "meterworks-1p",
      "--tcp",
      tcp,
      "--timeout",
      "200",
      "--retries",
      "0",
    ]);
    expect(wrong).toMatchObject({ code: 1, stdout: "" });
  });
});
