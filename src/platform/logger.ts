/** The log, on stderr: JSON lines for machines, a short line each where a person is watching. */
import { pino } from "pino";
import type { LogEffect } from "../core/actor.ts";

const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  /** By default what METERWORKS_LOG says, else `info`. */
  readonly level?: LogLevel;
  /** Short lines; by default where stderr is a terminal. */
  readonly pretty?: boolean;
  /** Where the lines go; stderr by default. */
  readonly write?: (line: string) => void;
}

/** Carries out log effects. */
export function createLogger(options: LoggerOptions = {}): (effect: LogEffect) => void {
  const write = options.write ?? stderrWriter();
  const pretty = options.pretty ?? process.stderr.isTTY === true;
  const logger = pino(
    {
      level: options.level ?? levelFromEnvironment(),
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: "event",
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: pretty ? (line: string) => write(humanLine(line)) : write },
  );
  return ({ level, event, fields }) => logger[level](fields ?? {}, event);
}

/** Synchronous, so that the line about a bug is out before the process is. */
function stderrWriter(): (line: string) => void {
  const stderr = pino.destination({ fd: 2, sync: true });
  return (line) => void stderr.write(line);
}

function levelFromEnvironment(): LogLevel {
  const { METERWORKS_LOG: wanted } = process.env;
  return LOG_LEVELS.find((level) => level === wanted) ?? "info";
}

/** `16:20:01 warn link closed link=tcp:10.0.0.7 reason="idle for too long"`; a stack comes as lines of its own. */
function humanLine(json: string): string {
  const { time, level, event, stack, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const details = Object.entries(fields).map(([name, value]) => ` ${name}=${quoted(value)}`);
  const head = `${String(time).slice(11, 19)} ${level} ${event}${details.join("")}\n`;
  return stack === undefined ? head : `${head}${String(stack)}\n`;
}

function quoted(value: unknown): string {
  return typeof value === "string" && !/[\s"=]/.test(value) && value !== "" ? value : JSON.stringify(value);
}
