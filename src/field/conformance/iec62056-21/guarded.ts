/** Checks of passwords and writes: only what the map allows, and with values that the meter has already. */
import { parseDataSets } from "../../../../protocols/iec62056-21/dataset.ts";
import { ACK, NAK, SOH } from "../../../../protocols/iec62056-21/frame.ts";
import { buildCommand } from "../../../../protocols/iec62056-21/message.ts";
import type { Heard, Probe } from "../../probe.ts";
import { PASS, skip, type Verdict } from "../check.ts";
import { blockIn, isError } from "./blocks.ts";
import type { Iec62056Check, Iec62056Context } from "./check.ts";
import { command, session } from "./head.ts";
import { failed } from "./shown.ts";

const group = "write";
const clause = "6.3.7";

const order = (operation: string, address: string, value: string) => buildCommand({ operation, address, value });
const isDone = ({ bytes }: Heard) => bytes.length === 1 && bytes[0] === ACK;

function done(heard: Heard): Verdict | undefined {
  return isDone(heard) ? undefined : failed(heard, "no ACK");
}

/** NAK, an error message, or a break: anything but ACK that is an answer. */
function refused(heard: Heard): Verdict | undefined {
  const { bytes } = heard;
  if (isDone(heard)) return failed(heard, "it was done");
  if (bytes.length === 1 && bytes[0] === NAK) return undefined;
  const block = blockIn(bytes);
  if (block === undefined) return failed(heard, "neither NAK nor an error message nor a break");
  if (!block.good) return failed(heard, "the check character is wrong");
  if (bytes[0] === SOH && block.command === "B0") return undefined;
  return isError(block.data) ? undefined : failed(heard, "no error message");
}

function unlock({ map }: Iec62056Context): Probe<Heard> {
  return command(order("P1", "", map.password as string));
}

/** What differs from the right one in every character, letters and digits staying what they are. */
function wrongOf(password = "12345678"): string {
  return [...password].map((c) => (/\d/.test(c) ? String((Number(c) + 1) % 10) : c === "A" ? "B" : "A")).join("");
}

/** The value behind an address, as it is read and written. */
function* heldBy(address: string): Probe<string | undefined> {
  const heard = yield* command(order("R1", address, ""));
  const data = blockIn(heard.bytes)?.data ?? "";
  const sets = parseDataSets(data);
  return sets.ok && !isError(data) ? sets.value[0]?.groups[0]?.value : undefined;
}

/** Writes each of the map's addresses with what it has; a clock goes on meanwhile, so only the form of it is looked at. */
function* tried(context: Iec62056Context, judge: (heard: Heard) => Verdict | undefined): Probe<Verdict> {
  for (const address of context.map.writable) {
    const before = yield* heldBy(address);
    if (before === undefined) return skip(`the meter does not tell what ${address} is`);
    const heard = yield* command(order("W1", address, before));
    const wrong = judge(heard);
    if (wrong !== undefined) return wrong;
    const after = yield* heldBy(address);
    const form = (value = "") => value.replace(/\d/g, "0");
    if (form(after) !== form(before))
      return failed(heard, `${address} was ${before} and is ${after ?? "not there"} now`);
  }
  return PASS;
}

export const GUARDED: readonly Iec62056Check[] = [
  {
    ...{ id: "write.password", group, clause, title: "The right password", needs: ["programming", "password"] },
    ...{ request: "P1 with the password", expectation: "ACK" },
    run: (context) =>
      session(context, function* () {
        return done(yield* unlock(context)) ?? PASS;
      }),
  },
  {
    ...{ id: "write.same", group, clause, title: "Write with the password", writes: true },
    ...{ needs: ["programming", "password", "write"], request: "P1, then W1 to each address with its own value" },
    expectation: "ACK; a read gives a value of the same form",
    run: (context) =>
      session(context, function* () {
        return done(yield* unlock(context)) ?? (yield* tried(context, done));
      }),
  },
  {
    ...{ id: "write.unknown-address", group, clause: "6.3.11", title: "Write to an unknown address", writes: true },
    ...{ needs: ["programming", "password"], request: "P1, then W1 to an address that the meter does not have" },
    expectation: "an error message, or NAK",
    run: (context) =>
      session(context, function* () {
        yield* unlock(context);
        return refused(yield* command(order("W1", context.map.absent, "0"))) ?? PASS;
      }),
  },
  {
    ...{ id: "write.locked", group, clause, title: "Write without a password", writes: true },
    ...{ needs: ["programming", "write"], request: "W1 to each address with its own value" },
    expectation: "an error message, or NAK",
    run: (context) => session(context, () => tried(context, refused)),
  },
  {
    ...{ id: "write.next-session", group, clause, title: "A password ends with its session", writes: true },
    ...{ needs: ["programming", "password", "write"], request: "P1, break, sign-on, then W1" },
    expectation: "an error message, or NAK",
    *run(context) {
      const first = yield* session(context, function* () {
        return done(yield* unlock(context)) ?? PASS;
      });
      return first.kind === "pass" ? yield* session(context, () => tried(context, refused)) : first;
    },
  },
  {
    ...{ id: "write.wrong-password", group, clause, title: "A wrong password", writes: true },
    ...{ needs: ["programming", "wrong-password"], request: "P1 with a wrong password" },
    expectation: "an error message, NAK or a break",
    run: (context) =>
      session(context, function* () {
        return refused(yield* command(order("P1", "", wrongOf(context.map.password)))) ?? PASS;
      }),
  },
];
