/**
 * Each rule of IEC 62056-21 broken once: what a sound meter hears or says is spoilt in one way, and the check that names the
 * rule must say so. What the spoilt meter does beside that is not looked at.
 */
import { describe, expect, test } from "vitest";
import { joinBytes } from "../../../src/core/bytes.ts";
import { IEC62056_CHECKS } from "../../../src/field/conformance/iec62056-21/index.ts";
import { type Defect, idsOf } from "./bench.ts";
import { copper, MAP, wire } from "./iec62056-21-bench.ts";

const SOH = "\x01";
const STX = "\x02";
const ETX = "\x03";
const ACK = "\x06";
const NAK = "\x15";
const ADDRESS = "meterworks-1p";
const IDENTIFICATION = "/MWK5meterworks-1p\r\n";
const OPTICAL = { baud: 300, dataBits: 7, parity: "even", stopBits: 1 } as const;
const MS = 1_000;

const text = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
const bytes = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
const check = (block: string): string =>
  String.fromCharCode([...block.slice(1)].reduce((all, c) => all ^ c.charCodeAt(0), 0));
/** A block, its text changed, with a right check character. */
const rebuilt = (block: string, change: (body: string) => string): string => {
  const body = change(block.slice(0, -1));
  return body + check(body);
};

const isIdentification = (said: string) => said.startsWith("/");
const isReadout = (said: string) => said.startsWith(STX) && said.includes("!\r\n");
const isAnswer = (said: string) => said.startsWith(STX) && !said.includes("!\r\n");
const isOperand = (said: string) => said.startsWith(`${SOH}P0`);
const isError = (said: string) => said.startsWith(`${STX}(ER`);

/** What the meter says, changed where it is of that kind. */
const says = (kind: (said: string) => boolean, change: (said: string, asked: string) => string): Defect => ({
  says: (said, asked) => [[0, kind(text(said)) ? bytes(change(text(said), text(asked))) : said]],
});
const hears = (change: (asked: string) => string): Defect => ({ hears: (asked) => [bytes(change(text(asked)))] });
const deafTo = (kind: (asked: string) => boolean): Defect => ({ hears: (asked) => (kind(text(asked)) ? [] : [asked]) });
const later = (kind: (said: string) => boolean, micros: number): Defect => ({
  says: (said) => [[kind(text(said)) ? micros : 0, said]],
});
/** Answers something else at once, in a sign-on or in a session. */
const blurts = (kind: (asked: string) => boolean, answer: string, after = 250 * MS): Defect => ({
  blurts: (asked) => (kind(text(asked)) ? [[after, bytes(answer)]] : []),
});
const isCommand = (operation: string) => (asked: string) => asked.startsWith(SOH + operation);
const block = (data: string) => rebuilt(`${STX}${data}${ETX}?`, (body) => body);

/** ACK where the meter refuses such a request. */
const acknowledges = (kind: (asked: string) => boolean): Defect =>
  says(isError, (said, asked) => (kind(asked) ? ACK : said));

let count = 0;
let kept = "";
let at = 0;

type Mutation = readonly [defect: string, caughtBy: string, spoil: Defect];

const MUTATIONS: readonly Mutation[] = [
  ["no answer without an address", "sign-on.answered", deafTo((asked) => asked === "/?!\r\n")],
  ["no answer to its address", "sign-on.addressed", deafTo((asked) => asked === `/?${ADDRESS}!\r\n`)],
  ["leading zeros belong to the address", "sign-on.leading-zeros", deafTo((asked) => asked.startsWith("/?0"))],
  ["NUL before a request spoil it", "sign-on.wake-up", deafTo((asked) => asked.startsWith("\0"))],
  ["noise before a request spoils it", "sign-on.noise-before", deafTo((asked) => asked.startsWith("\x7f"))],
  ["an identification without /", "sign-on.answered", says(isIdentification, (said) => said.slice(1))],
  ["a manufacturer of two letters", "sign-on.form", says(isIdentification, (said) => said.replace("MWK", "MW"))],
  [
    "a manufacturer in small letters",
    "sign-on.manufacturer",
    says(isIdentification, (said) => said.replace("MWK", "mwk")),
  ],
  ["an ident of 20 characters", "sign-on.ident", says(isIdentification, (said) => said.replace("\r", "0123456\r"))],
  ["a NUL before the identification", "sign-on.line", says(isIdentification, (said) => `\0${said}`)],
  [
    "a reserved baud character",
    "sign-on.baud-character",
    says(isIdentification, (said) => said.replace("MWK5", "MWK8")),
  ],
  ["answers to every address", "sign-on.other-address", hears((asked) => asked.replace(/^\/\?[^!]*!/, "/?!"))],
  ["the start character is not looked at", "sign-on.wrong-start", hears((asked) => asked.replace(/^#/, "/"))],
  ["the ? is not looked at", "sign-on.no-command", hears((asked) => asked.replace(/^\/!/, "/?!"))],
  ["the ! is not looked at", "sign-on.no-end", hears((asked) => asked.replace(/^\/\?\r/, "/?!\r"))],
  ["does not wait for CR LF", "sign-on.no-line-end", hears((asked) => (asked === "/?!" ? "/?!\r\n" : asked))],
  ["every lump is a message", "sign-on.gap-accepted", deafTo((asked) => asked === "/?" || asked === "!\r\n")],
  [
    "a pause does not end a message",
    "sign-on.gap-ends",
    hears((asked) => {
      if (asked === "!\r\n") return "/?!\r\n";
      return asked === "/?" ? "" : asked;
    }),
  ],
  [
    "each sign-on has another ident",
    "sign-on.again",
    says(isIdentification, (said) => said.replace("1p", `1${(count++ % 10).toString()}`)),
  ],
  ["eight bits", "character.seven-bits", says(isIdentification, (said) => said.replace("m", "\xed"))],
  ["a readout at another rate than agreed", "choice.readout", says(isReadout, () => "\x7f\x7f\x7f")],
  ["no slower rate than the offered one", "choice.slower", deafTo((asked) => asked.startsWith(`${ACK}04`))],
  ["no programming mode", "choice.programming", deafTo((asked) => /^.051/.test(asked))],
  [
    "without a choice data are framed all the same",
    "choice.none",
    {
      says: (said) => [
        [0, text(said).endsWith("!\r\n") && said[0] !== 2 ? joinBytes([bytes(STX), said, bytes(`${ETX}?`)]) : said],
      ],
    },
  ],
  ["no data without a choice", "choice.none", { says: (said) => (text(said).endsWith("!\r\n") ? [] : [[0, said]]) }],
  ["takes a rate that is none", "choice.no-rate", hears((asked) => asked.replace(`${ACK}09`, `${ACK}05`))],
  ["data without STX", "readout.start", says(isReadout, (said) => said.slice(1))],
  [
    "no CR LF before ETX",
    "readout.end",
    says(isReadout, (said) => rebuilt(said, (body) => body.replace("!\r\n", "!"))),
  ],
  ["a CR behind the check character", "readout.end", says(isReadout, (said) => `${said}\r`)],
  [
    "the check character counts STX",
    "readout.check",
    says(isReadout, (said) => said.slice(0, -1) + String.fromCharCode(said.charCodeAt(said.length - 1) ^ 2)),
  ],
  [
    "a control character in the data",
    "readout.characters",
    says(isReadout, (said) => rebuilt(said, (body) => body.replace("kWh", "k\x07Wh"))),
  ],
  [
    "lines end with LF alone",
    "readout.lines",
    says(isReadout, (said) => rebuilt(said, (body) => body.replace(")\r\n", ")\n"))),
  ],
  [
    "all on one line",
    "readout.line-length",
    says(isReadout, (said) => rebuilt(said, (body) => body.replace(/\)\r\n(?!!)/g, ")"))),
  ],
  [
    "a value without )",
    "readout.syntax",
    says(isReadout, (said) => rebuilt(said, (body) => body.replace("*kWh)", "*kWh"))),
  ],
  [
    "a ! in the middle",
    "readout.closed-once",
    says(isReadout, (said) => rebuilt(said, (body) => body.replace(")\r\n", ")\r\n!\r\n"))),
  ],
  ["no units", "readout.energy", says(isReadout, (said) => rebuilt(said, (body) => body.replace(/\*\w+\)/g, ")")))],
  [
    "a code with a fourth point",
    "readout.codes",
    says(isReadout, (said) => rebuilt(said, (body) => body.replace("1.8.0(", "1.8.0.0("))),
  ],
  [
    "a comma in a number",
    "readout.values",
    says(isReadout, (said) => rebuilt(said, (body) => body.replace(".", ".").replace(/(\d)\.(\d+\*kWh)/, "$1,$2"))),
  ],
  [
    "a register twice",
    "readout.once",
    says(isReadout, (said) => rebuilt(said, (body) => body.replace("2.8.0(", "1.8.0("))),
  ],
  ["no repeat behind NAK", "readout.repeat", deafTo((asked) => asked === NAK)],
  [
    "another block behind NAK",
    "readout.repeat",
    says(isReadout, (said, asked) => (asked === NAK ? rebuilt(said, (body) => body.replace("0", "1")) : said)),
  ],
  [
    "ACK does not end a readout",
    "readout.acknowledged",
    {
      hears: (asked) => {
        const before = kept;
        kept = text(asked);
        return before === ACK && kept === "/?!\r\n" ? [] : [asked];
      },
    },
  ],
  ["an identification at once", "time.identification", blurts((asked) => asked === "/?!\r\n", IDENTIFICATION, 50 * MS)],
  ["an identification after 2 s", "time.identification", later(isIdentification, 1_900 * MS)],
  ["data after 2 s", "time.choice", later(isReadout, 1_900 * MS)],
  ["an answer after 2 s", "time.command", later(isAnswer, 1_900 * MS)],
  [
    "a pause of 1.6 s in a readout",
    "time.gaps",
    {
      says: (said) =>
        isReadout(text(said))
          ? [
              [0, said.slice(0, 100)],
              [1_600 * MS, said.slice(100)],
            ]
          : [[0, said]],
    },
  ],
  [
    "the third sign-on is lost",
    "time.repeated",
    {
      hears: (asked) => {
        if (text(asked) === "/?!\r\n") count++;
        return text(asked) === "/?!\r\n" && count % 3 === 0 ? [] : [asked];
      },
    },
  ],
  [
    "a session ends after 40 s",
    "time.session-kept",
    {
      hears: (asked, now) => {
        const before = at;
        at = asked.length > 0 ? now : at;
        return now - before > 40_000 * MS && isCommand("R1")(text(asked)) ? [] : [asked];
      },
    },
  ],
  ["a session never ends", "time.session-ends", blurts(isCommand("R1"), block("1.8.0(000001.000*kWh)"))],
  [
    "programming mode begins without an operand",
    "programming.operand",
    says(isOperand, (said) => rebuilt(said, (body) => body.replace("()", ""))),
  ],
  [
    "the check character of P0 counts SOH",
    "programming.operand-check",
    says(isOperand, (said) => said.slice(0, -1) + String.fromCharCode(said.charCodeAt(said.length - 1) ^ 1)),
  ],
  [
    "an empty value",
    "programming.read",
    says(isAnswer, (said) => rebuilt(said, (body) => body.replace(/\([^E]*\)/, "()"))),
  ],
  ["SOH before data", "programming.read", says(isAnswer, (said) => rebuilt(said, (body) => `${SOH}R1${body}`))],
  [
    "the address of another register",
    "programming.read-address",
    says(isAnswer, (said) => rebuilt(said, (body) => body.replace("1.8.0", "2.8.0"))),
  ],
  ["a wrong check character on data", "programming.read-check", says(isAnswer, (said) => `${said.slice(0, -1)}~`)],
  [
    "another value than in the readout",
    "programming.same-value",
    says(isAnswer, (said) => rebuilt(said, (body) => body.replace(/\([\d.]+/, "(-1"))),
  ],
  ["no repeat in a session", "programming.repeat", deafTo((asked) => asked === NAK)],
  [
    "the check character is not looked at",
    "programming.wrong-check",
    hears((asked) => (asked.startsWith(`${SOH}R1`) && asked.length > 6 ? rebuilt(asked, (body) => body) : asked)),
  ],
  [
    "a wrong check character is not answered",
    "programming.wrong-check",
    { says: (said) => (text(said) === NAK ? [] : [[0, said]]) },
  ],
  ["data for an unknown address", "programming.unknown-address", says(isError, () => block("199.199.199(0)"))],
  [
    "an error message with a wrong check character",
    "programming.unknown-address",
    says(isError, (said) => `${said.slice(0, -1)}~`),
  ],
  ["an unknown command is done", "programming.unknown-command", acknowledges(isCommand("X1"))],
  [
    "a command without parentheses is not answered",
    "programming.no-parentheses",
    deafTo((asked) => asked.startsWith(`${SOH}R1${STX}1.8.0${ETX}`)),
  ],
  [
    "a refusal ends the session",
    "programming.goes-on",
    {
      hears: (asked) => {
        const now = text(asked);
        if (now.startsWith(SOH) && now.length > 6 && rebuilt(now, (body) => body) !== now) kept = "refused";
        if (now.startsWith("/")) kept = "";
        return kept === "refused" && rebuilt(now, (body) => body) === now ? [] : [asked];
      },
    },
  ],
  [
    "half a command spoils the next one",
    "programming.half",
    {
      hears: (asked) => {
        const before = kept;
        kept = text(asked);
        return before === `${SOH}R1${STX}` ? [] : [asked];
      },
    },
  ],
  ["a break is acknowledged", "programming.break", blurts(isCommand("B0"), ACK)],
  ["a break is not heard", "programming.over", deafTo(isCommand("B0"))],
  [
    "the right password is refused",
    "write.password",
    says(
      (said) => said === ACK,
      () => block("(ER05)"),
    ),
  ],
  [
    "a write is not acknowledged",
    "write.same",
    { says: (said, asked) => (isCommand("W1")(text(asked)) ? [] : [[0, said]]) },
  ],
  [
    "a write to nothing is done",
    "write.unknown-address",
    acknowledges((asked) => isCommand("W1")(asked) && asked.includes("199.")),
  ],
  ["writes without a password", "write.locked", acknowledges(isCommand("W1"))],
  [
    "a password holds for ever",
    "write.next-session",
    {
      hears: (asked) => {
        if (isCommand("P1")(text(asked))) kept = "unlocked";
        return [asked];
      },
      says: (said) => [[0, kept === "unlocked" && text(said).startsWith(`${STX}(ER03`) ? bytes(ACK) : said]],
    },
  ],
  ["every password is right", "write.wrong-password", acknowledges(isCommand("P1"))],
];

/** What takes bits to be seen: on copper. */
const ON_COPPER: readonly Mutation[] = [
  ["keeps the rate of the sign-on", "choice.readout", { keepsRate: true }],
  ["sends with odd parity", "character.even-parity", { sendsOdd: true }],
  ["takes characters with odd parity", "character.odd-parity", { keepsBad: true }],
];

describe("an IEC 62056-21 meter with a defect", () => {
  test("the table breaks each check of the list at least once", () => {
    const named = new Set([...MUTATIONS, ...ON_COPPER].map(([, id]) => id));
    expect(IEC62056_CHECKS.map(({ id }) => id).filter((id) => !named.has(id))).toEqual([]);
  });

  test.each(MUTATIONS)("%s: %s", (_, caughtBy, spoil) => {
    count = 0;
    kept = "";
    at = 0;
    expect(idsOf(wire(MAP, spoil), "fail")).toContain(caughtBy);
  });

  test.each(ON_COPPER)("on copper, %s: %s", (_, caughtBy, spoil) => {
    expect(idsOf(copper(MAP, OPTICAL, {}, [caughtBy]), "pass")).toEqual([caughtBy]);
    expect(idsOf(copper(MAP, OPTICAL, spoil, [caughtBy]), "fail")).toEqual([caughtBy]);
  });
});
