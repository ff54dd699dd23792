/** Captured frames of real or test meters, with what an independent implementation made of them. */
import { fromHex } from "../../../src/core/bytes.ts";

export interface Vector {
  readonly name: string;
  readonly hex: string;
  readonly source: string;
  readonly address: string;
  readonly control: number;
  /** FE bytes before the frame. */
  readonly preamble: number;
  readonly identifier?: string;
  /** As `decode` shows them. */
  readonly readings?: readonly (readonly [id: string, value: string | null, unit: string])[];
}

const ARTICLE = "web article, youkuaiyun 118301341";
const HWHALE = "web article, hwhale.com/article/138066";
const SERVER = "public code (Server.java)";

const row = (
  name: string,
  hex: string,
  address: string,
  control: number,
  preamble: number,
  source: string,
  rest: Pick<Vector, "identifier" | "readings"> = {},
): Vector => ({ name, hex, address, control, preamble, source, ...rest });

const energy = (id: string, value: string, unit = "kWh") =>
  ({ identifier: id, readings: [[id, value, unit]] }) as const;

export const VECTORS: readonly Vector[] = [
  row("V1", "FEFEFEFE68AAAAAAAAAAAA681300DF16", "AAAAAAAAAAAA", 0x13, 4, "gams/python-dlt645 dlt645/__init__.py"),
  row("V2", "FEFEFEFE68943521908855689306C76854C3BB884916", "558890213594", 0x93, 4, ARTICLE),
  row(
    "V3",
    "FEFEFEFE686201760000816893069534A93333B44F16",
    "810000760162",
    0x93,
    4,
    "jishuzhan.net 1823000696828465153",
  ),
  row("V4", "6801011900000068930634344C333333D116", "000000190101", 0x93, 0, "public code (Lua)"),
  row("V5", "681200000010206893064533333343531F16", "201000000012", 0x93, 0, SERVER),
  row("V6", "68610100000000681104333334331416", "000000000161", 0x11, 0, HWHALE, { identifier: "00010000" }),
  row("V7", "6861010000000068910833333433593333338A16", "000000000161", 0x91, 0, HWHALE, energy("00010000", "0.26")),
  row("V8", "6861010000000068910833333533593433338C16", "000000000161", 0x91, 0, HWHALE, energy("00020000", "1.26")),
  row(
    "V9",
    "6861010000000068910833333633593334338D16",
    "000000000161",
    0x91,
    0,
    HWHALE,
    energy("00030000", "100.26", "kvarh"),
  ),
  row(
    "V10",
    "6861010000000068910833333733563334338B16",
    "000000000161",
    0x91,
    0,
    HWHALE,
    energy("00040000", "100.23", "kvarh"),
  ),
  row("V11", "686101000000006891063334343534431016", "000000000161", 0x91, 0, HWHALE, energy("02010100", "100.1", "V")),
  row("V14", "FEFEFEFE68943521908855681104333334330916", "558890213594", 0x11, 4, ARTICLE, { identifier: "00010000" }),
  row(
    "V15",
    "FEFEFEFE6894352190885568910833333433593533338116",
    "558890213594",
    0x91,
    4,
    ARTICLE,
    energy("00010000", "2.26"),
  ),
  row("V18", "FEFEFEFE68943521908855681C1035333333333333334D338C8C563C3A54A516", "558890213594", 0x1c, 4, ARTICLE),
  row("V19", "FEFEFEFE68943521908855689C00C316", "558890213594", 0x9c, 4, ARTICLE),
  row("V20", "FEFEFEFE68660000023022689C002616", "223002000066", 0x9c, 4, "public code (Java)"),
  row("V23", "68459266230010681104333434352516", "100023669245", 0x11, 0, "hootrhino/rhilex test", {
    identifier: "02010100",
  }),
  row("V25", "68111111111111681104333333331716", "111111111111", 0x11, 0, "public code", { identifier: "00000000" }),
  row(
    "V27",
    "FEFE6872003209172068910833333433B93433336D16",
    "201709320072",
    0x91,
    2,
    "public code (Go test)",
    energy("00010000", "1.86"),
  ),
  row("V30", "FEFEFEFE6860079204009168D101376716", "910004920760", 0xd1, 4, "public code (Go test)"),
  row("V31", "FEFEFEFE6811111111111168D101353D16", "111111111111", 0xd1, 4, "public code"),
  row("V32", "681200000010206811043335C3338516", "201000000012", 0x11, 0, SERVER, { identifier: "00900200" }),
  row("V35", "6812000000102068910A333234358955323232322116", "201000000012", 0x91, 0, SERVER, {
    identifier: "0201FF00",
    readings: [
      ["02010100", "225.6", "V"],
      ["02010200", null, "V"],
      ["02010300", null, "V"],
    ],
  }),
  row("V36", "6812000000102068910834343337344434497216", "201000000012", 0x91, 0, SERVER, {
    identifier: "04000101",
    readings: [["04000101", "2016-01-11", ""]],
  }),
  row("V39", "68120000001020689107334063365A33337616", "201000000012", 0x91, 0, SERVER, energy("03300D00", "27", "1")),
  row("V40", "68120000001020689107343333503333332D16", "201000000012", 0x91, 0, SERVER, energy("1D000001", "0", "1")),
  row("V41", "6812000000102068D101351916", "201000000012", 0xd1, 0, SERVER),
  row("V42", "6899999999999968080684554338394A4B16", "999999999999", 0x08, 0, "public code (C)"),
  row("V43", "6811111111111168080658734338394A0D16", "111111111111", 0x08, 0, "public code (C)"),
  row("V44", "FEFEFEFE689999999999996808065844354567897A16", "999999999999", 0x08, 4, "public code (C++ test)"),
  row("V48", "FEFEFEFE68431000113400681104333434354D16", "003411001043", 0x11, 4, "johngai19/dlt645Driver", {
    identifier: "02010100",
  }),
  row(
    "V48 reply",
    "FEFEFEFE6843100011340068910633343435CA55EE16",
    "003411001043",
    0x91,
    4,
    "johngai19/dlt645Driver",
    energy("02010100", "229.7", "V"),
  ),
  row("V49", "FEFEFEFE68431000113400681104333339355116", "003411001043", 0x11, 4, "johngai19/dlt645Driver", {
    identifier: "02060000",
  }),
  row("V49 frequency", "FEFEFEFE684310001134006811043533B335CD16", "003411001043", 0x11, 4, "johngai19/dlt645Driver", {
    identifier: "02800002",
  }),
  row("V51", "68AAAAAAAAAAAA68110433343435B116", "AAAAAAAAAAAA", 0x11, 0, "WKJay/DLT645 readme.md", {
    identifier: "02010100",
  }),
];

/** A good frame of the 1997 edition: a two-byte identifier inside control 11. */
export const V47 = "6867452301000068110244E9E016";
/** The checksum should be 24. */
export const V52 = "FEFE68030000124711681104333634351916";
/** A request whose identifier went out in the wrong order: 00000302, where 02030000 was meant. */
export const REVERSED = "68 111111111111 68 11 04 35 36 33 33 1C 16";

export function bytes(hex: string): Uint8Array {
  const parsed = fromHex(hex);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

export function vector(name: string): Vector {
  const found = VECTORS.find((v) => v.name === name);
  if (found === undefined) throw new Error(`no vector ${name}`);
  return found;
}
