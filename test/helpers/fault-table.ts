/** What each injected fault came to: a row for the table that `npm run test:faults` prints. */
import { appendFile } from "node:fs/promises";
import { env } from "node:process";

export interface FaultRow {
  readonly fault: string;
  /** Exit status of the process; the signal's name if it was killed. */
  readonly status: number | string | null;
  /** The one line on stderr, or what was told instead. */
  readonly line: string;
  readonly kept: string;
}

/** Rows are gathered where the variable BATCHWISE_FAULT_TABLE names a file. */
export async function recordFault(row: FaultRow): Promise<void> {
  const path = env.BATCHWISE_FAULT_TABLE;
  if (path) await appendFile(path, `${JSON.stringify(row)}\n`);
}
