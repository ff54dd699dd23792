/** What becomes of readings as they age. */

export interface RetentionPolicy {
  /** Whole UTC days are compacted once they are over and so many more have passed; from 1. */
  readonly compactAfterDays: number;
  /** Readings of months that ended so many months ago are written to an archive and removed; null: kept for ever. */
  readonly keepMonths: number | null;
  /** The folder of the archives. */
  readonly archive: string | null;
}

export const DEFAULT_RETENTION: RetentionPolicy = { compactAfterDays: 3, keepMonths: null, archive: null };
