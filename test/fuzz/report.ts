/** What the fuzzer finds, as it goes from the process that reads mutants to the one that counts. */

export type FaultKind =
  | "not an error of ours"
  | "a code that is not documented"
  | "a message of several lines"
  | "a wrong answer"
  | "slow"
  | "memory"
  | "crash"
  | "hang";

export interface Fault {
  readonly reader: string;
  /** Index of the mutant. */
  readonly mutation: number;
  readonly kind: FaultKind;
  readonly detail: string;
}

/** Result of one piece of work. */
export interface Findings {
  /** How often each code was given; `read` for mutants that were read. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly slowestMs: number;
  /** The largest growth of any batch at its peak, 0 where the system does not tell. */
  readonly growthBytes: number;
  readonly faults: readonly Fault[];
}

/** What one process is to do, in order; it writes how far it is to a file of two u32, reader and mutation. */
export interface Order {
  readonly readers: readonly string[];
  /** Of the first reader; the others begin at 0. */
  readonly firstMutation: number;
  readonly mutations: number;
  readonly seed: number;
  readonly folder: string;
  readonly progressPath: string;
}

/** Sent after each batch. */
export interface Message extends Findings {
  readonly reader: string;
  readonly done: number;
  readonly elapsedMs: number;
}
