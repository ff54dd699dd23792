/** Asks the head-end's /metrics as a Prometheus would: what it says of itself, and that being asked does not hold it up. */

export interface Scraped {
  readonly scrapes: number;
  /** ms; the longest that an answer took, and the longest delay of the event loop that it told. */
  readonly slowest: number;
  readonly loopDelay: number;
  /** Pieces of work that waited for the store, the most at any scrape. */
  readonly backlog: number;
}

const EVERY_MS = 5_000;

export class Scraper {
  #url = "";
  #figures = { scrapes: 0, slowest: 0, loopDelay: 0, backlog: 0 };
  readonly #timer = setInterval(() => void this.#scrape(), EVERY_MS);

  /** @param ready the head-end's line of that name, after each start */
  follow(ready: string): void {
    this.#url = /http:\/\/\S+?(?=,|\s|$)/.exec(ready)?.[0] ?? "";
  }

  stop(): Scraped {
    clearInterval(this.#timer);
    return this.#figures;
  }

  async #scrape(): Promise<void> {
    const began = performance.now();
    // Killed or not yet started: there is nobody to ask.
    const text = await fetch(`${this.#url}/metrics`).then(
      (response) => response.text(),
      () => undefined,
    );
    if (text === undefined) return;
    const value = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1] ?? 0);
    const { scrapes, slowest, loopDelay, backlog } = this.#figures;
    this.#figures = {
      scrapes: scrapes + 1,
      slowest: Math.max(slowest, performance.now() - began),
      loopDelay: Math.max(loopDelay, 1_000 * value("nodejs_eventloop_lag_max_seconds")),
      backlog: Math.max(backlog, value("meterworks_store_backlog")),
    };
  }
}
