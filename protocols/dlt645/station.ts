/** What makes a meter one on the line, whatever links it answers on: its address, its passwords, its options. */
import { assert } from "../../src/core/result.ts";
import { ANY_METER, BROADCAST, isAddress } from "./frame.ts";
import type { BaudCoding } from "./functions.ts";
import type { Password } from "./message.ts";

export interface Dlt645StationOptions {
  /** 12 digits. */
  readonly address: string;
  /** Six digits by level PA. */
  readonly passwords: ReadonlyMap<number, string>;
  /** Whether the programming key is pressed: without it an address can't be written. Default false. */
  readonly programmingKey?: boolean;
  /**
   * Sources conflict on refusals of functions 1C and 03: one byte ERR as everywhere else (default), or two bytes SERR, of
   * which the low one has the same bits here.
   */
  readonly controlError?: "err" | "serr";
  /** See {@link BaudCoding}; default "bits". */
  readonly baudCoding?: BaudCoding;
}

/** What was changed over the line since the meter left the factory. */
export interface Written {
  readonly address: string | undefined;
  /** Six digits by level. */
  readonly passwords: ReadonlyMap<number, string>;
}

/** The lowest authority that a function takes; a lower PA has more. The levels are recalled, 02 for a trip is captured. */
export const LEVEL = { control: 0x02, clear: 0x02, write: 0x04 } as const;

export class Dlt645Station {
  readonly programmingKey: boolean;
  readonly wideErrors: boolean;
  readonly baudCoding: BaudCoding;
  readonly #factory: Dlt645StationOptions;
  readonly #passwords: Map<number, string>;
  readonly #changed: () => void;
  #address: string | undefined;

  /** @param changed called behind every change of {@link written}, before the change is answered */
  constructor(options: Dlt645StationOptions, written?: Written, changed: () => void = () => {}) {
    assert(isMeterAddress(options.address), "a meter's address is 12 digits and no broadcast");
    for (const digits of options.passwords.values()) assert(/^\d{6}$/.test(digits), "a password is six digits");
    this.#factory = options;
    this.#address = written?.address;
    this.#passwords = new Map(written?.passwords ?? []);
    this.#changed = changed;
    this.programmingKey = options.programmingKey ?? false;
    this.wideErrors = options.controlError === "serr";
    this.baudCoding = options.baudCoding ?? "bits";
  }

  get address(): string {
    return this.#address ?? this.#factory.address;
  }

  get written(): Written {
    return { address: this.#address, passwords: this.#passwords };
  }

  /** False where `address` is none that one meter can have. */
  move(address: string): boolean {
    if (!isMeterAddress(address)) return false;
    this.#address = address;
    this.#changed();
    return true;
  }

  /** Whether it is the password of its own level. */
  isRight(password: Password): boolean {
    return this.#password(password.level) === password.digits;
  }

  /** By somebody of this level or a higher one. False where there is no such level. */
  changePassword(replacement: Password): boolean {
    if (this.#password(replacement.level) === undefined || !/^\d{6}$/.test(replacement.digits)) return false;
    this.#passwords.set(replacement.level, replacement.digits);
    this.#changed();
    return true;
  }

  #password(level: number): string | undefined {
    return this.#passwords.get(level) ?? this.#factory.passwords.get(level);
  }
}

function isMeterAddress(address: string): boolean {
  return isAddress(address) && !address.startsWith("AA") && address !== BROADCAST && address !== ANY_METER;
}
