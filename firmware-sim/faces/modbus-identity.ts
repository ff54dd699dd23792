/** What a meter says of itself over Modbus: server id (FC 11), device identification (FC 2B/0E), exception status (FC 07). */
import type { DeviceObjects } from "../../protocols/modbus/identification.ts";
import type { Meter } from "../meter.ts";

/** Version of the simulated firmware as object 02 shows it. */
const REVISION = "1.0";

/** V1.1b3, 6.21: 00 .. 02 basic, 03 .. 06 regular, from 80 on the maker's own. */
const OBJECT = { vendor: 0x00, product: 0x01, revision: 0x02, productName: 0x04, serialNumber: 0x80 } as const;

/** No object and no server id gets longer: several of them fit one reply. */
const LONGEST = 100;

const SERVER_ID = 1;
const RUNNING = 0xff;

const RELAY_OPEN = 0x01;
const WINDOW_OPEN = 0x02;

export function objectsOf({ id, model }: Meter): DeviceObjects {
  return new Map([
    [OBJECT.vendor, ascii(model.manufacturer)],
    [OBJECT.product, ascii(model.id)],
    [OBJECT.revision, ascii(REVISION)],
    [OBJECT.productName, ascii(model.name)],
    [OBJECT.serialNumber, ascii(id)],
  ]);
}

/** Server id 1, run indicator FF, then model and serial number as text. */
export function serverIdOf({ id, model }: Meter): Uint8Array {
  return Uint8Array.of(SERVER_ID, RUNNING, ...ascii(`${model.id} ${id}`));
}

/** Bit 0: the relay is open. Bit 1: the order window is open. */
export function exceptionStatusOf(meter: Meter, windowOpen: boolean): number {
  return (meter.relayClosed ? 0 : RELAY_OPEN) | (windowOpen ? WINDOW_OPEN : 0);
}

/** Objects are ASCII; a letter outside of it, as in a maker's name, becomes a question mark. */
function ascii(text: string): Uint8Array {
  return Uint8Array.from(text.slice(0, LONGEST), (letter) => {
    const code = letter.charCodeAt(0);
    return code >= 0x20 && code < 0x7f ? code : 0x3f;
  });
}
