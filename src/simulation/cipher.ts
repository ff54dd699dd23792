/**
 * A signature for simulated time: it depends on the key and on every byte, and costs nothing. Whoever knows the scheme can
 * forge it, which nobody in the simulation does on purpose; Ed25519 is judged by tests of its own.
 */
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES, type Signer, type Verify } from "../core/signature.ts";

const FNV_PRIME = 0x0100_0193;
const FNV_START = 0x811c_9dc5;

function stamp(key: Uint8Array, message: Uint8Array): Uint8Array {
  let hash = FNV_START;
  for (const part of [key, message]) for (const byte of part) hash = Math.imul(hash ^ byte, FNV_PRIME) >>> 0;
  const signature = new Uint8Array(SIGNATURE_BYTES);
  for (let i = 0; i < signature.length; i++) {
    hash = Math.imul(hash ^ i, FNV_PRIME) >>> 0;
    signature[i] = hash >>> 24;
  }
  return signature;
}

/** @param name makes the key: another name is another signer */
export function simSigner(name: string): Signer {
  const publicKey = new Uint8Array(PUBLIC_KEY_BYTES);
  for (let i = 0; i < publicKey.length; i++) publicKey[i] = name.charCodeAt(i % name.length);
  return { publicKey, sign: (message) => stamp(publicKey, message) };
}

export const simVerify: Verify = (publicKey, message, signature) => {
  const right = stamp(publicKey, message);
  return signature.length === right.length && right.every((byte, i) => byte === signature[i]);
};
