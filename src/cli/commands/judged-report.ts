/** A result against the gates that were asked for; loaded only where some were. */
import type { AnyEvaluation } from "#src/base/contracts/result.js";
import { DatasetError } from "#src/base/errors.js";
import { type Demands, gateError, judge } from "#src/evaluate/gates.js";
import type { Report } from "#src/reports/report.js";

export interface JudgedReport {
  readonly report: Report;
  /** The gates that were missed, or why none could be judged. */
  readonly faults: readonly Error[];
}

/** A gate judges whole results only: a partial one has failed already, by `fault`. */
export function judgedReport(
  evaluation: AnyEvaluation,
  demands: Demands,
  fault: Error | undefined,
): JudgedReport {
  const { dataset, network, result } = evaluation;
  if (!result.complete || !result.labelled) return { report: { evaluation, gates: [], fault }, faults: [] };
  try {
    const gates = judge(demands, { dataset, network, result });
    const missed = gates.filter(({ passed }) => !passed);
    return { report: { evaluation, gates, fault }, faults: missed.map(gateError) };
  } catch (error) {
    if (!(error instanceof DatasetError)) throw error;
    return { report: { evaluation, gates: [], fault: fault ?? error }, faults: [error] };
  }
}
