/** Somebody else at the broker, with Mosquitto's own clients: what was not signed for this meter, now, is not carried out. */
import { beforeAll, expect, test } from "vitest";
import { describeWithPeers } from "../peers.ts";
import { type Program, runCli } from "../programs.ts";
import { eventually, Headend, heard, mosquittoPub, mosquittoSub, startMqttMeter } from "./mosquitto-support.ts";
import { Cleanup } from "./support.ts";

describeWithPeers("a stranger at the broker", ["mosquitto_sub", "mosquitto_pub"], () => {
  const cleanup = new Cleanup();
  let headend: Headend;
  let spy: Program;
  let at: readonly string[];

  const messages = (channel: string) =>
    heard(spy)
      .filter(({ topic }) => topic === `meters/flat-7/${channel}`)
      .map(({ payload }) => JSON.parse(payload) as Record<string, unknown>);
  /** Publishes a command and gives the meter's answer to it. */
  async function say(command: object): Promise<Record<string, unknown> | undefined> {
    const before = messages("resp").length;
    await mosquittoPub([...at, "-q", "1", "-t", "meters/flat-7/cmd", "-m", JSON.stringify(command)]);
    await eventually(
      () => messages("resp").length > before,
      () => spy.stdout(),
    );
    return messages("resp")[before];
  }
  const relay = (action: string) => runCli(["relay", action, "flat-7", ...headend.api()]);

  beforeAll(async () => {
    headend = await Headend.start(cleanup, []);
    at = ["-h", "127.0.0.1", "-p", String(headend.port)];
    spy = await mosquittoSub(cleanup, [...at, "-t", "meters/#"]);
    await startMqttMeter(cleanup, "flat-7", ["--mqtt", `mqtt://127.0.0.1:${headend.port}`, "--interval", "0.5"]);
    await eventually(
      () => messages("telemetry").length >= 2,
      () => headend.log(),
    );
  });

  test("cannot order anything, neither before the head-end has nor with what it said", async () => {
    const unsigned = { version: 1, kind: "order", id: 9, operation: "relay-open", argument: 0 };
    const expires = "2099-01-01T00:00:00Z";
    expect(await say({ ...unsigned, expires })).toMatchObject({ kind: "rejected", reason: "unsigned", counter: null });

    expect(await relay("open")).toMatchObject({ code: 0, stdout: expect.stringContaining("read back open") });
    const order = messages("cmd").find(({ kind, signature }) => kind === "order" && signature !== undefined);
    expect(order).toMatchObject({ id: 1, operation: "relay-open" });
    const turned = { ...order, operation: "relay-close" };
    expect(await say(turned)).toMatchObject({ kind: "rejected", reason: "bad-signature" });
    expect(await say({ ...order, id: 2 })).toMatchObject({ kind: "rejected", reason: "bad-signature" });
    expect(await say({ ...order, expires })).toMatchObject({ kind: "rejected", reason: "bad-signature" });
    // The same once more is answered by what was done, and does nothing.
    expect(await say({ ...order })).toMatchObject({ kind: "outcome", id: 1, status: "done", relay: 0 });
    expect(await say({ ...order, key: "00".repeat(32) })).toMatchObject({ kind: "rejected", reason: "other-key" });
    expect(await say({ version: 1, kind: "query", id: 77 })).toMatchObject({ kind: "state", query: 77, relay: 0 });
  });
});
