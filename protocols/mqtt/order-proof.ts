/**
 * What proves an order over MQTT: the head-end's key, a counter that only rises, and a signature over meter, order, deadline
 * and counter. A recorded order is no use for another meter, at another time, or a second time.
 */
import { fromHex, toHex } from "../../src/core/bytes.ts";
import { failure, type Result, success } from "../../src/core/result.ts";
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES, type Signer, type Verify } from "../../src/core/signature.ts";
import { utf8 } from "../../src/core/text.ts";
import type { Civil } from "../../src/core/time.ts";
import type { JsonObject } from "../json.ts";
import type { MeterOrder } from "../orders.ts";
import type { PayloadError } from "./errors.ts";
import { readInteger } from "./fields.ts";

export interface OrderProof {
  /** Higher than that of every order that the meter took before. */
  readonly counter: number;
  readonly key: Uint8Array;
  readonly signature: Uint8Array;
}

/** What is signed: lines of text, each ended by a line feed, the deadline in microseconds since 1970. */
function signedText(meter: string, order: MeterOrder, expires: Civil, counter: number): Uint8Array {
  const { id, operation, argument } = order;
  const lines = ["meterworks order 1", meter, id, operation, argument, expires, counter];
  return utf8(lines.map((line) => `${line}\n`).join(""));
}

export function signOrder(
  signer: Signer,
  meter: string,
  order: MeterOrder,
  expires: Civil,
  counter: number,
): OrderProof {
  return {
    ...{ counter, key: signer.publicKey },
    signature: signer.sign(signedText(meter, order, expires, counter)),
  };
}

/** Whether the owner of the proof's key signed this order for this meter; whose key it is, the caller decides. */
export function isSigned(verify: Verify, meter: string, order: MeterOrder, expires: Civil, proof: OrderProof): boolean {
  return verify(proof.key, signedText(meter, order, expires, proof.counter), proof.signature);
}

export function proofFields({ counter, key, signature }: OrderProof): JsonObject {
  return { counter, key: toHex(key), signature: toHex(signature) };
}

/** The proof of an order message; undefined where it has none at all. */
export function readProof(fields: JsonObject): Result<OrderProof | undefined, PayloadError> {
  if (["counter", "key", "signature"].every((name) => !Object.hasOwn(fields, name))) return success(undefined);
  const counter = readInteger(fields, "counter", 1);
  if (!counter.ok) return counter;
  const key = readHex(fields, "key", PUBLIC_KEY_BYTES);
  if (!key.ok) return key;
  const signature = readHex(fields, "signature", SIGNATURE_BYTES);
  if (!signature.ok) return signature;
  return success({ counter: counter.value, key: key.value, signature: signature.value });
}

function readHex(fields: JsonObject, name: string, length: number): Result<Uint8Array, PayloadError> {
  const text = fields[name];
  const bytes = typeof text === "string" && text.length === 2 * length ? fromHex(text) : undefined;
  if (bytes?.ok && bytes.value.length === length) return bytes;
  return failure({ kind: "bad-field", field: name, reason: `${2 * length} hex digits are needed` });
}
