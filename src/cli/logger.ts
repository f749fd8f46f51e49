/** pino to stderr. Synchronous, because its worker-thread transports lose the last lines when the process ends. */
import { createRequire } from "node:module";
import type { Logger } from "pino";
import type { Log } from "#src/base/contracts/log.js";

export const LOG_LEVELS = ["silent", "fatal", "error", "warn", "info", "debug", "trace"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const STDERR = 2;

/** A log whose pino is loaded for its first line: most runs write none. */
export function createLogger(level: LogLevel): Log {
  const threshold = LOG_LEVELS.indexOf(level);
  let logger: Logger | undefined;
  const at = (name: keyof Log) => (facts: object, message: string) => {
    if (LOG_LEVELS.indexOf(name) > threshold) return;
    logger ??= openPino(level);
    logger[name](facts, message);
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn") };
}

/** By `require`, since a line must be out before the call that writes it returns. */
function openPino(level: LogLevel): Logger {
  const { pino } = createRequire(import.meta.url)("pino") as typeof import("pino");
  return pino({ name: "batchwise", level }, pino.destination({ dest: STDERR, sync: true }));
}
