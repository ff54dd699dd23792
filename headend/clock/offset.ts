/** How far a meter's clock is from the head-end's, from what contacts tell. */
import type { Civil } from "../../src/core/time.ts";

/** The meter's clock showed `shown` at some moment from `asked` to `answered`, both by the head-end's clock. */
export interface Contact {
  readonly asked: Civil;
  readonly answered: Civil;
  readonly shown: Civil;
}
