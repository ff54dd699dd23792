/** The prepaid customer's story: credit runs out, the light goes off, a top-up through the API brings it back. */

import type { PrepaidConfig } from "../../../headend/config.ts";
import type { MeterId, Notice } from "../../../headend/ports.ts";
import { type Minor, minor, type PricePerKwh, pricePerKwh } from "../../core/money.ts";
import { MILLIS_PER_SECOND, topUpByApi } from "../api-client.ts";
import { PREPAID_METER, PREPAID_WATTS } from "./fleet.ts";

/** Credit that lasts so many seconds of wall time, whatever the speed. */
const CREDIT_SECONDS = 3;
const INITIAL = minor(100n);
const DARK_SECONDS = 1.5;
/** Enough for three minutes, so that the second story comes only to those who watch. */
const TOP_UP = minor(6_000n);
const MICRO = 1_000_000n;

/** The price at which the initial credit lasts {@link CREDIT_SECONDS} of wall time at this speed. */
export function demoPrice(speed: number): PricePerKwh {
  const milliWattHours = BigInt(Math.max(1, Math.round((PREPAID_WATTS * 1_000 * CREDIT_SECONDS * speed) / 3_600)));
  return pricePerKwh((INITIAL * MICRO * MICRO) / milliWattHours);
}

export function prepaidConfig(speed: number): PrepaidConfig {
  return {
    meter: PREPAID_METER as MeterId,
    currency: "EUR",
    price: demoPrice(speed),
    warnAt: minor(INITIAL / 2n),
    cutAt: minor(0n),
    initial: INITIAL,
  };
}

export class PrepaidStory {
  readonly #elapsed: () => number;
  readonly #tell: (text: string) => void;
  #url: string | undefined;
  #token = "";
  #topUps = 0;
  #timer: NodeJS.Timeout | undefined;
  #warned = false;
  cutAfterSeconds: number | null = null;
  restoredAfterSeconds: number | null = null;

  /** @param elapsed seconds since the demo began */
  constructor(elapsed: () => number, tell: (text: string) => void) {
    this.#elapsed = elapsed;
    this.#tell = tell;
  }

  /** From here on top-ups can be sent. */
  begin(url: string, token: string): void {
    this.#url = url;
    this.#token = token;
  }

  take(notice: Notice): void {
    if (notice.kind === "balance" && notice.meter === PREPAID_METER) {
      if (notice.level === "warning" && !this.#warned) this.#tell(`${PREPAID_METER}: warning, the balance is low`);
      this.#warned = notice.level !== "good";
      return;
    }
    if (notice.kind !== "order" || notice.order.meter !== PREPAID_METER || notice.order.state !== "done") return;
    if (notice.order.operation === "relay-open") {
      this.cutAfterSeconds ??= round(this.#elapsed());
      this.#tell(`${PREPAID_METER}: relay read back OPEN; the customer tops up soon`);
      this.#timer = setTimeout(() => void this.#topUp(TOP_UP), DARK_SECONDS * MILLIS_PER_SECOND);
    } else if (notice.order.operation === "relay-close") {
      this.restoredAfterSeconds ??= round(this.#elapsed());
      this.#tell(`${PREPAID_METER}: relay read back closed; the light is on again`);
    }
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  async #topUp(amount: Minor): Promise<void> {
    if (this.#url === undefined) return;
    this.#topUps += 1;
    try {
      const receipt = await topUpByApi(
        { url: this.#url, token: this.#token },
        { meter: PREPAID_METER, amount, currency: "EUR", key: `demo-${this.#topUps}` },
      );
      this.#tell(`${PREPAID_METER}: top-up of ${receipt.amount} ${receipt.currency}, balance ${receipt.balance}`);
    } catch (error) {
      this.#tell(`${PREPAID_METER}: top-up failed: ${(error as Error).message}`);
    }
  }
}

function round(seconds: number): number {
  return Math.round(seconds * 1_000) / 1_000;
}
