/** Checks of the sign-on: who answers to which request, and the form of the identification. */
import { addParity, toBytes } from "../../../../protocols/iec62056-21/frame.ts";
import { buildRequest, IDENT_LIMIT } from "../../../../protocols/iec62056-21/message.ts";
import { joinBytes } from "../../../core/bytes.ts";
import type { Probe } from "../../probe.ts";
import { fail, PASS, skip, type Verdict } from "../check.ts";
import { say } from "../say.ts";
import type { Iec62056Check, Iec62056Context } from "./check.ts";
import { ask, askForSilence, leave, type SignOn, signOn, signOnRate } from "./head.ts";
import { failed, shown } from "./shown.ts";

const group = "sign-on";
const REQUEST = "6.3.1";
const IDENTIFICATION = "6.3.2";

/** Nobody's device address. */
const OTHER = "99999999999999999999999999999998";

/** Judges an identification and leaves the meter. */
function* identified(
  context: Iec62056Context,
  asked: SignOn,
  judge: (told: SignOn, line: string) => string | undefined = () => undefined,
): Probe<Verdict> {
  const { heard, line } = asked;
  if (line === undefined) return failed(heard, heard.bytes.length === 0 ? "no answer" : "no line that begins with /");
  const why = judge(asked, line);
  yield* leave(context, asked);
  return why === undefined ? PASS : fail(shown(toBytes(line)), why);
}

/** A check of the identification's form. */
function form(
  id: string,
  title: string,
  expectation: string,
  judge: (told: SignOn, line: string) => string | undefined,
): Iec62056Check {
  return {
    ...{ id: `sign-on.${id}`, group, clause: IDENTIFICATION, title, request: "/?! CR LF", expectation },
    *run(context) {
      return yield* identified(context, yield* signOn(context), judge);
    },
  };
}

/** A check that a request is answered. */
function answered(
  id: string,
  title: string,
  request: string,
  bytes: (context: Iec62056Context) => Uint8Array,
  needs?: readonly string[],
): Iec62056Check {
  return {
    ...{ id: `sign-on.${id}`, group, clause: REQUEST, title, request, expectation: "an identification" },
    ...(needs === undefined ? {} : { needs }),
    *run(context) {
      return yield* identified(context, yield* ask(context, bytes(context)));
    },
  };
}

/** A check that something else than a request to this meter is not answered, and a good one behind it is. */
function silent(id: string, title: string, request: string, text: string): Iec62056Check {
  return {
    ...{
      id: `sign-on.${id}`,
      group,
      clause: REQUEST,
      title,
      request,
      expectation: "silence; /?! behind it is answered",
    },
    *run(context) {
      const heard = yield* askForSilence(context, toBytes(text));
      if (heard.bytes.length > 0) return failed(heard, "it answered");
      return yield* identified(context, yield* signOn(context));
    },
  };
}

const FORMS: readonly Iec62056Check[] = [
  form("form", "Form of the identification", "/XXXZ and the ident, printable characters", ({ identification }) =>
    identification === undefined ? "it is not / three letters, a baud character and the ident" : undefined,
  ),
  form(
    "manufacturer",
    "Manufacturer's letters",
    "three letters, the third one lower case where the meter reacts in 20 ms",
    (_, line) => (/^\/[A-Z]{2}[A-Za-z]/.test(line) ? undefined : "the manufacturer is not two capitals and a letter"),
  ),
  form("ident", "Length of the ident", `${IDENT_LIMIT} printable characters at most`, ({ identification }) => {
    const length = identification?.ident.length ?? 0;
    if (length > IDENT_LIMIT) return `the ident has ${length} characters`;
    return /[/!]/.test(identification?.ident ?? "") ? "the ident has / or ! inside" : undefined;
  }),
  form("line", "End of the identification", "CR LF, nothing before / and nothing behind", ({ heard }, line) =>
    heard.bytes.length === line.length + 2
      ? undefined
      : `${heard.bytes.length - line.length - 2} characters more than the line`,
  ),
  form(
    "baud-character",
    "Baud character",
    "0 to 6 (mode C), A to F (mode B), or none of 7 to 9 and G to I",
    ({ identification }) =>
      /[7-9G-I]/.test(identification?.z ?? "") ? "a baud character that is reserved" : undefined,
  ),
];

const ANSWERED: readonly Iec62056Check[] = [
  answered("answered", "Request without an address", "/?! CR LF", () => buildRequest("")),
  answered(
    "addressed",
    "Request with the device address",
    "/? address ! CR LF",
    ({ map }) => buildRequest(map.address as string),
    ["address"],
  ),
  answered(
    "leading-zeros",
    "Leading zeros of the address say nothing",
    "/? 0 address ! CR LF",
    ({ map }) => buildRequest(`0${map.address}`),
    ["address"],
  ),
  answered("wake-up", "Wake-up before a request", "40 NUL, then /?! CR LF", () =>
    joinBytes([new Uint8Array(40), buildRequest("")]),
  ),
  answered("noise-before", "A request behind noise", "the characters 7F 55 /x, then /?! CR LF", () =>
    toBytes("\x7fU/x/?!\r\n"),
  ),
];

const SILENT: readonly Iec62056Check[] = [
  silent("other-address", "Another meter's address", `/?${OTHER}! CR LF`, `/?${OTHER}!\r\n`),
  silent("wrong-start", "Wrong start character", "#?! CR LF", "#?!\r\n"),
  silent("no-command", "Transmission request command missing", "/! CR LF", "/!\r\n"),
  silent("no-end", "End character missing", "/? CR LF", "/?\r\n"),
  silent("no-line-end", "CR LF missing", "/?! and nothing for 1.7 s", "/?!"),
];

const PAUSES: readonly Iec62056Check[] = [
  {
    ...{ id: "sign-on.gap-accepted", group, clause: REQUEST, title: "A pause inside a request" },
    ...{ request: "/? , 0.5 s later ! CR LF", expectation: "an identification: up to 1.5 s between two characters" },
    *run(context) {
      yield* signOnHalf(context, 500_000);
      return yield* identified(context, yield* ask(context, toBytes("!\r\n")));
    },
  },
  {
    ...{ id: "sign-on.gap-ends", group, clause: REQUEST, title: "A long pause ends a request" },
    ...{ request: "/? , 2.5 s later ! CR LF", expectation: "silence; /?! behind it is answered" },
    *run(context) {
      yield* signOnHalf(context, 2_500_000);
      const heard = yield* askForSilence(context, toBytes("!\r\n"));
      if (heard.bytes.length > 0) return failed(heard, "it took both parts for one request");
      return yield* identified(context, yield* signOn(context));
    },
  },
  {
    ...{ id: "sign-on.again", group, clause: REQUEST, title: "A request once more instead of a choice" },
    ...{ request: "/?! CR LF, and again behind the identification", expectation: "the same identification again" },
    *run(context) {
      const first = yield* signOn(context);
      if (first.identification !== undefined && first.identification.mode !== "C") {
        yield* leave(context, first);
        return skip("the meter waits for no choice");
      }
      const again = yield* signOn(context);
      const why = (_: SignOn, line: string) =>
        line === first.line ? undefined : `the first one was ${first.line ?? "nothing"}`;
      return yield* identified(context, again, why);
    },
  },
];

function* signOnHalf(context: Iec62056Context, pause: number): Probe<void> {
  if (context.format !== undefined) yield { kind: "format", format: context.format };
  yield* say(toBytes("/?"), { first: pause, quiet: pause });
}

const NO_BITS = "there is no parity to be seen on this connection";

const CHARACTERS: readonly Iec62056Check[] = [
  {
    ...{ id: "character.seven-bits", group: "character", clause: "5.2", title: "Seven bits" },
    ...{ request: "/?! CR LF", expectation: "no character above 7F" },
    *run(context) {
      const asked = yield* signOn(context);
      const high = asked.heard.bytes.find((byte) => byte > 0x7f);
      yield* leave(context, asked);
      if (asked.heard.bytes.length === 0) return failed(asked.heard, "no answer");
      return high === undefined ? PASS : failed(asked.heard, `a character ${high.toString(16)}`);
    },
  },
  {
    ...{ id: "character.even-parity", group: "character", clause: "5.2", title: "Even parity of what the meter sends" },
    ...{
      request: "/?! CR LF with even parity, the port at eight bits without parity",
      expectation: "even parity on every character",
    },
    *run(context) {
      const { format } = context;
      if (format === undefined) return skip(NO_BITS);
      const eight = { ...context, format: { ...format, dataBits: 8, parity: "none" } as const };
      const asked = yield* ask(eight, addParity(buildRequest("")));
      const { heard } = asked;
      yield* signOnRate(context);
      yield* leave(context, asked);
      if (heard.bytes.length === 0) return failed(heard, "no answer");
      const stripped = heard.bytes.map((byte) => byte & 0x7f);
      const odd = addParity(stripped).findIndex((byte, at) => byte !== heard.bytes[at]);
      return odd < 0 ? PASS : failed(heard, `character ${odd + 1} has no even parity`);
    },
  },
  {
    ...{ id: "character.odd-parity", group: "character", clause: "5.2", title: "Odd parity is not taken" },
    ...{ request: "/?! CR LF with odd parity", expectation: "silence; with even parity it is answered" },
    *run(context) {
      const { format } = context;
      if (format === undefined) return skip(NO_BITS);
      const heard = yield* askForSilence({ ...context, format: { ...format, parity: "odd" } }, buildRequest(""));
      if (heard.bytes.length > 0) return failed(heard, "it answered");
      return yield* identified(context, yield* signOn(context));
    },
  },
];

export const SIGN_ON: readonly Iec62056Check[] = [...ANSWERED, ...FORMS, ...SILENT, ...PAUSES, ...CHARACTERS];
