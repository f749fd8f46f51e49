/** Gates: demands that a whole result holds or misses, for scripts and CI. */
import type { DatasetView } from "./contracts/dataset.js";
import type { GateCode, GateOutcome } from "./contracts/gate.js";
import type { ClassMetrics } from "./contracts/metrics.js";
import { isSameView } from "./datasets/view.js";
import { DatasetError, ERROR_CODES, RunError } from "./errors.js";
import { printable } from "./printable.js";
import { pythonFloat } from "./reports/python-float.js";

/** Accuracies and recalls from 0 to 1. */
export interface Demands {
  readonly minAccuracy?: number | undefined;
  readonly expectAccuracy?: number | undefined;
  /** Of every class that has images. */
  readonly minClassRecall?: number | undefined;
  readonly baseline?: Baseline | undefined;
}

export interface Baseline {
  readonly path: string;
  readonly images: ImagesJudged;
  readonly correct: number;
  /** How far the accuracy may lie below the baseline's. */
  readonly maxRegression: number;
}

/** Two results are of the same images where all of these are equal. */
export interface ImagesJudged {
  readonly sha256: string;
  readonly view: DatasetView;
  readonly offset: number;
  readonly total: number;
}

/** What is judged: an evaluation fits, and so does what was read of one. */
export interface Judged {
  readonly dataset: {
    readonly sha256: string;
    readonly view: DatasetView;
    readonly offset: number;
    readonly classNames: readonly string[] | null;
  };
  readonly result: {
    readonly accuracy: number;
    readonly correct: number;
    readonly total: number;
    readonly perClass: readonly Pick<ClassMetrics, "label" | "recall">[];
  };
}

/**
 * The baseline of a result file.
 *
 * @throws FileError where it cannot be read; DatasetError ERR_BASELINE_PARTIAL where it has no whole accuracy
 */
export async function readBaseline(path: string, maxRegression: number): Promise<Baseline> {
  const { readResult } = await import("./schemas/read-result.js");
  const { dataset, result } = await readResult(path);
  if (!result.labelled || !result.complete) {
    const found = result.labelled ? "a partial one" : "one without labels";
    throw new DatasetError("ERR_BASELINE_PARTIAL", { path, found });
  }
  const { sha256, view, offset } = dataset;
  return {
    path,
    images: { sha256, view, offset, total: result.total },
    correct: result.correct,
    maxRegression,
  };
}

/** Refuses, with DatasetError ERR_BASELINE_DATA, a baseline of other images. */
export function assertSameImages({ path, images }: Baseline, { dataset, result }: Judged): void {
  const { sha256, view, offset } = dataset;
  const found: ImagesJudged = { sha256, view, offset, total: result.total };
  const isSame = images.sha256 === sha256 && images.offset === offset && images.total === result.total;
  if (isSame && isSameView(images.view, view)) return;
  throw new DatasetError("ERR_BASELINE_DATA", { path, expected: found, found: images });
}

/**
 * Each demand's outcome, in the order of `Demands`, of a result that is whole.
 *
 * @throws DatasetError ERR_BASELINE_DATA where the baseline is of other images
 */
export function judge(demands: Demands, judged: Judged): GateOutcome[] {
  const { minAccuracy, expectAccuracy, minClassRecall, baseline } = demands;
  const outcomes: GateOutcome[] = [];
  if (minAccuracy !== undefined) outcomes.push(judgeMinAccuracy(minAccuracy, judged));
  if (expectAccuracy !== undefined) outcomes.push(judgeExpectedAccuracy(expectAccuracy, judged));
  if (minClassRecall !== undefined) outcomes.push(judgeClassRecall(minClassRecall, judged));
  if (baseline !== undefined) outcomes.push(judgeRegression(baseline, judged));
  return outcomes;
}

/** A missed gate as the error that ends the process with 100. */
export function gateError({ name, code, expected, found }: GateOutcome): RunError {
  return new RunError(code, { gate: name, expected, found });
}

function judgeMinAccuracy(least: number, { result: { accuracy } }: Judged): GateOutcome {
  return outcomeOf("--min-accuracy", "ERR_GATE_ACCURACY", {
    passed: accuracy >= least,
    expected: `an accuracy of at least ${least}`,
    found: `${pythonFloat(accuracy)}${distanceText(accuracy, least)}`,
  });
}

function judgeExpectedAccuracy(wanted: number, { result: { accuracy } }: Judged): GateOutcome {
  return outcomeOf("--expect-accuracy", "ERR_GATE_ACCURACY", {
    passed: accuracy === wanted,
    expected: `an accuracy of ${pythonFloat(wanted)}`,
    found: `${pythonFloat(accuracy)}${accuracy > wanted ? `, ${difference(accuracy, wanted)} too high` : distanceText(accuracy, wanted)}`,
  });
}

/** Of several worst classes the first is named. */
function judgeClassRecall(least: number, { result, dataset }: Judged): GateOutcome {
  let label = 0;
  let worst = 1;
  for (const { label: candidate, recall } of result.perClass) {
    if (recall !== null && recall < worst) [label, worst] = [candidate, recall];
  }
  const name = dataset.classNames?.[label];
  return outcomeOf("--min-class-recall", "ERR_GATE_CLASS_RECALL", {
    passed: worst >= least,
    expected: `a recall of at least ${least} for every class`,
    found: `${pythonFloat(worst)} for class ${label}${name === undefined ? "" : ` (${printable(name)})`}${distanceText(worst, least)}`,
  });
}

function judgeRegression(baseline: Baseline, judged: Judged): GateOutcome {
  assertSameImages(baseline, judged);
  const { correct, total, accuracy } = judged.result;
  const { maxRegression, path } = baseline;
  // One division of integers is the nearest double of the exact loss, as `maxRegression` is of its decimals: 0.9372 −
  // 0.9352 in doubles would be above 0.002.
  const loss = (baseline.correct - correct) / total;
  const before = pythonFloat(baseline.correct / total);
  return outcomeOf("--max-regression", "ERR_GATE_REGRESSION", {
    passed: loss <= maxRegression,
    expected: `an accuracy at most ${maxRegression} below the ${before} of ${printable(path)}`,
    found: `${pythonFloat(accuracy)}${loss > 0 ? `, ${pythonFloat(loss)} below` : ""}`,
  });
}

function outcomeOf(
  name: string,
  code: GateCode,
  facts: Pick<GateOutcome, "passed" | "expected" | "found">,
): GateOutcome {
  const { expected, found } = facts;
  return { name, code, ...facts, message: ERROR_CODES[code].say({ gate: name, expected, found }) };
}

function distanceText(found: number, least: number): string {
  return found < least ? `, ${difference(least, found)} too low` : "";
}

/** To twelve digits: what lies below is the subtraction's own rounding. */
function difference(high: number, low: number): string {
  return pythonFloat(Number((high - low).toPrecision(12)));
}
