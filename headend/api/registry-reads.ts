/** The registry out of the store: records of meters, each with its entry where it has one. */
import type { MeterId, RegisteredMeter, StoredDocument, StoreQuery } from "../ports.ts";
import type { RegistryMeter } from "../registry/columns.ts";
import { blankEntry, REGISTRY, REGISTRY_CODEC, type RegistryEntry, type RegistryState } from "../registry/entry.ts";
import { knownMeter } from "./context.ts";
import { readCursor, writeCursor } from "./cursor.ts";
import { fromStore } from "./problems.ts";

const PAGE = 500;

export async function entryOf(store: StoreQuery, id: MeterId): Promise<RegistryEntry | undefined> {
  const document = await fromStore(store.document(REGISTRY, id));
  return document === undefined ? undefined : REGISTRY_CODEC.decode(document.text);
}

export async function registryMeter(store: StoreQuery, id: MeterId): Promise<RegistryMeter> {
  const registration = await knownMeter(store, id);
  return { registration, entry: (await entryOf(store, id)) ?? blankEntry(id) };
}

/** All meters from an id on, in the order of the ids; entries are read in pages, so one may stop early. */
export async function* registryFrom(store: StoreQuery, first: string): AsyncGenerator<RegistryMeter> {
  const rest = (await fromStore(store.meters())).filter(({ id }) => id >= first);
  for (let i = 0; i < rest.length; i += PAGE) {
    const page = rest.slice(i, i + PAGE);
    const entries = await entriesOf(store, page);
    for (const registration of page)
      yield { registration, entry: entries.get(registration.id) ?? blankEntry(registration.id) };
  }
}

/** The entries of a run of meters that is in the order of their ids. */
async function entriesOf(
  store: StoreQuery,
  meters: readonly RegisteredMeter[],
): Promise<ReadonlyMap<string, RegistryEntry>> {
  const [first, last] = [meters[0], meters.at(-1)];
  const found = new Map<string, RegistryEntry>();
  if (first === undefined || last === undefined) return found;
  const own = await entryOf(store, first.id);
  if (own !== undefined) found.set(first.id, own);
  for (let after: string | undefined = first.id; after !== undefined && after < last.id; ) {
    const documents: readonly StoredDocument[] = await fromStore(store.documents(REGISTRY, after, "up", PAGE));
    for (const { key, text } of documents) found.set(key, REGISTRY_CODEC.decode(text));
    after = documents.length < PAGE ? undefined : documents.at(-1)?.key;
  }
  return found;
}

export interface RegistryPage {
  readonly meters: readonly RegistryMeter[];
  readonly next: string | null;
}

export async function registryPage(
  store: StoreQuery,
  { limit, cursor, state }: { readonly limit: number; readonly cursor?: string; readonly state?: RegistryState },
): Promise<RegistryPage> {
  const list = `registry ${state ?? ""}`;
  const from = cursor === undefined ? "" : readCursor(list, cursor);
  const meters: RegistryMeter[] = [];
  for await (const meter of registryFrom(store, from)) {
    if (state !== undefined && meter.entry.state !== state) continue;
    if (meters.length === limit) return { meters, next: writeCursor(list, meter.registration.id) };
    meters.push(meter);
  }
  return { meters, next: null };
}
