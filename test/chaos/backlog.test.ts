import { join } from "node:path";
import { expect, it } from "vitest";
import { eventually, Headend, Mosquitto } from "../conformance/mosquitto-support.ts";
import { Cleanup } from "../conformance/support.ts";
import { describeWithPeers } from "../peers.ts";
import { freePort, REPOSITORY, start } from "../programs.ts";

const PUBLISHER = join(REPOSITORY, "dist/test/bench/ingest-publisher.js");
const [MESSAGES, METERS] = [6_000, 60];

describeWithPeers("a broker that gives thousands of messages at once", ["mosquitto"], () => {
  const cleanup = new Cleanup();

  it("is acknowledged to the last one: none is turned away and holds up the others", { timeout: 20_000 }, async () => {
    const port = await freePort();
    const broker = new Mosquitto(cleanup);
    const limits = ["max_queued_messages 0", "max_inflight_messages 0"];
    broker.configure([`listener ${port} 127.0.0.1`, "allow_anonymous true", ...limits]);
    await broker.start();
    const headend = await Headend.start(cleanup, ["--broker", `mqtt://127.0.0.1:${port}`]);
    await eventually(
      () => headend.log().includes("broker.connected"),
      () => "subscribed",
    );
    await headend.stop("SIGKILL");
    const args = [PUBLISHER, ...[port, MESSAGES, METERS, 500].map(String)];
    const publisher = cleanup.program(await start(process.execPath, args, { ready: /^ready/ }));
    process.kill(publisher.pid, "SIGUSR2");
    await eventually(
      () => publisher.exited(),
      () => "published",
    );
    await headend.start();
    const wanted = Array.from({ length: MESSAGES / METERS }, (_, i) => i + 1);
    const stored = () => headend.stored(`bench-000${METERS - 1}`);
    await eventually(
      () => stored().length === wanted.length,
      () => `${stored().length} of ${wanted.length} stored: ${headend.log().slice(-2_000)}`,
    );
    expect(stored()).toEqual(wanted);
  });
});
