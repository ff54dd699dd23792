import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { signOrder } from "../../protocols/mqtt/order-proof.ts";
import type { OrderNumber } from "../../protocols/orders.ts";
import { fromHex, toHex } from "../../src/core/bytes.ts";
import { civil } from "../../src/core/time.ts";
import { keptSigner, readPublicKey, signerFromPem, verifyEd25519 } from "../../src/platform/ed25519.ts";
import { describeWithPeers, requirePeer } from "../peers.ts";
import { run } from "../programs.ts";

const hex = (text: string): Uint8Array => {
  const bytes = fromHex(text);
  if (!bytes.ok) throw new Error(bytes.error);
  return bytes.value;
};

/** RFC 8032, section 7.1, test 2 and test 3. */
const VECTORS = [
  {
    secret: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    key: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    message: "72",
    signature:
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  },
  {
    secret: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    key: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    message: "af82",
    signature:
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  },
];

/** PKCS #8 of a raw Ed25519 secret (RFC 8410). */
function pem(secret: string): string {
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.from(secret, "hex")]);
  return `-----BEGIN PRIVATE KEY-----\n${der.toString("base64")}\n-----END PRIVATE KEY-----\n`;
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ed25519-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("Ed25519", () => {
  test.each(VECTORS)(
    "signs $message as RFC 8032 does, and takes nothing else",
    ({ secret, key, message, signature }) => {
      const signer = signerFromPem(pem(secret), "the vector");
      expect(toHex(signer.publicKey)).toBe(key);
      expect(toHex(signer.sign(hex(message)))).toBe(signature);
      expect(verifyEd25519(hex(key), hex(message), hex(signature))).toBe(true);
      expect(verifyEd25519(hex(key), hex("73"), hex(signature))).toBe(false);
      expect(verifyEd25519(hex(key), hex(message), hex(signature).fill(1, 3, 4))).toBe(false);
      expect(verifyEd25519(hex("00".repeat(32)), hex(message), hex(signature))).toBe(false);
      expect(verifyEd25519(hex(key).subarray(1), hex(message), hex(signature))).toBe(false);
    },
  );
});

describe("the head-end's key", () => {
  test("is made once, kept for its owner only, and shown beside it", () => {
    const file = join(folder, "store.orderkey");
    const first = keptSigner(file);
    expect(toHex(keptSigner(file).publicKey)).toBe(toHex(first.publicKey));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(`${file}.pub`, "utf8")).toBe(`${toHex(first.publicKey)}\n`);
    expect(readPublicKey(`${file}.pub`)).toEqual(first.publicKey);
    expect(readPublicKey(toHex(first.publicKey))).toEqual(first.publicKey);
  });

  test("that is none is named with what makes one", () => {
    const file = join(folder, "wrong.key");
    writeFileSync(file, "secret");
    expect(() => keptSigner(file)).toThrow(/wrong\.key holds no private Ed25519 key/);
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    writeFileSync(file, privateKey.export({ type: "pkcs8", format: "pem" }));
    expect(() => keptSigner(file)).toThrow(/no private Ed25519 key/);
    expect(() => readPublicKey(file)).toThrow(/no public key of 64 hex digits/);
    expect(() => readPublicKey(join(folder, "none"))).toThrow(/can't be read/);
  });
});

describeWithPeers("Ed25519 beside openssl", ["openssl"], () => {
  test("openssl finds the signature of an order right over the lines that docs/mqtt.md states", async () => {
    const file = join(folder, "head-end.key");
    const signer = keptSigner(file);
    const order = { id: 17 as OrderNumber, operation: "relay-open", argument: 0 } as const;
    const proof = signOrder(signer, "flat-7", order, civil(1_795_536_000_000_000), 42);
    const text = "meterworks order 1\nflat-7\n17\nrelay-open\n0\n1795536000000000\n42\n";
    const [message, signature] = [join(folder, "message"), join(folder, "signature")];
    writeFileSync(message, text);
    writeFileSync(signature, proof.signature);
    const args = ["pkeyutl", "-verify", "-rawin", "-inkey", file, "-sigfile", signature, "-in", message];
    const check = async () => (await run(requirePeer("openssl"), args)).stdout;
    expect(await check()).toContain("Signature Verified Successfully");
    writeFileSync(message, text.replace("relay-open", "relay-shut"));
    expect(await check()).toContain("Verification Failure");
  });
});
