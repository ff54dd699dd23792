/**
 * The effect contract. A meter's face, a protocol session, the collector: objects that take events and `now`, and return
 * effects. They open no socket, start no timer, read no clock. What may wait goes out as an effect and comes back as an
 * event. Two drivers run the same objects: `src/platform` (real ports and clocks), `src/simulation` (seeded virtual time).
 */
import type { LineFormat } from "./line-format.ts";
import type { Now, Wake } from "./time.ts";

/** Names one line, connection or broker session within the driver that opened it. */
export type LinkId = string & { readonly __id: "link" };

export function linkId(name: string): LinkId {
  return name as LinkId;
}

/** What reaches an actor from its links. */
export type LinkEvent =
  | { readonly kind: "opened"; readonly link: LinkId }
  | { readonly kind: "closed"; readonly link: LinkId; readonly reason: string }
  | { readonly kind: "bytes"; readonly link: LinkId; readonly bytes: Uint8Array }
  /** A publish from a broker. `token` names it for the acknowledge effect; undefined when none is owed. */
  | {
      readonly kind: "message";
      readonly link: LinkId;
      readonly topic: string;
      readonly payload: Uint8Array;
      readonly token: number | undefined;
    }
  /** The broker has acknowledged the publish that had this token; its sender may forget it. */
  | { readonly kind: "published"; readonly link: LinkId; readonly token: number };

/** What an actor asks of its links and of the log. */
export type LinkEffect =
  | { readonly kind: "send"; readonly link: LinkId; readonly bytes: Uint8Array }
  | { readonly kind: "close"; readonly link: LinkId; readonly reason: string }
  /**
   * A serial port goes to another rate (bits per second) once everything sent before has left the line; what is sent later
   * waits for that. Of no meaning on links without bit timing: TCP, pseudo terminals made by us.
   */
  | { readonly kind: "baud"; readonly link: LinkId; readonly rate: number }
  /**
   * A serial port goes to other settings: it may be closed and opened again for that (`closed`, then `opened`). Of no
   * meaning on links without bit timing.
   */
  | { readonly kind: "format"; readonly link: LinkId; readonly format: LineFormat }
  | {
      readonly kind: "publish";
      readonly link: LinkId;
      readonly topic: string;
      readonly payload: Uint8Array;
      readonly qos: 0 | 1;
      readonly retain: boolean;
      /**
       * QoS 1: asks for a `published` event under this name. Until then the link repeats the message by itself, across lost
       * connections; only the end of the process ends that.
       */
      readonly token?: number;
    }
  /** The message is safe (its batch is committed): the publisher may forget it. */
  | { readonly kind: "acknowledge"; readonly link: LinkId; readonly token: number }
  | LogEffect;

export interface LogEffect {
  readonly kind: "log";
  readonly level: "debug" | "info" | "warn" | "error";
  readonly event: string;
  readonly fields?: Readonly<Record<string, string | number | boolean | null>>;
}

/** An object without time of its own. `E` is what it takes beside the wake, `F` what it asks for. */
export interface Actor<E = LinkEvent, F = LinkEffect> {
  /** Takes one event. The same object is never entered twice at once. */
  handle(event: E, now: Now): readonly F[];
  /** Called at or after {@link nextWake}; a wake that is no longer due does nothing. */
  wake(now: Now): readonly F[];
  /** When the next thing happens by itself; asked again after every call. */
  nextWake(): Wake;
}

export const NO_EFFECTS: readonly never[] = [];
