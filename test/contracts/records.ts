/** Records for the tests of stores and of what reads them, written out by hand. */
import type { AuditEntry, MeterId, MeterReading, Order, Posting, PrepaidAccount } from "../../headend/ports.ts";
import type { OrderNumber } from "../../protocols/orders.ts";
import { minor, pricePerKwh } from "../../src/core/money.ts";
import { type Civil, civil } from "../../src/core/time.ts";

export const meterId = (id: string): MeterId => id as MeterId;
export const orderNumber = (id: number): OrderNumber => id as OrderNumber;

/** 2026-11-28T16:00:00Z in microseconds: beyond 32 bits, so that a narrow column shows. */
const T0 = 1_795_881_600_000_000;
export const at = (seconds: number): Civil => civil(T0 + seconds * 1_000_000);

export function reading(meter: string, seconds: number, change: Partial<MeterReading> = {}): MeterReading {
  return {
    meter: meterId(meter),
    time: at(seconds),
    source: "modbus",
    sequence: null,
    quality: "good",
    values: { voltageL1: 230_123, activeEnergyImport: 12_345_678 },
    ...change,
  };
}

export function order(id: number, meter: string, change: Partial<Order> = {}): Order {
  return {
    id: orderNumber(id),
    key: `key-${id}`,
    meter: meterId(meter),
    operation: "relay-open",
    argument: 0,
    state: "queued",
    reason: "operator",
    requestedAt: at(0),
    expiresAt: at(600),
    outcome: null,
    relayReadBack: null,
    finishedAt: null,
    terms: { requester: "operator", persons: 1, approvedBy: [], precondition: null, mass: null },
    ...change,
  };
}

export function posting(key: string, meter: string, change: Partial<Posting> = {}): Posting {
  return { key, meter: meterId(meter), at: at(0), kind: "topup", amount: minor(1000n), energyTo: null, ...change };
}

export function account(meter: string, change: Partial<PrepaidAccount> = {}): PrepaidAccount {
  return {
    meter: meterId(meter),
    currency: "EUR",
    price: pricePerKwh(31_500_000n),
    warnAt: minor(200n),
    cutAt: minor(0n),
    toppedUp: minor(1000n),
    charged: minor(0n),
    energyFrom: null,
    energyTo: null,
    ...change,
  };
}

export function audit(action: string, change: Partial<AuditEntry> = {}): AuditEntry {
  return { at: at(0), actor: "operator", action, meter: null, order: null, detail: "", ...change };
}
