/** What several groups make of an answer: a refusal with its error byte, the data behind an identifier. */
import { errText } from "../../../../protocols/dlt645/errors.ts";
import { ABNORMAL, controlHex, FROM_METER, FUNCTION } from "../../../../protocols/dlt645/functions.ts";
import { type Identifier, identifierAt, showIdentifier } from "../../../../protocols/dlt645/identifier.ts";
import { DI_BYTES } from "../../../../protocols/dlt645/message.ts";
import type { Probe } from "../../probe.ts";
import type { Verdict } from "../check.ts";
import { readOf } from "./frames.ts";
import { type Answer, ask, failed, wrongControl } from "./talk.ts";

const REPLY = FUNCTION.read | FROM_METER;

/** Why an answer is no refusal of this function with one of these bits of ERR. */
export function wrongRefusal(answer: Answer, code: number, bits: number): Verdict | undefined {
  const wrong = wrongControl(answer, code | FROM_METER | ABNORMAL);
  if (wrong !== undefined) return wrong;
  const data = answer.frame?.data ?? new Uint8Array(0);
  if (data.length !== 1) return failed(answer.heard, `${data.length} data bytes, expected the one byte ERR`);
  const [err = 0] = data;
  if ((err & bits) !== 0) return undefined;
  return failed(answer.heard, `ERR ${controlHex(err)} (${errText(err)}), expected ${errText(bits)}`);
}

type Read = { readonly data: Uint8Array } | { readonly refused: true } | { readonly wrong: Verdict };

/** The data behind an identifier, that the meter refuses it, or why its answer is neither. */
export function* readData(address: string, id: Identifier): Probe<Read> {
  const answer = yield* ask(readOf(address, id));
  if (answer.frame?.control === (REPLY | ABNORMAL)) return { refused: true };
  const wrong = wrongData(answer, id);
  if (wrong !== undefined) return { wrong };
  return { data: answer.frame?.data.slice(DI_BYTES) ?? new Uint8Array(0) };
}

/** Why an answer is not the data of this identifier. */
export function wrongData(answer: Answer, id: Identifier): Verdict | undefined {
  const wrong = wrongControl(answer, REPLY);
  if (wrong !== undefined) return wrong;
  const data = answer.frame?.data ?? new Uint8Array(0);
  if (data.length < DI_BYTES) return failed(answer.heard, `${data.length} data bytes: no identifier`);
  const told = identifierAt(data, 0);
  if (told === id) return undefined;
  return failed(answer.heard, `data of ${showIdentifier(told)}, asked for ${showIdentifier(id)}`);
}
