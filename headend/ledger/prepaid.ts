/**
 * Prepaid accounts at a flat price. What was used is always computed from the cumulative register since the account began,
 * so a fraction of a cent is never lost and no energy is charged twice, whatever the sequence of readings.
 */
import { cost, type Minor, minor } from "../../src/core/money.ts";
import { assert } from "../../src/core/result.ts";
import type { Civil } from "../../src/core/time.ts";
import type { PrepaidConfig } from "../config.ts";
import type { MeterId, Posting, PrepaidAccount } from "../ports.ts";

export type BalanceLevel = "good" | "warning" | "empty";

export function openAccount(config: PrepaidConfig): PrepaidAccount {
  return {
    meter: config.meter,
    currency: config.currency,
    price: config.price,
    warnAt: config.warnAt,
    cutAt: config.cutAt,
    toppedUp: minor(0n),
    charged: minor(0n),
    energyFrom: null,
    energyTo: null,
  };
}

export function balanceOf(account: PrepaidAccount): Minor {
  return minor(account.toppedUp - account.charged);
}

export function levelOf(account: PrepaidAccount): BalanceLevel {
  const balance = balanceOf(account);
  if (balance <= account.cutAt) return "empty";
  return balance <= account.warnAt ? "warning" : "good";
}

export interface Settlement {
  readonly account: PrepaidAccount;
  /** The charge of this step; undefined where it is below one minor unit so far. */
  readonly posting: Posting | undefined;
}

/**
 * Charges up to a +A register that was found plausible.
 * `energyTo` runs on where the register starts again from zero, so it may be above the register's digits.
 * @param energyImport the register, mWh
 * @param modulus where the register rolls over, mWh; undefined where it does not
 * @returns undefined when there is nothing to settle: no growth, or a register behind what is settled already
 */
export function settle(
  account: PrepaidAccount,
  energyImport: number,
  modulus: number | undefined,
  at: Civil,
): Settlement | undefined {
  if (account.energyFrom === null || account.energyTo === null)
    return { account: { ...account, energyFrom: energyImport, energyTo: energyImport }, posting: undefined };
  const growth = growthSince(account.energyTo, energyImport, modulus);
  if (growth <= 0) return undefined;
  const energyTo = account.energyTo + growth;
  assert(Number.isSafeInteger(energyTo), "an account ends long before 2^53 mWh");
  const charged = cost(BigInt(energyTo - account.energyFrom), account.price);
  const amount = minor(charged - account.charged);
  return {
    account: { ...account, charged, energyTo },
    posting:
      amount > 0n
        ? { key: `charge:${account.meter}:${energyTo}`, meter: account.meter, at, kind: "charge", amount, energyTo }
        : undefined,
  };
}

/** How far a register has come since an unrolled value; more than half the register's range back is a rollover, less is not. */
export function growthSince(settled: number, register: number, modulus: number | undefined): number {
  if (modulus === undefined) return register - settled;
  const growth = (((register - settled) % modulus) + modulus) % modulus;
  return growth > modulus / 2 ? growth - modulus : growth;
}

export function topUp(
  account: PrepaidAccount,
  amount: Minor,
  key: string,
  at: Civil,
): { readonly account: PrepaidAccount; readonly posting: Posting } {
  assert(amount > 0n, "a top-up is positive");
  return {
    account: { ...account, toppedUp: minor(account.toppedUp + amount) },
    posting: { key, meter: account.meter, at, kind: "topup", amount, energyTo: null },
  };
}

export function initialTopUpKey(meter: MeterId): string {
  return `initial:${meter}`;
}
