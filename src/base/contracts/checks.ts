/** The answer of `check`: each evaluation of a suite with its gates. */
import * as z from "zod";
import { type DeepReadonly, milliseconds } from "./fields.js";
import { type AnyEvaluation, resultSchema } from "./result.js";

const CHECK_STATUSES = ["passed", "failed", "error"] as const;

const gateOutcome = z.object({
  /** The option that requires it, such as `--min-accuracy`. */
  name: z.string(),
  /** Error code of a missed gate. */
  code: z.enum(["ERR_GATE_ACCURACY", "ERR_GATE_CLASS_RECALL", "ERR_GATE_REGRESSION"]),
  /** Whether the result meets the requirement. */
  passed: z.boolean(),
  /** `an accuracy of at least 0.93`. */
  expected: z.string(),
  /** `0.9228, 0.0072 too low`. */
  found: z.string(),
  /** Gate, expected and found in one line. */
  message: z.string(),
});

/** A requirement on a result, and whether it is met. */
export interface GateOutcome extends DeepReadonly<z.infer<typeof gateOutcome>> {}
/** Error code of a missed gate. */
export type GateCode = GateOutcome["code"];

const check = z.object({
  /** Name of the evaluation in the suite; of several data sets, the name or path that was given. */
  name: z.string(),
  /** `failed`: a gate was missed. `error`: the evaluation or its gates could not be completed. */
  status: z.enum(CHECK_STATUSES),
  /** Why the status is `error`; null for every other status. */
  error: z
    .object({
      /** Error code, such as `ERR_FILE_READ`; see docs/errors.md. */
      code: z.string(),
      /** The error in one line. */
      message: z.string(),
    })
    .nullable(),
  /** The outcome of each gate; empty if the status is `error`. */
  gates: z.array(gateOutcome),
  /** The evaluation, whole or partial; null if nothing was evaluated. */
  evaluation: resultSchema.nullable(),
});

/** Several data sets, evaluated one after the other with one network. */
export const setsReportSchema = z
  .object({
    /** Version of this document's format. */
    schemaVersion: z.literal(1),
    /** All data sets, in the order of the command. */
    sets: z.array(check),
    /** Durations in milliseconds. */
    timing: z.object({
      /** From the start of the first evaluation to the answer. */
      totalMs: milliseconds,
    }),
  })
  .meta({ title: "Batchwise: the result of several data sets" });

/** The JSON of several data sets in one command. */
export interface SetsFile extends DeepReadonly<z.infer<typeof setsReportSchema>> {}

/** The JSON report of `check`. */
export const checksReportSchema = z
  .object({
    /** Version of this document's format. */
    schemaVersion: z.literal(1),
    /** Absolute path of the suite. */
    suite: z.string(),
    /** All evaluations of the suite, in its order. */
    checks: z.array(check),
    /** Durations in milliseconds. */
    timing: z.object({
      /** From the call to the answer, reading the suite included. */
      totalMs: milliseconds,
    }),
  })
  .meta({ title: "Batchwise: the result of a suite of checks" });

/** The JSON report of `check`. */
export interface ChecksFile extends DeepReadonly<z.infer<typeof checksReportSchema>> {}
/** `failed`: a gate was missed. `error`: the evaluation or its gates could not be completed. */
export type CheckStatus = (typeof CHECK_STATUSES)[number];

/** The answer of `check`. */
export interface ChecksReport {
  /** Absolute path of the suite. */
  readonly suite: string;
  /** All evaluations of the suite, in its order. */
  readonly checks: readonly CheckOutcome[];
  /** From the call to the answer, in milliseconds, reading the suite included. */
  readonly totalMs: number;
}

/** One evaluation of a suite with its gates, or the reason that there is none. */
export interface CheckOutcome {
  /** Name of the evaluation in the suite. */
  readonly name: string;
  /** `error` if there is a fault; otherwise `failed` if a gate was missed; otherwise `passed`. */
  readonly status: CheckStatus;
  /** The evaluation, whole or partial; undefined if nothing was evaluated. */
  readonly evaluation: AnyEvaluation | undefined;
  /** One outcome per gate, in the order accuracy, exact accuracy, recall, regression; empty if the status is `error`. */
  readonly gates: readonly GateOutcome[];
  /** Why the status is `error`; undefined for every other status. */
  readonly fault: Error | undefined;
}
