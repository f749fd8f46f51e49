/** What a gate found: a demand on a whole result, held or missed. */

export type GateCode = "ERR_GATE_ACCURACY" | "ERR_GATE_CLASS_RECALL" | "ERR_GATE_REGRESSION";

/** A demand on a result, and whether it was met. */
export interface GateOutcome {
  /** The option that asks for it, such as `--min-accuracy`. */
  readonly name: string;
  /** Of the error that a missed gate is. */
  readonly code: GateCode;
  /** Whether the result meets the demand. */
  readonly passed: boolean;
  /** `an accuracy of at least 0.93`. */
  readonly expected: string;
  /** `0.9228, 0.0072 too low`. */
  readonly found: string;
  /** Both as one line that names the gate. */
  readonly message: string;
}
