/** DRAFT */
import type { Identifier } from "../../../../protocols/dlt645/identifier.ts";
import type { Credentials } from "../../../../protocols/dlt645/message.ts";

/** What is declared of a DL/T 645 meter. Nothing that changes it is tried unless it is declared. */
export interface Dlt645Map {
  /** An identifier that the meter surely does not have; by default 0F0F0F0F. */
  readonly absent?: Identifier;
  /** An identifier whose data need following frames. */
  readonly long?: Identifier;
  /** Identifiers that may be written: with what they have already. */
  readonly writable?: readonly Identifier[];
  readonly credentials?: Credentials;
  /** Functions that may be tried with a wrong password: a meter that accepts it carries them out, and most count and lock. */
  readonly wrongPassword?: boolean;
  /** The clock may be set, to the time that it shows. */
  readonly clock?: boolean;
}
