/** The configurations that the collector's tests share: one polled meter, one on MQTT, a prepaid account. */
import type { CollectorConfig } from "../../headend/config.ts";
import { minor, pricePerKwh } from "../../src/core/money.ts";
import { simSigner } from "../../src/simulation/cipher.ts";
import { meterId, TEST_MODEL } from "./fakes.ts";
import { BROKER, BUS, SECOND, type World } from "./world.ts";

export const M1 = meterId("m1");
export const Q1 = meterId("q1");
/** 0.25 a kWh in cents: 25 cents, in millionths. */
const PRICE = pricePerKwh(25_000_000n);

export function account(meter = M1) {
  return { meter, currency: "EUR", price: PRICE, warnAt: minor(50n), cutAt: minor(0n), initial: minor(100n) };
}

export function busConfig(more: Partial<CollectorConfig> = {}): CollectorConfig {
  return {
    lines: [
      {
        link: BUS,
        framing: "rtu",
        responseTimeout: 200_000,
        pollEvery: SECOND,
        meters: [{ id: M1, unit: 1, model: TEST_MODEL, password: 1234 }],
      },
    ],
    clock: STANDING_STILL,
    ...more,
  };
}

/** The fake's clock shows what it was set to last: nothing to be told of. */
const STANDING_STILL = { correct: false, correctBeyond: 5 * SECOND, alarmBeyond: Number.POSITIVE_INFINITY };

export const mqttConfig = (more: Partial<CollectorConfig> = {}): CollectorConfig => ({
  lines: [],
  mqtt: { link: BROKER, signer: simSigner("head-end"), meters: [{ id: Q1, model: TEST_MODEL }] },
  ...more,
});

export const states = (world: World, id = 1) =>
  world.notices.flatMap((n) => (n.kind === "order" && n.order.id === id ? [n.order.state] : []));
