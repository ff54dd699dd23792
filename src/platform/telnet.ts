/** The Telnet bytes under RFC 2217: data with IAC doubled, commands, options and their subnegotiations (RFC 854, 855). */

export const TELNET = { se: 240, sb: 250, will: 251, wont: 252, do: 253, dont: 254, iac: 255 } as const;

export type TelnetEvent =
  | { readonly kind: "data"; readonly bytes: Uint8Array }
  /** WILL, WONT, DO or DONT. */
  | { readonly kind: "option"; readonly command: number; readonly option: number }
  | { readonly kind: "subnegotiation"; readonly option: number; readonly data: Uint8Array };

/** Of a subnegotiation; a longer one is not of this protocol, and its rest is thrown away. */
const MOST_SUBNEGOTIATION = 256;

/** Data as they go out: each FF doubled. */
export function escapeData(bytes: Uint8Array): Uint8Array {
  if (!bytes.includes(TELNET.iac)) return bytes;
  return Uint8Array.from([...bytes].flatMap((byte) => (byte === TELNET.iac ? [byte, byte] : [byte])));
}

export function optionCommand(command: number, option: number): Uint8Array {
  return Uint8Array.of(TELNET.iac, command, option);
}

export function subnegotiation(option: number, data: Uint8Array): Uint8Array {
  return Uint8Array.of(TELNET.iac, TELNET.sb, option, ...escapeData(data), TELNET.iac, TELNET.se);
}

/** Takes what comes from the connection apart, however it is cut into pieces. */
export class TelnetReader {
  #state: "data" | "iac" | "option" | "sub" | "sub-iac" = "data";
  #command = 0;
  #sub: number[] = [];

  read(bytes: Uint8Array): readonly TelnetEvent[] {
    const events: TelnetEvent[] = [];
    let data: number[] = [];
    const flush = () => {
      if (data.length > 0) events.push({ kind: "data", bytes: Uint8Array.from(data) });
      data = [];
    };
    for (const byte of bytes) {
      if (this.#state === "data" && byte !== TELNET.iac) {
        data.push(byte);
        continue;
      }
      if (this.#state === "iac" && byte === TELNET.iac) {
        data.push(byte);
        this.#state = "data";
        continue;
      }
      flush();
      const event = this.#control(byte);
      if (event !== undefined) events.push(event);
    }
    flush();
    return events;
  }

  #control(byte: number): TelnetEvent | undefined {
    switch (this.#state) {
      case "data":
        this.#state = "iac";
        return undefined;
      case "iac":
        this.#command = byte;
        this.#sub = [];
        this.#state = byte === TELNET.sb ? "sub" : byte >= TELNET.will && byte <= TELNET.dont ? "option" : "data";
        return undefined;
      case "option":
        this.#state = "data";
        return { kind: "option", command: this.#command, option: byte };
      case "sub":
        if (byte === TELNET.iac) this.#state = "sub-iac";
        else if (this.#sub.length < MOST_SUBNEGOTIATION) this.#sub.push(byte);
        return undefined;
      case "sub-iac": {
        if (byte === TELNET.iac) {
          this.#sub.push(byte);
          this.#state = "sub";
          return undefined;
        }
        this.#state = "data";
        const [option, ...data] = this.#sub;
        if (byte !== TELNET.se || option === undefined) return undefined;
        return { kind: "subnegotiation", option, data: Uint8Array.from(data) };
      }
    }
  }
}
