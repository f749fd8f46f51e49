/** The faults that a test can ask of a worker. */
import type { WorkerSetup } from "../../src/executors/worker-setup.js";

export const FAULTS = [
  "exit",
  "throw",
  "reject with a non-error",
  "hang",
  "answer too few",
  "answer nothing",
  "answer a wrong count",
  "answer another batch",
  "predict an impossible class",
] as const;
export type Fault = (typeof FAULTS)[number];

export interface FaultySetup extends WorkerSetup {
  readonly fault: Fault;
  /** How many more times the fault is to happen, over all workers. */
  readonly timesLeft: Int32Array;
  /** Only with this batch, where given. */
  readonly onlyBatch?: number;
}
