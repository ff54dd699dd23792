/** The Modbus checklist for a framing, in the order in which it is run: first whether anything is said at all. */
import { ASCII_CHECKS } from "./ascii-checks.ts";
import { DIAGNOSTICS_CHECKS } from "./diagnostics-checks.ts";
import { PDU_CHECKS } from "./pdu-checks.ts";
import { READ_CHECKS } from "./read-checks.ts";
import { RTU_CHECKS } from "./rtu-checks.ts";
import { SERIAL_CHECKS } from "./serial-checks.ts";
import { SERVICE_CHECKS } from "./service-checks.ts";
import type { ModbusCheck, ModbusTarget } from "./target.ts";
import { TCP_CHECKS, TCP_CONNECTION_CHECKS } from "./tcp-checks.ts";
import { WRITE_CHECKS } from "./write-checks.ts";

/** Rules of the line itself. */
const FRAMING: Readonly<Record<ModbusTarget["framing"], readonly ModbusCheck[]>> = {
  rtu: [...SERIAL_CHECKS, ...RTU_CHECKS],
  ascii: [...SERIAL_CHECKS, ...ASCII_CHECKS],
  tcp: TCP_CHECKS,
};

/** What is checked on one connection. Over TCP the diagnostics of serial lines do not exist. */
export function lineChecklist(framing: ModbusTarget["framing"]): readonly ModbusCheck[] {
  const counters = framing === "tcp" ? [] : DIAGNOSTICS_CHECKS;
  return [...PDU_CHECKS, ...FRAMING[framing], ...READ_CHECKS, ...WRITE_CHECKS, ...SERVICE_CHECKS, ...counters];
}

/** What is checked on two connections at once; nothing on a serial line. */
export function connectionChecklist(framing: ModbusTarget["framing"]): readonly ModbusCheck[] {
  return framing === "tcp" ? TCP_CONNECTION_CHECKS : [];
}
