/** A simulated line with meters of ours on it, each with a format of its own, and everything that was sent to them. */
import { Dlt645Memory } from "../../../firmware-sim/faces/dlt645-memory.ts";
