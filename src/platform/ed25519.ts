/** Ed25519 (RFC 8032) by Node's crypto, and the file that keeps a head-end's key. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fromHex, toHex } from "../core/bytes.ts";
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES, type Signer, type Verify } from "../core/signature.ts";
import { writeFileAtomic } from "./atomic-file.ts";
import { errorText, PlatformError } from "./errors.ts";

/** The key objects of the few keys that a process meets: making one costs more than a verification. */
const KEYS = new Map<string, KeyObject>();
const MOST_KEYS = 1_000;

function publicKeyOf(bytes: Uint8Array): KeyObject {
  const hex = toHex(bytes);
  const known = KEYS.get(hex);
  if (known !== undefined) return known;
  const x = Buffer.from(bytes).toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  if (KEYS.size >= MOST_KEYS) KEYS.clear();
  KEYS.set(hex, key);
  return key;
}

export const verifyEd25519: Verify = (publicKey, message, signature) => {
  if (publicKey.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  return verify(null, message, publicKeyOf(publicKey), signature);
};

/** @throws PlatformError where the text holds no private Ed25519 key in PEM form. `name` is for the sentence. */
export function signerFromPem(pem: string | Buffer, name: string): Signer {
  const key = readPrivateKey(pem, name);
  const { x } = createPublicKey(key).export({ format: "jwk" });
  const publicKey = new Uint8Array(Buffer.from(x as string, "base64url"));
  return { publicKey, sign: (message) => new Uint8Array(sign(null, message, key)) };
}

function readPrivateKey(pem: string | Buffer, name: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch {
    // Told below: Node's own words name neither the file nor what to do.
  }
  throw new PlatformError(
    "failed",
    `${name} holds no private Ed25519 key in PEM form without a passphrase`,
    "openssl genpkey -algorithm ed25519 -out FILE makes one",
  );
}

/** A new key that is kept nowhere: for the demo, whose meters end with it. */
export function temporarySigner(): Signer {
  return signerFromPem(newPem(), "the new key");
}

function newPem(): string {
  return generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }) as string;
}

/**
 * The head-end's key out of its file, made at the first start and readable by its owner only. Beside it `FILE.pub` has the
 * public key as hex, for meters that are to take no other.
 */
export function keptSigner(file: string): Signer {
  if (!existsSync(file)) writeFileAtomic(file, newPem());
  const signer = signerFromPem(read(file), file);
  const line = `${toHex(signer.publicKey)}\n`;
  const shown = `${file}.pub`;
  if (!existsSync(shown) || read(shown).toString() !== line) writeFileAtomic(shown, line, 0o644);
  return signer;
}

/** A public key: 64 hex digits, or the file that holds them. @throws PlatformError with what is wrong. */
export function readPublicKey(given: string): Uint8Array {
  const text = /^[0-9a-fA-F]{64}$/.test(given) ? given : read(given).toString().trim();
  const bytes = fromHex(text);
  if (bytes.ok && bytes.value.length === PUBLIC_KEY_BYTES) return bytes.value;
  throw new PlatformError(
    "failed",
    `${given} holds no public key of ${2 * PUBLIC_KEY_BYTES} hex digits`,
    "the head-end writes its own to the file of --order-key with .pub behind it",
  );
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new PlatformError("failed", `${file} can't be read: ${errorText(error)}`, "name a file that exists");
  }
}
