/** Money taken = energy × price, to the smallest coin, and every account is the sum of its postings. */
import type { MeterReading, Posting, PrepaidAccount } from "../../../headend/ports.ts";
import { Findings, type Verdict } from "./verdict.ts";

/** Minor units of `mWh` at a price in 10^-6 minor units per kWh, by decimal long division on text: not the ledger's way. */
function charge(milliWattHours: bigint, price: bigint): bigint {
  const digits = (milliWattHours * price).toString();
  return digits.length <= 12 ? 0n : BigInt(digits.slice(0, -12));
}

export function checkMoney(
  accounts: readonly PrepaidAccount[],
  postings: readonly Posting[],
  readings: readonly MeterReading[],
): Verdict {
  const findings = new Findings("money taken = energy × price");
  for (const account of accounts) {
    const own = postings.filter((p) => p.meter === account.meter);
    const sum = (kind: Posting["kind"]) => own.reduce((all, p) => (p.kind === kind ? all + p.amount : all), 0n);
    findings.check(
      sum("topup") === account.toppedUp,
      () => `${account.meter}: top-ups add up to ${sum("topup")}, the account says ${account.toppedUp}`,
    );
    findings.check(
      sum("charge") === account.charged,
      () => `${account.meter}: charges add up to ${sum("charge")}, the account says ${account.charged}`,
    );
    if (account.energyFrom === null || account.energyTo === null) continue;
    const due = charge(BigInt(account.energyTo - account.energyFrom), account.price);
    findings.check(
      due === account.charged,
      () => `${account.meter}: ${account.energyTo} − ${account.energyFrom} mWh cost ${due}, charged ${account.charged}`,
    );
    const registers = readings
      .filter((r) => r.meter === account.meter && r.quality === "good")
      .map((r) => r.values.activeEnergyImport ?? 0);
    const highest = registers.reduce((a, b) => Math.max(a, b), 0);
    findings.check(
      registers.length === 0 || highest === account.energyTo,
      () => `${account.meter}: settled up to ${account.energyTo} mWh, the newest good register is ${highest}`,
    );
  }
  return findings.verdict();
}
