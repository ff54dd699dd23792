/** `meterworks relay`: open or close a meter's relay through the head-end, and wait for what the meter says. */
import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { type ApiAccess, MILLIS_PER_SECOND } from "../api-client.ts";
import { type ApiFlags, addApiFlags, apiAccess } from "../api-options.ts";
import { failed, usage } from "../errors.ts";
import { getOrder, noteOnOrder, type OrderAnswer, type OrderWish, orderByApi } from "../order-api.ts";
import { print, printJson } from "../output.ts";
import { choice, isoTime, meterName, number } from "../values.ts";
import { orderSentence } from "./order.ts";

interface Flags extends ApiFlags {
  readonly key?: string;
  readonly wait: number;
  readonly direct?: true;
  readonly expiresAt?: string;
  readonly ifRelay?: "open" | "closed";
  readonly ifBalance?: string;
  readonly json?: true;
}

const ENDS = ["done", "failed", "expired", "refused", "cancelled"];
const ASK_EVERY_MS = 200;

const HELP = `
"close" lets the customer close the relay by the meter's button, so that nobody is taken by surprise; --direct closes it from
here. Exit code 0 when the meter's relay was read back as it was ordered, 1 otherwise.

Examples:
  meterworks relay open flat-7 --api http://127.0.0.1:8086 --token-file ./meters.db.token
  meterworks relay open flat-7 --if-balance 0.00 --expires-at 2026-11-30T18:00:00Z --token-file ./meters.db.token
  meterworks relay close flat-7 --direct --token-file ./meters.db.token`;

export function addRelay(program: Command): void {
  const command = program
    .command("relay <action> <meter>")
    .description("open or close a meter's relay as an order, and say what was read back");
  addApiFlags(command)
    .option("--key <KEY>", "names this order: the same key is the same order, done once (default: a new random one)")
    .option("--wait <S>", "wait so long for the end of the order", number("--wait", 0, 86_400), 30)
    .option("--direct", "close: at once, without the customer's button")
    .option(
      "--expires-at <TIME>",
      "the order's deadline, ISO 8601 in UTC (default: a day from now)",
      isoTime("--expires-at"),
    )
    .option(
      "--if-relay <STATE>",
      "only if the relay is open or closed just before the order is sent",
      choice("--if-relay", ["open", "closed"] as const),
    )
    .option(
      "--if-balance <AMOUNT>",
      "only if the prepaid balance is at most this just before the order is sent",
      balance,
    )
    .option("--json", "the order as JSON")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(actionText: string, meterText: string, flags: Flags): Promise<void> {
  const action = choice("action", ["open", "close"] as const)(actionText);
  const meter = meterName("meter")(meterText);
  const access = apiAccess(flags);
  let order = await orderByApi(access, wishOf(action, meter, flags));
  const deadline = performance.now() + flags.wait * MILLIS_PER_SECOND;
  while (!ENDS.includes(order.state) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
    order = await getOrder(access, order.id);
  }
  if (flags.json === true) printJson(order);
  else print(orderSentence(order));
  if (order.state !== "done") throw failed(`order ${order.id} is ${order.state}`, await whatNext(access, order));
}

function wishOf(action: "open" | "close", meter: string, flags: Flags): OrderWish {
  const { expiresAt, ifRelay: relay, ifBalance: balanceAtMost } = flags;
  const operation = action === "open" ? "relay-open" : flags.direct === true ? "relay-close" : "relay-allow";
  const precondition = {
    ...(relay === undefined ? {} : { relay }),
    ...(balanceAtMost === undefined ? {} : { balanceAtMost }),
  };
  return {
    ...{ meter, operation, key: flags.key ?? randomUUID() },
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(Object.keys(precondition).length === 0 ? {} : { precondition }),
  };
}

function balance(text: string): string {
  if (/^-?\d{1,15}(\.\d{1,3})?$/.test(text)) return text;
  throw usage(`--if-balance "${text}" is no amount`, "for example 0.00");
}

/** The order's own reason says why it was asked for; why it came to nothing is in the audit. */
async function whatNext(access: ApiAccess, order: OrderAnswer): Promise<string | undefined> {
  if (ENDS.includes(order.state)) return noteOnOrder(access, order.id);
  if (order.state === "requested") return `another person must approve it: meterworks order approve ${order.id}`;
  return "the head-end goes on trying until it expires; ask again with the same --key";
}
