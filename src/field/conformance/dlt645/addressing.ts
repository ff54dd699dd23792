/** Checks of the address field: who answers to which address, and function 13 that asks for it. */
import { ANY_METER, BROADCAST, digitsAt } from "../../../../protocols/dlt645/frame.ts";
import { FROM_METER, FUNCTION } from "../../../../protocols/dlt645/functions.ts";
import { PASS } from "../check.ts";
import type { Dlt645Check } from "./check.ts";
import { neighbourOf, readOf, requestOf } from "./frames.ts";
import { ask, type Dlt645Context, failed, silentThenAlive, wrongControl } from "./talk.ts";

const group = "addressing";
const CLAUSE = "5.2.2";

/** Shortened: AA for the high bytes. */
const lastDigits = (address: string, bytes: number) => "AA".repeat(6 - bytes) + address.slice(12 - 2 * bytes);

/** A check that nobody answers a read sent to an address that is not the meter's. */
function silent(id: string, title: string, what: string, addressOf: (own: string) => string): Dlt645Check {
  const expectation = "silence; a read with its own address is answered";
  return {
    ...{ id: `address.${id}`, group, clause: CLAUSE, title, request: `11H read 00010000 to ${what}`, expectation },
    run: (context) => silentThenAlive(context, readOf(addressOf(context.address)), `a read to ${what}`),
  };
}

/** A check that a read to an address that stands for the meter's is answered with the whole one. */
function meant(id: string, title: string, what: string, addressOf: (own: string) => string): Dlt645Check {
  const expectation = "a reply 91H with the meter's own address, all 12 digits";
  return {
    ...{ id: `address.${id}`, group, clause: CLAUSE, title, request: `11H read 00010000 to ${what}`, expectation },
    *run({ address }) {
      const answer = yield* ask(readOf(addressOf(address)));
      const wrong = wrongControl(answer, FUNCTION.read | FROM_METER);
      if (wrong !== undefined) return wrong;
      const told = answer.frame?.address;
      return told === address ? PASS : failed(answer.heard, `the reply's address is ${told}, expected ${address}`);
    },
  };
}

function* readAddress({ address }: Dlt645Context) {
  const answer = yield* ask(requestOf(ANY_METER, FUNCTION.readAddress));
  const wrong = wrongControl(answer, FUNCTION.readAddress | FROM_METER);
  if (wrong !== undefined) return wrong;
  const data = answer.frame?.data ?? new Uint8Array(0);
  if (data.length !== 6) return failed(answer.heard, `${data.length} data bytes, expected 6`);
  const told = digitsAt(data, 0, 6);
  return told === address ? PASS : failed(answer.heard, `it tells the address ${told}, expected ${address}`);
}

export const ADDRESSING: readonly Dlt645Check[] = [
  meant("own", "Its own address", "the meter's own address", (own) => own),
  meant("any", "Six AA stand for any meter", "six AA", () => ANY_METER),
  meant("shortened", "Shortened address", "its last four digits, AA before them", (own) => lastDigits(own, 2)),
  meant("shortened-one", "Shortened address, one byte unknown", "its last ten digits behind AA", (own) =>
    lastDigits(own, 5),
  ),
  silent("other", "Another meter's address", "an address with another last digit", neighbourOf),
  silent("other-high", "Another address, same low digits", "an address with another first digit", (own) => {
    return String((Number(own[0]) + 1) % 10) + own.slice(1);
  }),
  silent("shortened-other", "Shortened address of another meter", "another last digit, AA before it", (own) =>
    lastDigits(neighbourOf(own), 1),
  ),
  silent("broadcast", "A read to the broadcast address", "six 99", () => BROADCAST),
  {
    ...{ id: "address.read", group, clause: "7.4", title: "Read communication address" },
    request: "13H without data to six AA",
    expectation: "93H with the six bytes of the address, the same as in the reply's address field",
    run: readAddress,
  },
];
