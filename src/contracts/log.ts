/** Where a run says what it does; pino's loggers fit. */
export interface Log {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}

export const SILENT: Log = { debug() {}, info() {}, warn() {} };
