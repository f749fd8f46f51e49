/** The faults that a test can ask of a worker. */
import type { WorkerSetup } from "#src/pool/task-runner.js";

/** Not among the others: it takes a process of little memory. */
export const HEAP_FAULT = "exhaust its heap";

export const FAULTS = [
  "exit",
  "throw",
  "reject with a non-error",
  "hang",
  "answer too few",
  "answer nothing",
  "answer a wrong count",
  "answer another batch",
  "answer twice",
  "predict an impossible class",
] as const;
export type Fault = (typeof FAULTS)[number] | typeof HEAP_FAULT;

export interface FaultySetup extends WorkerSetup {
  readonly fault: Fault;
  /** How many more times the fault is to happen, over all workers. */
  readonly timesLeft: Int32Array;
  /** How many more workers are to end while they load. */
  readonly loadsToFail?: Int32Array | undefined;
  /** Only with this batch, where given. */
  readonly onlyBatch?: number;
  /** With every so-manieth task alone, over all workers; counted here. */
  readonly everyNth?: { readonly n: number; readonly tasks: Int32Array };
}
