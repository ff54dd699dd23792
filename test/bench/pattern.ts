/** The registers every peer of the bench serves; `c/load.c` and `c/libmodbus-server.c` know the same rule. */
export const REGISTERS = 60;

export function registerValue(register: number): number {
  return (register * 263 + 7) & 0xffff;
}

/** Registers 0..59 as they stand on the wire. */
export function patternBytes(): Uint8Array {
  const bytes = new Uint8Array(2 * REGISTERS);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < REGISTERS; i++) view.setUint16(2 * i, registerValue(i));
  return bytes;
}

/** Throws when a reply does not hold the pattern: a fast wrong answer is worthless. */
export function checkValues(values: ArrayLike<number>): void {
  if (values.length !== REGISTERS) throw new Error(`${values.length} registers in place of ${REGISTERS}`);
  for (let i = 0; i < REGISTERS; i++) {
    if (values[i] !== registerValue(i)) throw new Error(`register ${i} is ${values[i]}, not ${registerValue(i)}`);
  }
}
