/** Kinds of events of the native models in the order of their numbers (docs/modbus.md), which MQTT messages name. */
export const EVENT_KIND_NAMES = [
  ...["voltageLoss", "underVoltage", "overVoltage", "phaseFailure", "currentLoss", "overCurrent", "currentBreak"],
  ...["reversal", "overload", "allVoltageLoss", "lowPowerFactor", "voltageUnbalance", "currentUnbalance"],
  ...["severeCurrentUnbalance", "voltageSequence", "currentSequence", "neutralAbnormal", "demandImport"],
  ...["demandExport", "coverOpen", "terminalCoverOpen", "magneticField", "auxiliarySupplyLoss", "loadWhileOpen"],
  ...["batteryLow", "memoryFault", "chipFault", "clockFault", "powerOutage", "programming", "meterClear"],
  ...["demandClear", "eventClear", "clockSet", "relayTrip", "relayClose"],
] as const;

/** So many from the first on are watched on each phase by itself. */
export const PHASE_EVENT_KINDS = 9;
