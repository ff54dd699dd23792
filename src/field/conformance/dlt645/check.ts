/** A check of DL/T 645-2007. Its clause is one of the standard's sections; their numbers are recalled. */
import type { Check } from "../check.ts";
import type { Dlt645Context } from "./talk.ts";

export type Dlt645Check = Check<Dlt645Context>;
