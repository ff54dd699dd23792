/** Signing as the pure layers see it: Ed25519 (RFC 8032) in the real world, something cheaper in the simulated one. */

export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

export interface Signer {
  /** {@link PUBLIC_KEY_BYTES} long. */
  readonly publicKey: Uint8Array;
  /** {@link SIGNATURE_BYTES} long. */
  sign(message: Uint8Array): Uint8Array;
}

/** Whether the signature is that of the key's owner on exactly this message; false for a key or signature of another length. */
export type Verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;
