/**
 * What the head-end needs of a broker, whichever it is: one suite, run over the embedded one and over a real Mosquitto. Above
 * the broker are the real collector and the real links; the store is one that a test can hold up.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Link } from "../../src/platform/link.ts";
import type { MqttVersion } from "../../src/platform/mqtt-url.ts";
import { pause, until } from "../platform/support.ts";
import { ContractHeadend, HeldStore } from "./broker-headend.ts";
import { ContractMeter } from "./broker-meter.ts";

export interface BrokerHarness {
  /** Where meters find it. */
  readonly url: string;
  readonly version: MqttVersion;
  /** Who keeps what is published while there is no head-end: the broker, which acknowledges it, or the meter. */
  readonly keeper: "broker" | "meter";
  /** The head-end's link, at the same place and under the same name each time. */
  open(filters: readonly string[]): Promise<Link>;
  dispose(): Promise<void>;
}

const FILTERS = ["telemetry", "resp", "event"].map((channel) => `meters/+/${channel}`);
const METERS = Array.from({ length: 10 }, (_, i) => `m${i}`);
/** µs: never within a test, so that only the broker can bring an order; and soon. */
const NEVER_AGAIN = 600_000_000;
const SOON = 200_000;
/** ms in which something that must not come would have come. */
const QUIET = 150;

const numbered = (meter: string, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => `${meter}/${from + i}`);

export function brokerContract(name: string, make: () => Promise<BrokerHarness>): void {
  describe(`broker contract: ${name}`, () => {
    let harness: BrokerHarness;
    let store: HeldStore;
    let headend: ContractHeadend;
    let meter: ContractMeter;
    const meters: ContractMeter[] = [];

    async function start(resend = NEVER_AGAIN): Promise<void> {
      const link = await harness.open(FILTERS);
      headend = new ContractHeadend(link, { store, meters: METERS, resend });
      await until(() => link.open, "the head-end's link is open");
    }
    async function come(id: string): Promise<ContractMeter> {
      const one = new ContractMeter(id, harness.url, harness.version);
      meters.push(one);
      one.connect();
      await until(() => one.connected, `${id} is connected`);
      return one;
    }
    const stored = (count: number) => until(() => store.kept.readings.size >= count, `${count} readings are stored`);
    const orderState = () => store.kept.orders.get(1)?.state;

    beforeEach(async () => {
      harness = await make();
      store = new HeldStore();
      await start();
      meter = await come("m0");
    });
    afterEach(async () => {
      for (const one of meters.splice(0)) await one.leave();
      await headend.stop();
      await harness.dispose();
      expect(headend.bugs).toEqual([]);
    });

    test("what is published is what is stored, in order", async () => {
      meter.publish(20);
      await stored(20);
      expect(store.kept.readingsOf("m0")).toEqual(
        Array.from({ length: 20 }, (_, i) => ({
          ...{ meter: "m0", time: ContractMeter.timeOf(i + 1), source: "mqtt", sequence: i + 1, quality: "good" },
          // The fake meter begins at 1000 Wh and says 230.1 V.
          values: { voltageL1: 230_100, activeEnergyImport: (1_001 + i) * 1_000 },
        })),
      );
      expect(store.taken()).toEqual(numbered("m0", 1, 20));
      await until(() => meter.acknowledged.length === 20, "all acknowledged");
    });

    test("what many meters publish at once is stored, each once", async () => {
      const all = [meter, ...(await Promise.all(METERS.slice(1).map(come)))];
      for (const one of all) one.publish(30);
      await stored(300);
      expect(store.taken()).toEqual(METERS.flatMap((id) => numbered(id, 1, 30)));
    });

    test("what is published while the head-end is away is stored when it is back, each once", async () => {
      meter.publish(3);
      await until(() => meter.acknowledged.length === 3, "all acknowledged");
      await headend.stop();
      meter.publish(40);
      if (harness.keeper === "broker") await until(() => meter.acknowledged.length === 43, "the broker has it");
      else await pause(QUIET);
      expect(store.taken()).toEqual(numbered("m0", 1, 3));
      expect(meter.acknowledged).toHaveLength(harness.keeper === "broker" ? 43 : 3);
      await start();
      await stored(43);
      await until(() => meter.acknowledged.length === 43, "all acknowledged");
      await pause(QUIET);
      expect(store.taken()).toEqual(numbered("m0", 1, 43));
    });

    test("an acknowledgement comes after the commit, not before", async () => {
      // What the collector begins with is stored by now.
      await until(() => store.kept.batches > 0, "the start is stored");
      store.hold();
      meter.publish(5);
      await until(() => headend.delivered.length === 5 && store.waiting === 1, "given to the store");
      await pause(QUIET);
      expect(headend.acknowledged).toBe(0);
      if (harness.keeper === "meter") expect(meter.acknowledged).toEqual([]);
      store.release();
      await until(() => headend.acknowledged === 5 && meter.acknowledged.length === 5, "acknowledged");
      expect(store.taken()).toEqual(numbered("m0", 1, 5));
    });

    test("what a head-end had got and not committed comes again to the next, what it had committed does not", async () => {
      meter.publish(4);
      await until(() => headend.acknowledged === 4 && meter.acknowledged.length === 4, "acknowledged");
      await pause(QUIET);
      store.hold();
      meter.publish(6);
      await until(() => headend.delivered.length === 10 && store.waiting === 1, "given to the store");
      const dead = headend;
      await dead.stop();
      store.release();
      expect(store.taken()).toEqual(numbered("m0", 1, 4));
      await start();
      await stored(10);
      await until(() => headend.acknowledged === 6 && meter.acknowledged.length === 10, "acknowledged");
      await pause(QUIET);
      expect(headend.delivered).toEqual(dead.delivered.slice(4));
      expect(store.taken()).toEqual(numbered("m0", 1, 10));
    });

    test("a connection that is lost on the way loses nothing and stores nothing twice", async () => {
      for (let round = 0; round < 4; round++) {
        meter.publish(50);
        await stored(50 * round + 10);
        headend.link.close("the cable was pulled");
      }
      await stored(200);
      await until(() => meter.acknowledged.length === 200, "all acknowledged");
      await pause(QUIET);
      expect(store.taken()).toEqual(numbered("m0", 1, 200));
    });

    test("what is no message does not hold up what follows", async () => {
      for (const junk of ["", "{", '{"version":9}']) meter.say("telemetry", junk);
      meter.publish(3);
      await stored(3);
      await until(() => headend.acknowledged === 6, "all six acknowledged");
      expect(store.taken()).toEqual(numbered("m0", 1, 3));
    });

    test("an order reaches a meter that was away: the broker keeps it", async () => {
      await meter.leave();
      headend.order("m0", "k1");
      await until(() => orderState() === "sent", "the order is sent");
      await pause(QUIET);
      expect(meter.fake.device.done).toEqual([]);
      meter.connect();
      await until(() => orderState() === "done", "the order is done");
      expect(meter.fake.device.done).toEqual([{ id: 1n, operation: 1 }]);
      expect(store.kept.orders.get(1)).toMatchObject({ outcome: "done", relayReadBack: 0 });
    });

    test("so it does when the head-end went and came back meanwhile, and it is carried out once", async () => {
      await meter.leave();
      headend.order("m0", "k1");
      await until(() => orderState() === "sent", "the order is sent");
      await headend.stop();
      await start(SOON);
      meter.connect();
      await until(() => orderState() === "done", "the order is done");
      expect(meter.fake.device.done).toEqual([{ id: 1n, operation: 1 }]);
    });

    test("the answer to an order is not lost with the head-end that should have stored it", async () => {
      await until(() => store.kept.batches > 0, "the start is stored");
      meter.fake.answers = () => {
        store.hold();
        return true;
      };
      headend.order("m0", "k1");
      await until(() => store.waiting === 1, "the answer is given to the store");
      meter.fake.answers = () => true;
      await headend.stop();
      store.release();
      expect(orderState()).toBe("sent");
      await start(SOON);
      await until(() => orderState() === "done", "the order is done");
      expect(meter.fake.device.done).toEqual([{ id: 1n, operation: 1 }]);
    });
  });
}
