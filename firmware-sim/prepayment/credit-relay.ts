/** Credit in the meter: when it wants to be looked at, and what it means for the relay. */
import type { LocalSecond } from "../clock/local-time.ts";
import type { RelayControl } from "../relay/relay.ts";
import type { Credit } from "./credit.ts";

/**
 * Opens the relay where credit is gone, and lets the customer close it where it is back. To be called whenever credit has been booked or its friendly time has changed. Only credit's own trip is called off.
 */
export function followCredit(credit: Credit, relay: RelayControl, at: LocalSecond): void {
  const { closed, tripAt, tripReason } = relay.status();
  const trip = credit.wantsTrip;
  if (closed && trip !== undefined && tripAt === undefined) relay.order("trip", "credit", at);
  else if (closed && trip === undefined && tripReason === "credit") relay.order("allowClose", "credit", at);
  const now = relay.status();
  if (!now.closed && now.reason === "credit" && !now.closeAllowed && credit.mayClose === "allowed")
    relay.order("allowClose", "credit", at);
}

/** µs until credit reaches its next level when the phases go on with these powers, mW. */
export function microsToLevel(credit: Credit, active: readonly number[], net: boolean): number {
  let milliwatts = 0;
  for (const power of active) milliwatts += net ? power : Math.max(0, power);
  return milliwatts > 0 ? Math.ceil((credit.nextEnergyEdge * 1_000) / milliwatts) : Number.POSITIVE_INFINITY;
}
