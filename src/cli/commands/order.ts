/** `meterworks order`: one order of the head-end: how it stands, and a person's decision on it. */
import type { Command } from "commander";
import { type ApiFlags, addApiFlags, apiAccess } from "../api-options.ts";
import { decideOrder, getOrder, noteOnOrder, type OrderAnswer } from "../order-api.ts";
import { print, printJson } from "../output.ts";
import { choice, integer } from "../values.ts";

interface Flags extends ApiFlags {
  readonly json?: true;
}

const HELP = `
An order that needs more persons than its requester waits as "requested" until they have approved it. It can be cancelled
until it is sent: after that it may have been carried out, and the opposite order is the way back.

Examples:
  meterworks order show 17 --api http://127.0.0.1:8086 --token-file ./meters.db.token
  meterworks order approve 17 --token-file ./anna.token
  meterworks order cancel 17 --token-file ./anna.token`;

export function addOrder(program: Command): void {
  const command = program
    .command("order <action> <number>")
    .description("show, approve, reject or cancel an order of the head-end");
  addApiFlags(command).option("--json", "the order as JSON").addHelpText("after", HELP).action(run);
}

async function run(actionText: string, numberText: string, flags: Flags): Promise<void> {
  const action = choice("action", ["show", "approve", "reject", "cancel"] as const)(actionText);
  const id = integer("number", 1, Number.MAX_SAFE_INTEGER)(numberText);
  const access = apiAccess(flags);
  const order = action === "show" ? await getOrder(access, id) : await decideOrder(access, id, action);
  if (flags.json === true) printJson(order);
  else print(`${orderSentence(order)}: ${(await noteOnOrder(access, id)) ?? order.reason}`);
}

/** One order in one line. */
export function orderSentence(order: OrderAnswer): string {
  const relay =
    order.relayReadBack === null ? "" : `, relay read back ${order.relayReadBack === 1 ? "closed" : "open"}`;
  return `${order.meter}: order ${order.id} ${order.operation} is ${order.state}${relay}`;
}
