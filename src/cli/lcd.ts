/** A meter's glass in the characters of a terminal: seven-segment digits between a line of icons and a line of labels. */
import type { Lcd } from "../../firmware-sim/display/display.ts";

/** Segments of a digit: a top, b and c right, d bottom, e and f left, g middle. */
const SEGMENTS: Readonly<Record<string, string>> = {
  "0": "abcdef",
  "1": "bc",
  "2": "abdeg",
  "3": "abcdg",
  "4": "bcfg",
  "5": "acdfg",
  "6": "acdefg",
  "7": "abc",
  "8": "abcdefg",
  "9": "abcdfg",
  "-": "g",
  E: "adefg",
  r: "eg",
};

/** Places for digits on the glass; a point or a colon needs none. */
const PLACES = 9;
const WIDTH = 4 * PLACES + 12;

/** The three rows of text of a number; points and colons stand behind their digit. */
function sevenSegments(text: string): [string, string, string] {
  const rows: [string, string, string] = ["", "", ""];
  let places = 0;
  for (const [i, char] of [...text].entries()) {
    if (char === "." || char === ":") continue;
    const on = SEGMENTS[char] ?? "";
    const has = (segment: string, mark: string) => (on.includes(segment) ? mark : " ");
    const next = text[i + 1];
    rows[0] += ` ${has("a", "_")}  `;
    rows[1] += `${has("f", "|")}${has("g", "_")}${has("b", "|")}${next === ":" ? "." : " "}`;
    rows[2] += `${has("e", "|")}${has("d", "_")}${has("c", "|")}${next === "." || next === ":" ? "." : " "}`;
    places += 1;
  }
  const pad = " ".repeat(4 * Math.max(0, PLACES - places));
  return [pad + rows[0], pad + rows[1], pad + rows[2]];
}

const FLOW = { "-1": "◀", "0": " ", "1": "▶" } as const;
const QUADRANTS = ["    ", "I ↗ ", "II ↖", "III↙", "IV ↘"];

function icons({ icons: i, phases, quadrant, test }: Lcd, blinkOn: boolean): string {
  const on = (lit: boolean, text: string) => (lit || test ? text : " ".repeat(text.length));
  const lines = phases.map(({ present, flow }, p) => on(present, `L${p + 1}`) + (test ? "▶" : FLOW[`${flow}`]));
  const relay = on(i.relayOpen || (i.tripPending && blinkOn), "RELAY OPEN");
  const rate = i.rate === 0 ? "  " : `T${i.rate}`;
  return [
    ...lines,
    test ? "I-IV" : (QUADRANTS[quadrant] as string),
    rate,
    on(i.battery, "BAT"),
    on(i.alarm, "ALARM"),
    relay,
  ].join(" ");
}

/** @param blinkOn the half of the second in which blinking symbols are seen */
export function renderLcd(lcd: Lcd, blinkOn: boolean): readonly string[] {
  const row = (text: string) => `│ ${text.padEnd(WIDTH)} │`;
  const [top, middle, bottom] = sevenSegments(lcd.digits);
  const under = `${lcd.label.padEnd(12)}`;
  return [
    `┌${"─".repeat(WIDTH + 2)}┐`,
    row(icons(lcd, blinkOn)),
    row(top),
    row(middle),
    row(`${bottom} ${lcd.unit}`),
    row(under),
    `└${"─".repeat(WIDTH + 2)}┘`,
  ];
}
