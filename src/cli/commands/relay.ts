/** `meterworks relay`: open or close a meter's relay through the head-end, and wait for what the meter says. */
import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import {
  type ApiAccess,
  getOrder,
  MILLIS_PER_SECOND,
  noteOnOrder,
  type OrderAnswer,
  orderByApi,
} from "../api-client.ts";
import { type ApiFlags, addApiFlags, apiAccess } from "../api-options.ts";
import { failed } from "../errors.ts";
import { print, printJson } from "../output.ts";
import { choice, meterName, number } from "../values.ts";

interface Flags extends ApiFlags {
  readonly key?: string;
  readonly wait: number;
  readonly json?: true;
}

const ENDS = ["done", "failed", "expired", "refused"];
const ASK_EVERY_MS = 200;

const HELP = `
Exit code 0 when the meter's relay was read back in the state that was asked for, 1 otherwise.

Example:
  meterworks relay open flat-7 --api http://127.0.0.1:8086 --token-file ./meters.db.token`;

export function addRelay(program: Command): void {
  const command = program
    .command("relay <action> <meter>")
    .description("open or close a meter's relay as an order, and say what was read back");
  addApiFlags(command)
    .option("--key <KEY>", "names this order: the same key is the same order, done once (default: a new random one)")
    .option("--wait <S>", "wait so long for the end of the order", number("--wait", 0, 86_400), 30)
    .option("--json", "the order as JSON")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(actionText: string, meterText: string, flags: Flags): Promise<void> {
  const action = choice("action", ["open", "close"] as const)(actionText);
  const meter = meterName("meter")(meterText);
  const access = apiAccess(flags);
  let order = await orderByApi(access, { meter, operation: `relay-${action}`, key: flags.key ?? randomUUID() });
  const deadline = performance.now() + flags.wait * MILLIS_PER_SECOND;
  while (!ENDS.includes(order.state) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
    order = await getOrder(access, order.id);
  }
  if (flags.json === true) printJson(order);
  else print(sentence(order));
  if (order.state !== "done") throw failed(`order ${order.id} is ${order.state}`, await whatNext(access, order));
}

function sentence(order: OrderAnswer): string {
  const relay =
    order.relayReadBack === null ? "" : `, relay read back ${order.relayReadBack === 1 ? "closed" : "open"}`;
  return `${order.meter}: order ${order.id} ${order.operation} is ${order.state}${relay}`;
}

/** The order's own reason says why it was asked for; why it came to nothing is in the audit. */
async function whatNext(access: ApiAccess, order: OrderAnswer): Promise<string | undefined> {
  if (ENDS.includes(order.state)) return noteOnOrder(access, order.id);
  return "the head-end goes on trying until it expires; ask again with the same --key";
}
