/**
 * kill -9 of real processes (head-end, meter, Mosquitto) at the steps of an order's life: a proxy on the wire holds the very
 * message of the step, the process is killed, started again, and the order ends done. How often the meter did something is
 * read from its own event counts, over a connection that the head-end has no part in. All moments: simulation/order-kills.
 */

import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { describeWithPeers } from "../peers.ts";
import { freePort, type Program, runCli, startCli } from "../programs.ts";
import { type Direction, HoldingProxy } from "./holding-proxy.ts";
import { eventually, Mosquitto } from "./mosquitto-support.ts";
import { Cleanup } from "./support.ts";

type Victim = "head-end" | "meter" | "broker";
type Step = "queued" | "sent" | "carried out" | "acknowledged";

const MAILBOX = 0x1010;
const OUTCOME = 0x1020;
/** Event counts of the meter (docs/modbus.md): orders leave a programming record each; the relay's own trips and closings. */
const COUNTS = { programming: 0x107d, relayTrip: 0x1082, relayClose: 0x1083 };

/** Function and address of a Modbus TCP frame. */
const frame = (bytes: Buffer) => [bytes[7], bytes.readUInt16BE(8)] as const;
const is = (bytes: Buffer, code: number, address: number) =>
  bytes.length >= 10 && frame(bytes)[0] === code && frame(bytes)[1] === address;

const ON_MODBUS: Readonly<Record<Step, (bytes: Buffer, direction: Direction) => boolean>> = {
  queued: (bytes, direction) => direction === "to-meter" && is(bytes, 3, OUTCOME),
  sent: (bytes, direction) => direction === "to-meter" && is(bytes, 16, MAILBOX),
  "carried out": (bytes, direction) => direction === "from-meter" && is(bytes, 16, MAILBOX),
  acknowledged: (bytes, direction) => direction === "to-meter" && bytes[7] === 1,
};
const ON_MQTT: Readonly<Record<Exclude<Step, "queued">, (bytes: Buffer, direction: Direction) => boolean>> = {
  sent: (bytes, direction) => direction === "to-meter" && bytes.includes('"kind":"order"'),
  "carried out": (bytes, direction) => direction === "from-meter" && bytes.includes('"kind":"outcome"'),
  acknowledged: (bytes, direction) => direction === "to-meter" && bytes.includes('"kind":"query"'),
};
/** The state that the store has at the step. */
const STATES: Readonly<Record<Step, string>> = {
  ...{ queued: "queued", sent: "sent", "carried out": "sent", acknowledged: "acknowledged" },
};

const TOKEN = "0123456789abcdef0123456789abcdef";
const METER = { id: "flat-7", model: "meterworks-1p" };

class Site {
  readonly #cleanup = new Cleanup();
  readonly #directory = this.#cleanup.directory();
  readonly store = join(this.#directory, "site.db");
  readonly #wire: "modbus" | "mqtt";
  readonly #mosquitto: Mosquitto | undefined;
  #proxy: HoldingProxy | undefined;
  #meterPort = 0;
  #brokerPort = 0;
  #api = "";
  #programs: Partial<Record<"head-end" | "meter", Program>> = {};
  orders = 0;

  constructor(wire: "modbus" | "mqtt") {
    this.#wire = wire;
    if (wire === "mqtt") this.#mosquitto = new Mosquitto(this.#cleanup);
  }

  async start(): Promise<void> {
    this.#meterPort = await freePort();
    if (this.#mosquitto !== undefined) {
      this.#brokerPort = await freePort();
      this.#mosquitto.configure([`listener ${this.#brokerPort} 127.0.0.1`, "allow_anonymous true"]);
      await this.#mosquitto.start();
    }
    const overMqtt = this.#wire === "mqtt";
    this.#proxy = this.#cleanup.closing(
      await HoldingProxy.listen(overMqtt ? this.#brokerPort : this.#meterPort, overMqtt),
    );
    const line = { where: { tcp: `127.0.0.1:${this.#proxy.port}` }, pollSeconds: 300, timeoutSeconds: 0.3 };
    const config = overMqtt
      ? { mqtt: { meters: [METER] } }
      : { lines: [{ ...line, meters: [{ ...METER, unit: 1, password: 4711 }] }] };
    writeFileSync(join(this.#directory, "site.json"), JSON.stringify(config));
    await Promise.all([this.#startMeter(), this.#startHeadend()]);
  }

  async #startMeter(): Promise<void> {
    const face = this.#wire === "mqtt" ? ["--face", `mqtt@mqtt://127.0.0.1:${this.#proxy?.port}`] : [];
    const state = join(this.#directory, "meter");
    const args = ["meter", "--model", METER.model, "--id", METER.id, "--password", "4711", "--state", state];
    const where = ["--tcp", `127.0.0.1:${this.#meterPort}`, ...face];
    this.#programs.meter = this.#cleanup.program(await startCli([...args, ...where]));
  }

  async #startHeadend(): Promise<void> {
    const broker = this.#wire === "mqtt" ? `mqtt://127.0.0.1:${this.#brokerPort}` : "none";
    const config = ["--config", join(this.#directory, "site.json"), "--store", `sqlite:${this.store}`];
    const program = await startCli(["headend", ...config, "--broker", broker, "--http", "127.0.0.1:0"], {
      env: { METERWORKS_TOKEN: TOKEN },
      timeoutMs: 30_000,
    });
    this.#programs["head-end"] = this.#cleanup.program(program);
    this.#api = /http:\S+?(?=,|$)/.exec(program.ready)?.[0] ?? "";
  }

  async kill(...victims: readonly Victim[]): Promise<void> {
    for (const victim of victims)
      await (victim === "broker" ? this.#mosquitto?.kill() : this.#programs[victim]?.stop("SIGKILL"));
  }

  async revive(...victims: readonly Victim[]): Promise<void> {
    if (victims.includes("broker")) await this.#mosquitto?.start();
    const starts = [];
    if (victims.includes("meter")) starts.push(this.#startMeter());
    if (victims.includes("head-end")) starts.push(this.#startHeadend());
    await Promise.all(starts);
  }

  /** Holds the wire at a step. */
  hold(step: Step): void {
    if (this.#wire === "modbus") this.#proxy?.stopAt(ON_MODBUS[step]);
    else if (step !== "queued") this.#proxy?.stopAt(ON_MQTT[step]);
  }

  release(): void {
    this.#proxy?.release();
  }

  /** Relay orders in turn, so that each of them moves the relay. */
  async ask(): Promise<void> {
    this.orders += 1;
    const operation = this.orders % 2 === 1 ? "relay-open" : "relay-close";
    const answer = await fetch(`${this.#api}/api/v1/meters/${METER.id}/orders`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify({ operation, key: `order-${this.orders}` }),
    });
    expect(answer.status).toBe(202);
  }

  state(): string | undefined {
    const database = new BetterSqlite3(this.store, { readonly: true });
    try {
      return database.prepare("SELECT state FROM orders WHERE id = ?").pluck().get(this.orders) as string | undefined;
    } finally {
      database.close();
    }
  }

  async at(step: Step): Promise<void> {
    const reached = () => this.state() === STATES[step] && (this.#proxy?.held === true || this.#wire === "mqtt");
    await eventually(reached, () => `the order is ${this.state()}, not at ${step}`);
    if (step !== "queued" || this.#wire === "modbus")
      await eventually(
        () => this.#proxy?.held === true,
        () => `nothing is held at ${step}`,
      );
  }

  async done(): Promise<void> {
    await eventually(
      () => this.state() === "done",
      () => `order ${this.orders} is ${this.state()}`,
      25_000,
    );
  }

  /** One holding register of the meter, over a connection of our own. */
  async count(address: number): Promise<number> {
    const socket = connect(this.#meterPort, "127.0.0.1");
    const request = Buffer.from([0, 1, 0, 0, 0, 6, 1, 3, address >> 8, address & 255, 0, 1]);
    const reply = await new Promise<Buffer>((resolve, reject) => {
      socket.once("data", resolve).once("error", reject).write(request);
    });
    socket.destroy();
    return reply.readUInt16BE(9);
  }
}

async function killedAt(site: Site, step: Step, victims: readonly Victim[]): Promise<void> {
  if (step === "queued" && victims.includes("broker")) {
    await site.kill("broker");
    await site.ask();
    await site.at(step);
    await site.kill(...victims);
  } else {
    site.hold(step);
    await site.ask();
    await site.at(step);
    await site.kill(...victims);
    site.release();
  }
  await site.revive(...victims);
  await site.done();
  const counts = await Promise.all(
    [COUNTS.programming, COUNTS.relayTrip, COUNTS.relayClose].map((at) => site.count(at)),
  );
  const { orders } = site;
  expect([step, counts]).toEqual([step, [orders, Math.ceil(orders / 2), Math.floor(orders / 2)]]);
}

const LIFE = ["requested", "approved", "queued", "sent", "acknowledged", "verified", "done"];

async function auditTells(site: Site): Promise<void> {
  const { code, stdout } = await runCli(["audit", "verify", "--store", `sqlite:${site.store}`]);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^whole: /)]);
  const exported = await runCli(["audit", "export", "--store", `sqlite:${site.store}`]);
  const entries = exported.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { order: number; action: string });
  for (let order = 1; order <= site.orders; order++) {
    const states = entries.filter((entry) => entry.order === order).map(({ action }) => action.split(" ").at(-1));
    expect([order, states]).toEqual([order, LIFE]);
  }
}

describe("over Modbus TCP", () => {
  const site = new Site("modbus");
  const KILLS: readonly (readonly [Step, Victim])[] = [
    ["queued", "head-end"],
    ["sent", "meter"],
    ["carried out", "head-end"],
    ["carried out", "meter"],
    ["acknowledged", "head-end"],
  ];
  test("each order is done once, whoever is killed at whichever step", { timeout: 90_000 }, async () => {
    await site.start();
    for (const [step, victim] of KILLS) await killedAt(site, step, [victim]);
    await auditTells(site);
  });
});

describeWithPeers("over MQTT", ["mosquitto"], () => {
  const site = new Site("mqtt");
  const KILLS: readonly (readonly [Step, ...Victim[]])[] = [
    ["queued", "broker", "head-end"],
    ["sent", "head-end"],
    ["sent", "broker"],
    ["carried out", "meter"],
    ["carried out", "broker"],
    ["acknowledged", "head-end"],
  ];
  test("each order is done once, whoever is killed at whichever step", { timeout: 90_000 }, async () => {
    await site.start();
    for (const [step, ...victims] of KILLS) await killedAt(site, step, victims);
    await auditTells(site);
  });
});
