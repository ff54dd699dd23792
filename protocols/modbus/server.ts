/** Modbus servers: the PDU level, one TCP connection, one RTU line. */
export { type ModbusDataModel, respond } from "./respond.ts";
export { ModbusRtuServer, type RtuServerCounters } from "./server-rtu.ts";
export { ModbusTcpServerSession, type TcpServed, type TcpServerOptions } from "./server-tcp.ts";
