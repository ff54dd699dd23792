/** Live updates as server-sent events (WHATWG HTML, 9.2). */
import type { ServerResponse } from "node:http";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Sink } from "../../broadcaster.ts";
import { EVENT_KINDS, type EventKind, type FeedItem, type NoticeFeed, type Wish } from "../../notice-feed.ts";
import type { MeterId } from "../../ports.ts";
import { eventView } from "../../view.ts";
import type { ApiOptions } from "../context.ts";
import { Problem } from "../problems.ts";
import { eventsQuery, responses } from "../schemas.ts";

interface EventsQuery {
  readonly kinds?: string;
  readonly meter?: MeterId;
}

/** Each holds a connection and a queue. */
const MOST_CLIENTS = 64;
/** Events that may wait for one client. */
const QUEUE = 1_000;
/** A quiet connection is kept by proxies and seen to be alive by clients; and a token that was withdrawn ends with it. */
const HEARTBEAT_MS = 15_000;
const RETRY_AFTER_SECONDS = 30;

export function eventRoutes(app: FastifyInstance, { events, heartbeatMs = HEARTBEAT_MS }: ApiOptions): void {
  const clients = new Set<EventClient>();
  // Before the server waits for its connections to end: these would not.
  app.addHook("preClose", (done) => {
    for (const client of clients) client.end();
    done();
  });

  app.get<{ Querystring: EventsQuery }>(
    "/events",
    {
      exposeHeadRoute: false,
      schema: {
        operationId: "streamEvents",
        summary: "Live updates as server-sent events",
        description:
          "Events are named reading, order, alarm and balance; their data is one JSON object. A client that is slow gets an " +
          "event `lost` with how many it missed. With Last-Event-ID it gets what it missed while it was away, or `lost` with " +
          "the count null where that is not known any more: read the lists then.",
        tags: ["system"],
        querystring: eventsQuery,
        response: responses({ 200: { content: { "text/event-stream": { schema: { type: "string" } } } } }),
      },
    },
    (request, reply) => {
      if (clients.size >= MOST_CLIENTS)
        throw new Problem(503, "too-many-clients", `${MOST_CLIENTS} clients listen already`, RETRY_AFTER_SECONDS);
      const wish = wishOf(request.query);
      reply.hijack();
      const headers = { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" };
      reply.raw.writeHead(200, headers);
      const client = new EventClient(events, wish, reply.raw);
      clients.add(client);
      client.begin(lastEventId(request));
      const alive = setInterval(() => (request.stillAllowed() ? client.beat() : client.end()), heartbeatMs);
      reply.raw.once("close", () => {
        clearInterval(alive);
        client.leave();
        clients.delete(client);
      });
    },
  );
}

function wishOf({ kinds, meter }: EventsQuery): Wish {
  const given = kinds === undefined ? EVENT_KINDS : (kinds.split(",") as EventKind[]);
  return { kinds: new Set(given), meter };
}

function lastEventId({ headers }: FastifyRequest): string | undefined {
  const id = headers["last-event-id"];
  return typeof id === "string" && id !== "" ? id : undefined;
}

class EventClient {
  readonly #feed: NoticeFeed;
  readonly #wish: Wish;
  readonly #out: ServerResponse;
  readonly #sink: Sink<FeedItem>;
  /** The client does not read at the moment: what comes waits in its queue. */
  #blocked = false;
  #scheduled = false;

  constructor(feed: NoticeFeed, wish: Wish, out: ServerResponse) {
    this.#feed = feed;
    this.#wish = wish;
    this.#out = out;
    this.#sink = feed.join(wish, QUEUE, () => this.#schedule());
    out.on("drain", () => {
      this.#blocked = false;
      this.#schedule();
    });
  }

  begin(lastEvent: string | undefined): void {
    this.#write(": meterworks\n\n");
    if (lastEvent === undefined) return;
    const missed = this.#feed.since(lastEvent, this.#wish);
    if (missed === null) this.#write(lost(null));
    else for (const item of missed) this.#write(eventText(item));
  }

  beat(): void {
    if (!this.#blocked) this.#write(": alive\n\n");
  }

  end(): void {
    this.leave();
    this.#out.end();
  }

  leave(): void {
    this.#feed.leave(this.#sink);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#blocked || this.#out.writableEnded) return;
    const { items, dropped } = this.#sink.drain();
    if (dropped > 0) this.#write(lost(dropped));
    if (items.length > 0) this.#write(items.map(eventText).join(""));
  }

  #write(text: string): void {
    if (!this.#out.write(text)) this.#blocked = true;
  }
}

function lost(count: number | null): string {
  return `event: lost\ndata: ${JSON.stringify({ count })}\n\n`;
}

function eventText({ id, notice }: FeedItem): string {
  return `id: ${id}\nevent: ${notice.kind}\ndata: ${JSON.stringify(eventView(notice))}\n\n`;
}
