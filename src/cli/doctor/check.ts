/** What `batchwise doctor` finds: one row a check. */

/**
 * - `ok`: works.
 * - `absent`: an optional part that is not there; no fault.
 * - `warning`: works in part, or not where it is not needed.
 * - `failed`: should work and does not.
 */
export type CheckState = "ok" | "absent" | "warning" | "failed";

export interface Check {
  readonly name: string;
  readonly state: CheckState;
  readonly found: string;
  /** What to do about it. */
  readonly advice?: string;
}

export interface Diagnosis {
  readonly version: string;
  /** Nothing has failed. */
  readonly healthy: boolean;
  readonly checks: readonly Check[];
}
