/** Events over MQTT: when one begins, ends or is done, a message by itself, read here with JSON.parse. */

import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { MqttFace } from "../../../firmware-sim/faces/mqtt.ts";
import { Meter } from "../../../firmware-sim/meter.ts";
import { DirectChip } from "../../../firmware-sim/metrology/direct-chip.ts";
import { MemoryNvram } from "../../../firmware-sim/nvram/nvram.ts";
import { checkSettings } from "../../../firmware-sim/settings.ts";
import { findModel } from "../../../protocols/models/index.ts";
import type { MeterModel } from "../../../protocols/models/model.ts";
import { encodeCommand } from "../../../protocols/mqtt/message.ts";
import { signOrder } from "../../../protocols/mqtt/order-proof.ts";
import type { OrderNumber, OrderOperation } from "../../../protocols/orders.ts";
import { type LinkEffect, linkId } from "../../../src/core/actor.ts";
import { civil, mono, type Now } from "../../../src/core/time.ts";
import { simSigner, simVerify } from "../../../src/simulation/cipher.ts";

const START = 1_767_225_600;
const LINK = linkId("broker");
const at = (seconds: number): Now => ({ mono: mono(seconds * 1e6), civil: civil((START + seconds) * 1e6) });
const schema = new Ajv2020({ strict: true, allowUnionTypes: true });
schema.addSchema(JSON.parse(readFileSync(new URL("../../../docs/mqtt.schema.json", import.meta.url), "utf8")));

/** 230 V and 1 kW, but 290 V (26 % above Un) while `high`. */
class Site {
  #counter = 0;
  high = false;
  seconds = 0;
  readonly nvram = new MemoryNvram();
  meter: Meter;
  #face: MqttFace;

  readonly #settings: unknown;

  constructor(settings: Readonly<Record<string, unknown>> = {}) {
    // The load has no neutral current.
    this.#settings = { events: { neutralAbnormal: { trigger: 0 } }, ...settings };
    this.meter = this.#powerOn();
    this.#face = this.#newFace();
  }

  #powerOn(): Meter {
    const model = findModel("meterworks-1p") as MeterModel;
    const settings = checkSettings(this.#settings, model);
    if (!settings.ok) throw new Error(settings.error);
    const load = {
      fill: (_: number, [phase]: readonly { voltage: number; active: number; current: number }[]) => {
        Object.assign(phase as object, {
          voltage: this.high ? 290_000 : 230_000,
          active: 1_000_000,
          apparent: 1_000_000,
          current: 4_400_000,
        });
      },
    };
    const meter = Meter.powerOn(
      {
        ...{ id: "flat-7", model, nvram: this.nvram, password: 1, checkpointEvery: 1e12, settings: settings.value },
        chip: (start) => new DirectChip({ phases: 1, load, start }),
      },
      at(this.seconds),
    );
    if (!meter.ok) throw new Error(meter.error);
    return meter.value;
  }

  #newFace(): MqttFace {
    const options = { link: LINK, interval: 3_600e6, nvram: this.nvram, verify: simVerify };
    return new MqttFace(this.meter, options, at(this.seconds));
  }

  /** As a host does: the face is woken when it wanted to be. */
  until(seconds: number): Message[] {
    const effects: LinkEffect[] = [];
    for (;;) {
      const wake = Math.min(this.#face.nextWake().civil, (START + seconds) * 1e6) / 1e6 - START;
      this.seconds = Math.max(this.seconds, wake);
      effects.push(...this.#face.wake(at(this.seconds)));
      if (this.seconds >= seconds) return messages(effects);
    }
  }

  open(): Message[] {
    return messages(this.#face.handle({ kind: "opened", link: LINK }, at(this.seconds)));
  }

  order(id: number, operation: OrderOperation, argument = 0): Message[] {
    const expires = civil(Date.parse("2030-01-01T00:00:00Z") * 1_000);
    const order = { id: id as OrderNumber, operation, argument };
    this.#counter += 1;
    const proof = signOrder(simSigner("head-end"), "flat-7", order, expires, this.#counter);
    const payload = encodeCommand({ kind: "order", order, expires, proof });
    const event = { kind: "message", link: LINK, topic: "meters/flat-7/cmd", payload, token: undefined } as const;
    return messages(this.#face.handle(event, at(this.seconds)));
  }

  powerLoss(seconds: number): void {
    this.meter.powerFail(at(this.seconds));
    this.seconds += seconds;
    this.meter = this.#powerOn();
    this.#face = this.#newFace();
  }
}

interface Message {
  readonly channel: string;
  readonly [field: string]: unknown;
}

function messages(effects: readonly LinkEffect[]): Message[] {
  return effects.flatMap((e) => {
    if (e.kind !== "publish") return [];
    expect([e.qos, e.retain]).toEqual([1, false]);
    const channel = e.topic.replace("meters/flat-7/", "");
    const document = JSON.parse(new TextDecoder().decode(e.payload));
    const name = { telemetry: "telemetry", event: "event", resp: "response" }[channel];
    expect(schema.validate(`urn:meterworks:mqtt:1#/$defs/${name}`, document), schema.errorsText()).toBe(true);
    return [{ channel, ...document }];
  });
}

const events = (all: readonly Message[]) => all.filter(({ channel }) => channel === "event");

test("over-voltage: one message when it has held for its delay, one when it is gone, each with the energies of then", () => {
  const site = new Site();
  expect(events(site.open())).toEqual([]);
  expect(events(site.until(100))).toEqual([]);
  site.high = true;
  const begun = events(site.until(200));
  expect(begun).toMatchObject([
    {
      version: 1,
      meter: "flat-7",
      kind: "event",
      event: "overVoltage",
      phase: 1,
      state: "begin",
      sequence: 1,
      end: null,
    },
  ]);
  const start = Date.parse(`${begun[0]?.["start"]}Z`) / 1000 - START;
  // A window of the chip behind 100 s, and the delay of 60 s.
  expect(start).toBeGreaterThanOrEqual(160);
  expect(start).toBeLessThanOrEqual(162);
  // 1 kW since the start, cut to mWh.
  expect(begun[0]?.["values"]).toMatchObject({ "1-0:1.8.0": expect.stringMatching(/^0\.04[45]/) });
  site.high = false;
  expect(events(site.until(300))).toMatchObject([
    { event: "overVoltage", phase: 1, state: "end", sequence: 2, start: begun[0]?.["start"] },
  ]);
});

test("what happens while the broker is away waits, in order, with telemetry; the power may fail meanwhile", () => {
  const site = new Site();
  site.until(10);
  site.high = true;
  site.until(200);
  site.powerLoss(30);
  const told = site.open();
  expect(events(told)).toMatchObject([
    { event: "overVoltage", state: "begin", sequence: 1 },
    { event: "powerOutage", state: "begin", sequence: 2, phase: 0 },
    { event: "powerOutage", state: "end", sequence: 3, phase: 0 },
  ]);
  expect(told.filter(({ channel }) => channel === "telemetry").map((t) => t["sequence"])).toEqual([1, 2]);
});

test("an order's event comes with its outcome; what has no length is done", () => {
  const site = new Site();
  site.open();
  expect(site.order(5, "relay-open")).toMatchObject([
    { channel: "resp", kind: "outcome", id: 5, status: "done", relay: 0 },
    { channel: "event", event: "relayTrip", state: "done", sequence: 1 },
    { channel: "event", event: "programming", state: "done", sequence: 2 },
  ]);
});

test("credit orders: their outcomes, and the balance in telemetry", () => {
  const site = new Site({ credit: { opening: 5_000, hoardingLimit: 10_000 } });
  site.open();
  const status = (id: number, operation: OrderOperation, argument: number) =>
    site.order(id, operation, argument)[0]?.["status"];
  expect(status(1, "credit-add", 2_000)).toBe("done");
  expect(status(1, "credit-add", 2_000)).toBe("done");
  expect(status(2, "credit-add", 4_000)).toBe("refused");
  expect(status(3, "credit-refund", 500)).toBe("done");
  expect(status(4, "credit-refund", 9_000)).toBe("refused");
  expect(status(5, "credit-add", -1)).toBe("bad-argument");
  const [telemetry] = site.until(3_600).filter(({ channel }) => channel === "telemetry");
  expect(telemetry?.["values"]).toMatchObject({ "0-0:19.10.0": "6500" });
  const other = new Site();
  other.open();
  expect(other.order(1 as OrderNumber, "credit-add", 100)[0]?.["status"]).toBe("refused");
});
