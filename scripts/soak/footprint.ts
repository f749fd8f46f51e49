/** What a process takes of the machine, as Linux tells it. */
import { readdirSync, readFileSync } from "node:fs";

export interface Footprint {
  /** Resident memory. */
  readonly rssBytes: number;
  readonly threads: number;
  readonly descriptors: number;
}

/** Undefined where there is no such process (any more). */
export function footprintOf(pid: number): Footprint | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const numberOf = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(status)?.[1]);
    const rssBytes = 1024 * numberOf("VmRSS");
    // A process that has just ended has no memory, and is still in the list.
    if (Number.isNaN(rssBytes)) return undefined;
    return { rssBytes, threads: numberOf("Threads"), descriptors: readdirSync(`/proc/${pid}/fd`).length };
  } catch {
    return undefined;
  }
}
