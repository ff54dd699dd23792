/** How rows come out of `pg`, whose own choice for 64 bits is a text. */
import pg from "pg";

const INT8 = 20;

function with64Bits(parse: (text: string) => unknown): pg.CustomTypesConfig {
  return {
    getTypeParser: ((oid: number, format: "text" | "binary") =>
      oid === INT8 && format !== "binary" ? parse : pg.types.getTypeParser(oid, format)) as never,
  };
}

/** Money: exact. */
export const BIGINTS = with64Bits(BigInt);
/** Energy, time and numbers of orders: they were safe integers when they were written. */
export const NUMBERS = with64Bits(Number);

export const POSTINGS = `SELECT p.key, m.id AS meter, p.at, p.kind, p.amount, p.energy_to
  FROM meterworks.postings p JOIN meterworks.meters m ON m.number = p.meter`;
