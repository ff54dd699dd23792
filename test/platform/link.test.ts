/** What a link gives before the actor whose link it is has taken it. */
import { expect, test } from "vitest";
import { type LinkEvent, linkId } from "../../src/core/actor.ts";
import { Link } from "../../src/platform/link.ts";

/** A session whose broker does what a test says. */
class Session extends Link {
  constructor() {
    super(linkId("session"));
  }

  greeted(): void {
    this.markOpen();
  }

  message(token: number | undefined): void {
    this.emit({ kind: "message", link: this.id, topic: "meters/m/telemetry", payload: new Uint8Array(0), token });
  }

  lost(): void {
    this.markClosed("lost", false);
  }

  close(): void {}

  async end(): Promise<void> {}
}

function taken(session: Session): string[] {
  const told: string[] = [];
  session.take((event: LinkEvent) => told.push(event.kind === "message" ? `message ${event.token}` : event.kind));
  return told;
}

test("what is owed an acknowledgement waits for the actor, whoever else listens before", () => {
  const session = new Session();
  session.subscribe(() => {});
  session.message(1);
  session.greeted();
  session.message(undefined);
  session.message(2);
  const told = taken(session);
  session.message(3);
  expect(told).toEqual(["opened", "message 1", "message 2", "message 3"]);
});

test("what a lost connection gave comes again with the next one, not twice", () => {
  const session = new Session();
  session.message(1);
  session.lost();
  session.message(2);
  expect(taken(session)).toEqual(["message 2"]);
});
