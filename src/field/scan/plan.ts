/** Which protocol is tried at which setting of the port, and in which order: the likely first, and what is cheap to ask before that. */
import type { LineFormat } from "../../core/line-format.ts";
import type { Scanned, ScanOptions } from "./found.ts";

/** One protocol at one setting; on TCP without one. */
export interface Visit {
  readonly protocol: Scanned;
  readonly format: LineFormat | undefined;
  /** The function by which Modbus units are asked: meters exist that are silent to one of them. */
  readonly asking: 3 | 4;
}

type Parity = LineFormat["parity"];

/** Factory settings of meters in the field, and the wildcards of two protocols, which find all addresses at once. */
const LIKELY: readonly string[] = [
  "dlt645 2400 even",
  "iec62056-21 300 even",
  "modbus-rtu 9600 none",
  "dlt645 9600 even",
  "dlt645 1200 even",
  "modbus-rtu 19200 even",
  "modbus-rtu 2400 none",
  "modbus-rtu 9600 even",
  "modbus-rtu 19200 none",
];

/** The second time round with another function: only where most meters are. */
const AGAIN = new Set([
  "modbus-rtu 9600 none",
  "modbus-rtu 19200 even",
  "modbus-rtu 9600 even",
  "modbus-rtu 2400 none",
]);

const MODBUS_BAUDS = [9_600, 19_200, 2_400, 4_800, 1_200, 38_400, 115_200, 57_600];
const BAUDS: Readonly<Record<Scanned, readonly number[]>> = {
  "modbus-rtu": MODBUS_BAUDS,
  "modbus-ascii": MODBUS_BAUDS,
  "modbus-tcp": [],
  dlt645: [2_400, 9_600, 1_200, 4_800, 19_200, 600],
  "iec62056-21": [300, 9_600, 2_400, 4_800, 19_200],
};

/** The standard's parity first. IEC 62056-21 has no other. */
const PARITIES: Readonly<Record<Scanned, readonly Parity[]>> = {
  "modbus-rtu": ["none", "even", "odd"],
  "modbus-ascii": ["even", "none", "odd"],
  "modbus-tcp": [],
  dlt645: ["even", "none", "odd"],
  "iec62056-21": ["even"],
};

/** Character lengths: Modbus ASCII and IEC 62056-21 have seven data bits, and ASCII without parity two stop bits. */
function formatOf(protocol: Scanned, baud: number, parity: Parity): LineFormat {
  const dataBits = protocol === "modbus-ascii" || protocol === "iec62056-21" ? 7 : 8;
  return { baud, dataBits, parity, stopBits: dataBits === 7 && parity === "none" ? 2 : 1 };
}

function nameOf({ protocol, format }: Visit): string {
  return `${protocol} ${format?.baud} ${format?.parity}`;
}

/** All visits in the order in which they are made if nothing is heard. */
export function planScan(options: ScanOptions): Visit[] {
  if (options.line === "tcp") return tcpVisits(options);
  const visits = options.protocols.flatMap((protocol) => {
    const parities = PARITIES[protocol].filter((parity) => options.parities?.includes(parity) ?? true);
    return parities.flatMap((parity) =>
      (options.bauds ?? BAUDS[protocol]).map((baud): Visit => {
        return { protocol, format: formatOf(protocol, baud, parity), asking: 4 };
      }),
    );
  });
  const ranked = visits.map((visit) => ({ visit, rank: rankOf(visit) })).sort((a, b) => a.rank - b.rank);
  const first = ranked.map(({ visit }) => visit);
  const again = first.filter((visit) => AGAIN.has(nameOf(visit))).map((visit): Visit => ({ ...visit, asking: 3 }));
  // With few settings all of them are worth a second look.
  return [...first, ...(again.length === 0 ? first.map((visit): Visit => ({ ...visit, asking: 3 })) : again)];
}

/** The likely ones as listed; then even and no parity, baud by baud; what is odd comes last. */
function rankOf(visit: Visit): number {
  const listed = LIKELY.indexOf(nameOf(visit));
  if (listed >= 0) return listed;
  const { protocol, format } = visit;
  const unusual = format?.parity === "odd" || (protocol === "dlt645" && format?.parity === "none");
  const baud = BAUDS[protocol].indexOf(format?.baud ?? 0);
  return LIKELY.length + (unusual ? 100 : 0) + (baud < 0 ? 50 : baud);
}

function tcpVisits({ protocols }: ScanOptions): Visit[] {
  // The two sign-ons cost little, and a Modbus server passes over them. Behind a raw serial server there may be any of them.
  const spoken = (["dlt645", "iec62056-21", "modbus-tcp", "modbus-rtu", "modbus-ascii"] as const).filter((p) =>
    protocols.includes(p),
  );
  return spoken.map((protocol): Visit => ({ protocol, format: undefined, asking: 4 }));
}

/** Bytes that were no answer: at which baud they were heard, and whether they look like those of a slower sender. */
export interface Garble {
  readonly baud: number;
  readonly slower: boolean;
}

/**
 * Puts the visits in front that most garbles speak for: the bauds to which the look of the bytes points, and where they do not
 * look slower also the same baud with another parity. Among equals the likely ones stay first.
 */
export function reorder(visits: readonly Visit[], garbles: readonly Garble[]): Visit[] {
  const votes = ({ format }: Visit) =>
    garbles.filter(({ baud, slower }) => format !== undefined && slower === format.baud < baud).length;
  return [...visits].sort((a, b) => votes(b) - votes(a) || rankOf(a) - rankOf(b) || b.asking - a.asking);
}

/** Of eight random bits seven boundaries change 3.5 times; bits that are each heard twice or more change half as often. */
const FEW_CHANGES = 2.5;

/** Whether bytes look like those of a slower sender: every bit of it is sampled several times, so levels come in runs. */
export function looksSlower(bytes: Uint8Array): boolean {
  let changes = 0;
  for (const byte of bytes) {
    for (let moved = (byte ^ (byte >> 1)) & 0x7f; moved !== 0; moved &= moved - 1) changes++;
  }
  return changes < FEW_CHANGES * bytes.length;
}
