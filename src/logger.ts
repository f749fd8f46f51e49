/** pino to stderr. Synchronous, because its worker-thread transports lose the last lines when the process ends. */
import { type Logger, pino } from "pino";

export const LOG_LEVELS = ["silent", "fatal", "error", "warn", "info", "debug", "trace"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const STDERR = 2;

export function createLogger(level: LogLevel): Logger {
  return pino({ name: "batchwise", level }, pino.destination({ dest: STDERR, sync: true }));
}
