/** Gates of the command line: what is demanded of a result, and whether the result meets it. */

import type { AnyEvaluation } from "#src/base/contracts/result.js";
import { DatasetError } from "#src/base/errors.js";
import type { FlagsOf } from "#src/base/options/table.js";
import type { Demands } from "#src/evaluate/gates.js";
import type { Report } from "#src/reports/report.js";

type GateFlags = Pick<
  FlagsOf<"merge">,
  "minAccuracy" | "expectAccuracy" | "minClassRecall" | "baseline" | "maxRegression"
>;

/** Returns what is demanded of the result, or undefined. Throws what `readBaseline` throws. */
export async function demandsOf(flags: GateFlags): Promise<Demands | undefined> {
  const { minAccuracy, expectAccuracy, minClassRecall, baseline: path, maxRegression = 0 } = flags;
  if (path !== undefined) {
    const { readBaseline } = await import("#src/evaluate/gates.js");
    return { minAccuracy, expectAccuracy, minClassRecall, baseline: await readBaseline(path, maxRegression) };
  }
  if (minAccuracy === undefined && expectAccuracy === undefined && minClassRecall === undefined) {
    return undefined;
  }
  return { minAccuracy, expectAccuracy, minClassRecall };
}

export interface JudgedReport {
  readonly report: Report;
  /** The gates that failed, or why none could be judged. */
  readonly faults: readonly Error[];
}

/** Judges a whole result. A partial one has failed already, by `fault`. */
export async function judgedReport(
  evaluation: AnyEvaluation,
  demands: Demands,
  fault: Error | undefined,
): Promise<JudgedReport> {
  const { dataset, network, result } = evaluation;
  if (!result.complete || !result.labelled) return { report: { evaluation, gates: [], fault }, faults: [] };
  const { gateError, judge } = await import("#src/evaluate/gates.js");
  try {
    const gates = judge(demands, { dataset, network, result });
    const missed = gates.filter(({ passed }) => !passed);
    return { report: { evaluation, gates, fault }, faults: missed.map(gateError) };
  } catch (error) {
    if (!(error instanceof DatasetError)) throw error;
    return { report: { evaluation, gates: [], fault: fault ?? error }, faults: [error] };
  }
}
