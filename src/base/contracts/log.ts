/** Where a run says what it does; pino's loggers fit. */
export interface Log {
  /** What helps to find a fault. */
  debug(facts: object, message: string): void;
  /** What was done, and how long it took. */
  info(facts: object, message: string): void;
  /** What went wrong and was mended, such as a batch that is run again. */
  warn(facts: object, message: string): void;
}

export const SILENT: Log = { debug() {}, info() {}, warn() {} };
