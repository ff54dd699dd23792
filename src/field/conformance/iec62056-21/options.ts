/** Checks of the choice ACK V Z Y: the rate that is agreed on, and what comes without a choice or with one that can't be. */
import { ETX, SOH, STX, toText } from "../../../../protocols/iec62056-21/frame.ts";
import { baudCode, buildOption, type OptionMode } from "../../../../protocols/iec62056-21/message.ts";
import type { Heard, Probe } from "../../probe.ts";
import { PASS, skip, type Verdict } from "../check.ts";
import { say } from "../say.ts";
import type { Iec62056Check, Iec62056Context } from "./check.ts";
import { acknowledge, choose, hangUp, leave, rest, signOn } from "./head.ts";
import { failed } from "./shown.ts";

const group = "choice";
const clause = "6.3.3";
const needs = ["choice"];

/** Signs on to a meter of mode C, then `act` with the baud character that it offers. */
function* offered(context: Iec62056Context, act: (z: string) => Probe<Verdict>): Probe<Verdict> {
  const asked = yield* signOn(context);
  const { heard, identification } = asked;
  if (identification === undefined) return failed(heard, "no identification");
  if (identification.mode !== "C") {
    yield* leave(context, asked);
    return skip(`baud character ${identification.z}: the meter offers no choice`);
  }
  return yield* act(identification.z);
}

/** A check that the meter begins so at the rate of the chosen character. */
function begun(
  id: string,
  title: string,
  mode: OptionMode,
  first: number,
  zOf: (offered: string) => string,
): Iec62056Check {
  const y = mode === "readout" ? 0 : 1;
  return {
    ...{ id: `choice.${id}`, group, clause, title, needs: mode === "readout" ? needs : [...needs, "programming"] },
    request: `ACK 0 Z ${y} CR LF${id === "slower" ? " with a Z one below the offered one" : ""}`,
    expectation: `${mode === "readout" ? "STX and data" : "SOH P0"} at the rate of Z`,
    run: (context) =>
      offered(context, function* (z) {
        const wanted = zOf(z);
        if (wanted === "-1") return skip("the meter offers no rate below 300");
        const heard = yield* choose(context, buildOption(wanted, mode), wanted);
        yield* mode === "readout" ? acknowledge(context) : hangUp(context);
        return heard.bytes[0] === first
          ? PASS
          : failed(heard, `not what it begins with at ${baudCode(wanted).baud} baud`);
      }),
  };
}

/** Data as in mode A: no STX, no ETX, closed by ! CR LF. */
function plain(heard: Heard): Verdict {
  if (heard.bytes.length === 0) return failed(heard, "no data");
  if (heard.bytes.includes(STX) || heard.bytes.includes(ETX)) return failed(heard, "STX or ETX in it");
  return /![\r\n]*$/.test(toText(heard.bytes)) ? PASS : failed(heard, "it is not closed by !");
}

/** A check that a choice which can't be is none: the meter goes on as without it, at the rate of the sign-on. */
function noChoice(id: string, title: string, request: string, send: (z: string) => Uint8Array): Iec62056Check {
  return {
    ...{ id: `choice.${id}`, group, clause, title, request, needs },
    expectation: "data at the rate of the sign-on without STX, ETX and check character, as in mode A",
    run: (context) =>
      offered(context, function* (z) {
        const bytes = send(z);
        return plain(
          bytes.length === 0
            ? yield* rest()
            : yield* say(bytes, { first: 4_000_000, quiet: 1_700_000, longest: 300_000_000 }),
        );
      }),
  };
}

export const OPTIONS: readonly Iec62056Check[] = [
  begun("readout", "Readout at the offered rate", "readout", STX, (z) => z),
  begun("slower", "Readout at a slower rate", "readout", STX, (z) => String(Number(z) - 1)),
  begun("programming", "Programming mode at the offered rate", "programming", SOH, (z) => z),
  noChoice("none", "No choice", "/?! CR LF, then nothing", () => new Uint8Array(0)),
  noChoice("no-rate", "A rate that is none", "ACK 0 9 0 CR LF", () => buildOption("9", "readout")),
];
