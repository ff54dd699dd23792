/** Modbus servers: the PDU level, one TCP connection, one RTU line. */
export { type ModbusDataModel, respond } from "./respond.ts";
export { ModbusRtuServer } from "./server-rtu.ts";
export { ModbusTcpServerSession } from "./server-tcp.ts";
