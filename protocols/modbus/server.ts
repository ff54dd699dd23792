/** Modbus servers: the PDU level, one TCP connection, one serial line. */
export { type ModbusDataModel, respond } from "./respond.ts";
export type { SerialFraming } from "./serial-line.ts";
export { ModbusSerialServer } from "./server-serial.ts";
export { ModbusTcpServerSession } from "./server-tcp.ts";
