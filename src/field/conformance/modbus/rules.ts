/** The commonest shapes of a check: one request, and what its answer must be. */
import { exceptionText } from "../../../../protocols/modbus/errors.ts";
import { toHex } from "../../../core/bytes.ts";
import type { Probe } from "../../probe.ts";
import { fail, PASS, skip, type Verdict } from "../check.ts";
import { type Answer, ask, type ModbusCheck, type ModbusTarget, showAnswer, stillAnswers } from "./target.ts";

type Common = Pick<ModbusCheck, "id" | "group" | "clause" | "title" | "request"> & {
  readonly needs?: readonly string[];
  readonly writes?: true;
};

/** Whether an answer is that exception. */
export function isException(answer: Answer, code: number): boolean {
  return answer.kind === "reply" && ((answer.pdu[0] as number) & 0x80) !== 0 && answer.pdu[1] === code;
}

export function judgeException(answer: Answer, ...codes: readonly number[]): Verdict {
  if (codes.some((code) => isException(answer, code))) return PASS;
  return fail(
    showAnswer(answer),
    `exception ${codes.map((c) => c.toString(16).padStart(2, "0")).join(" or ")} belongs here`,
  );
}

/** The PDU of a good reply of exactly so many bytes, or the verdict on what came instead. */
export function goodReply(answer: Answer, length: number): Uint8Array | Verdict {
  if (answer.kind !== "reply" || ((answer.pdu[0] as number) & 0x80) !== 0)
    return fail(showAnswer(answer), "a good reply belongs here");
  if (answer.pdu.length === length) return answer.pdu;
  return fail(showAnswer(answer), `a reply of ${length} bytes belongs here, not of ${answer.pdu.length}`);
}

export function isVerdict(value: Uint8Array | Verdict): value is Verdict {
  return "kind" in value;
}

/** A request that must be refused with one exception. */
export function refusal(
  rule: Common & { readonly pdu: (target: ModbusTarget) => Uint8Array; readonly code: number },
): ModbusCheck {
  const { pdu, code, ...common } = rule;
  const text = exceptionText(code).split(":")[0];
  return {
    ...common,
    expectation: `exception ${code.toString(16).padStart(2, "0")} (${text})`,
    *run(target) {
      return judgeException(yield* ask(target, pdu(target)), code);
    },
  };
}

/** Requests that must all be refused with one exception. */
export function refusals(
  rule: Common & { readonly pdus: (target: ModbusTarget) => readonly Uint8Array[]; readonly code: number },
): ModbusCheck {
  const { pdus, code, ...common } = rule;
  return {
    ...common,
    expectation: `exception ${code.toString(16).padStart(2, "0")} to each`,
    *run(target) {
      const all = pdus(target);
      if (all.length === 0) return skip("the map declares no function for it");
      for (const pdu of all) {
        const verdict = judgeException(yield* ask(target, pdu), code);
        if (verdict.kind === "fail")
          return { ...verdict, seen: `${verdict.seen} to ${toHex(pdu.subarray(0, 12), " ")}` };
      }
      return PASS;
    },
  };
}

/** Bytes that nobody may answer, after which the device still works. */
export function* mustBeSilent(target: ModbusTarget, send: Uint8Array, what: string): Probe<Verdict> {
  const { patience, quiet } = target;
  const heard = yield { kind: "exchange", send, listen: { first: patience, quiet } };
  if (heard.bytes.length > 0)
    return fail(`${toHex(heard.bytes.subarray(0, 24), " ")} came`, `nothing may answer ${what}`);
  return yield* stillAnswers(target, what);
}
