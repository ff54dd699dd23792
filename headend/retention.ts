/** What becomes of readings as they age: the `retention` section of the configuration. */
import type { Civil } from "../src/core/time.ts";
import type { ObjectReader } from "./config-reader.ts";
import type { Store } from "./ports.ts";

export interface RetentionPolicy {
  /** Whole UTC days are compacted once they are over and so many more have passed; from 1. */
  readonly compactAfterDays: number;
  /** Readings of months that ended so many months ago are written to an archive and removed; null: kept for ever. */
  readonly keepMonths: number | null;
  /** The folder of the archives. */
  readonly archive: string | null;
}

export const DEFAULT_RETENTION: RetentionPolicy = { compactAfterDays: 3, keepMonths: null, archive: null };

/** Reads the section; what is wrong becomes a problem of the document. */
export function readRetention(section: ObjectReader): RetentionPolicy {
  const days = section.has("compactAfterDays") ? section.integer("compactAfterDays", 1, 3_650) : undefined;
  const months = section.has("keepMonths") ? section.integer("keepMonths", 1, 1_200) : undefined;
  const archive = section.has("archive") ? section.text("archive", "the folder for archives") : undefined;
  if (months !== undefined && archive === undefined)
    section.problem("archive", "with keepMonths a folder is needed: nothing is removed that is not in an archive");
  section.close();
  return {
    compactAfterDays: days ?? DEFAULT_RETENTION.compactAfterDays,
    keepMonths: months ?? null,
    archive: archive ?? null,
  };
}

/** What one step of housekeeping did. */
export interface MaintenanceReport {
  /** Whether there is more to do now. */
  readonly more: boolean;
  /** Readings that were taken into compacted days, and such that went into an archive. */
  readonly compacted: number;
  readonly archived: number;
}

/** A store that has to be tidied now and then. The driver does that, the collector knows nothing of it. */
export interface MaintainedStore extends Store {
  /** One short step, between two commits. */
  maintain(now: Civil): Promise<MaintenanceReport>;
}
