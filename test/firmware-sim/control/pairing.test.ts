import { expect, test } from "vitest";
import { OrderPairing } from "../../../firmware-sim/control/pairing.ts";
import { signOrder } from "../../../protocols/mqtt/order-proof.ts";
import type { OrderNumber } from "../../../protocols/orders.ts";
import { civil } from "../../../src/core/time.ts";
import { simSigner, simVerify } from "../../../src/simulation/cipher.ts";

const EXPIRES = civil(1e15);
const ours = simSigner("head-end");
const theirs = simSigner("somebody");
const order = { id: 7 as OrderNumber, operation: "relay-open", argument: 0 } as const;
const signed = (counter: number, signer = ours, meter = "m1") => ({
  ...({ kind: "order", order, expires: EXPIRES } as const),
  proof: signOrder(signer, meter, order, EXPIRES, counter),
});
const take = (pairing: OrderPairing, command: Parameters<OrderPairing["take"]>[1], known = false) =>
  pairing.take("m1", command, known, simVerify);

test("a meter keeps the key of the first order that is well signed, over a power loss, too", () => {
  const pairing = new OrderPairing(undefined);
  expect(take(pairing, { ...signed(1), proof: undefined })).toBe("unsigned");
  expect(take(pairing, signed(5, theirs, "m2")), "signed for another meter").toBe("bad-signature");
  expect(take(pairing, signed(5))).toBeUndefined();
  expect(take(pairing, signed(6, theirs))).toBe("other-key");
  const again = new OrderPairing(undefined, pairing.toBytes());
  expect(take(again, signed(6, theirs))).toBe("other-key");
  expect(take(again, signed(5)), "sent a second time").toBe("old-counter");
  expect(take(again, signed(6))).toBeUndefined();
  expect(again.lastCounter).toBe(6);
});

test("every part that is signed counts", () => {
  const pairing = new OrderPairing(ours.publicKey);
  const good = signed(5);
  const changed = [
    { ...good, order: { ...order, id: 8 as OrderNumber } },
    { ...good, order: { ...order, operation: "relay-close" } as const },
    { ...good, order: { ...order, argument: 1 } },
    { ...good, expires: civil(1e15 + 1) },
    { ...good, proof: { ...good.proof, counter: 6 } },
  ];
  for (const command of changed) expect(take(pairing, command)).toBe("bad-signature");
  expect(pairing.lastCounter, "nothing of it is remembered").toBe(0);
  expect(take(pairing, good)).toBeUndefined();
});

test("what was done may be asked for again with any counter, so that a lost answer comes again", () => {
  const pairing = new OrderPairing(undefined);
  expect(take(pairing, signed(5))).toBeUndefined();
  expect(take(pairing, signed(5), true)).toBeUndefined();
  expect(take(pairing, signed(5, theirs), true)).toBe("other-key");
});

test("a key that is given stands above the one that was kept, and counts anew", () => {
  const pairing = new OrderPairing(undefined);
  expect(take(pairing, signed(900, theirs))).toBeUndefined();
  const given = new OrderPairing(ours.publicKey, pairing.toBytes());
  expect(take(given, signed(901, theirs))).toBe("other-key");
  expect(take(given, signed(1))).toBeUndefined();
  expect(new OrderPairing(ours.publicKey, given.toBytes()).lastCounter).toBe(1);
});
