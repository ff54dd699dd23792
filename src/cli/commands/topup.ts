/** `meterworks topup`: credit for a prepaid meter, through the head-end. */
import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { currencyOf } from "../../core/money.ts";
import { topUpByApi } from "../api-client.ts";
import { type ApiFlags, addApiFlags, apiAccess } from "../api-options.ts";
import { print, printJson } from "../output.ts";
import { meterName, money } from "../values.ts";

interface Flags extends ApiFlags {
  readonly key?: string;
  readonly currency: string;
  readonly json?: true;
}

const HELP = `
The same --key books the same top-up once, however often it is sent: use the payment's number.

Example:
  meterworks topup flat-7 20.00 --api http://127.0.0.1:8086 --token-file ./meters.db.token --key payment-4712`;

export function addTopup(program: Command): void {
  const command = program
    .command("topup <meter> <amount>")
    .description("book credit for a prepaid meter; one that was cut off is switched on again");
  addApiFlags(command)
    .option("--currency <CODE>", "currency of the account", "EUR")
    .option("--key <KEY>", "names this top-up (default: a new random one)")
    .option("--json", "the receipt as JSON")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(meterText: string, amountText: string, flags: Flags): Promise<void> {
  const meter = meterName("meter")(meterText);
  const amount = money("amount", currencyOf(flags.currency))(amountText);
  const key = flags.key ?? randomUUID();
  const receipt = await topUpByApi(apiAccess(flags), { meter, amount, currency: flags.currency, key });
  if (flags.json === true) {
    printJson({ ...receipt, key });
    return;
  }
  const booked = receipt.booked ? "booked" : "was booked before, nothing was booked again:";
  print(
    `${receipt.meter}: ${booked} ${receipt.amount} ${receipt.currency}, balance ${receipt.balance} ${receipt.currency}`,
  );
}
