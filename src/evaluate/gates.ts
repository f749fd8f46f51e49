/** Gates: demands that a whole result holds or misses, for scripts and CI. */

import type { GateCode, GateOutcome } from "#src/base/contracts/checks.js";
import { AS_STORED, type DatasetView } from "#src/base/contracts/dataset.js";
import type { ClassMetrics } from "#src/base/contracts/metrics.js";
import type { Activation, Preprocessing } from "#src/base/contracts/network.js";
import { atLeast, DatasetError, ERROR_CODES, RunError } from "#src/base/errors.js";
import type { NumberLike } from "#src/base/options/define.js";
import { printable, pythonFloat } from "#src/base/text.js";
import { isSameView } from "#src/data/view.js";
import { activationsOf } from "#src/networks/chain.js";
import type { Opened } from "./open-inputs.js";
import { canonicalJson } from "./run-identity.js";

/** An accuracy is printed with so many, and judged by no fewer. */
const LEAST_PLACES = 4;
/** More than a float64 has. */
const MOST_PLACES = 20;

/** Accuracies and recalls from 0 to 1. */
export interface Demands {
  readonly minAccuracy?: number | undefined;
  /** Held where the accuracy rounds to it at the places that it is given with, at least four: 0.99 is 0.9900. */
  readonly expectAccuracy?: NumberLike | undefined;
  /** Least recall of every class that has images. */
  readonly minClassRecall?: number | undefined;
  readonly baseline?: Baseline | undefined;
}

export interface Baseline extends SubjectJudged {
  readonly path: string;
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

/** A network and how its file was read; null stands for what a result of an older version does not state. */
export interface NetworkJudged {
  readonly sha256: string;
  readonly activations: readonly Activation[] | null;
  readonly preprocessing: Preprocessing | null;
}

export interface SubjectJudged {
  readonly images: ImagesJudged;
  readonly network: NetworkJudged;
}

/** What is judged: an evaluation fits, and so does what was read of one. */
export interface Judged {
  readonly dataset: {
    readonly sha256: string;
    readonly view: DatasetView;
    readonly offset: number;
    readonly classNames: readonly string[] | null;
  };
  readonly network: NetworkJudged;
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
  const { readResult } = await import("./read-result.js");
  const { dataset, network, result } = await readResult(path);
  if (!result.labelled || !result.complete) {
    const found = result.labelled ? "a partial one" : "one without labels";
    throw new DatasetError("ERR_BASELINE_PARTIAL", { path, found });
  }
  const { sha256, view, offset } = dataset;
  return {
    path,
    images: { sha256, view, offset, total: result.total },
    network: {
      sha256: network.sha256,
      activations: network.activations,
      preprocessing: network.preprocessing,
    },
    correct: result.correct,
    maxRegression,
  };
}

/** The images and the network of a run that is about to begin. */
export async function subjectOf({ dataset, network, range }: Opened): Promise<SubjectJudged> {
  const { view = AS_STORED } = dataset.facts;
  const sha256 = await dataset.sha256();
  return {
    images: { sha256, view, offset: range.offset, total: range.limit },
    network: {
      sha256: network.sha256,
      activations: activationsOf(network),
      preprocessing: network.preprocessing,
    },
  };
}

/**
 * A baseline is of the same images. It may be of another network, but not of the same file read in another way.
 *
 * @throws DatasetError ERR_BASELINE_DATA, ERR_BASELINE_READING
 */
export function assertComparable({ path, images, network }: Baseline, found: SubjectJudged): void {
  const { sha256, view, offset, total } = found.images;
  const isSame = images.sha256 === sha256 && images.offset === offset && images.total === total;
  if (!isSame || !isSameView(images.view, view)) {
    throw new DatasetError("ERR_BASELINE_DATA", { path, expected: found.images, found: images });
  }
  if (network.sha256 !== found.network.sha256) return;
  for (const what of ["activations", "preprocessing"] as const) {
    const [before, now] = atLeast(
      [network[what], found.network[what]].map((value) => value && canonicalJson(value)),
      2,
    );
    if (before === null || now === null || before === now) continue;
    throw new DatasetError("ERR_BASELINE_READING", { path, what, expected: now, found: before });
  }
}

/**
 * Each demand's outcome, in the order of `Demands`, of a result that is whole.
 *
 * @throws DatasetError ERR_BASELINE_DATA, ERR_BASELINE_READING as `assertComparable`
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
    found: `${shown(accuracy, least)}${distanceText(accuracy, least)}`,
  });
}

function judgeExpectedAccuracy(given: NumberLike, { result: { accuracy } }: Judged): GateOutcome {
  const places = placesOf(given);
  const wanted = Number(given);
  return outcomeOf("--expect-accuracy", "ERR_GATE_ACCURACY", {
    passed: accuracy.toFixed(places) === wanted.toFixed(places),
    expected: `an accuracy of ${wanted.toFixed(places)}`,
    found: `${accuracy.toFixed(places)}${accuracy > wanted ? `, ${difference(accuracy, wanted, places)} too high` : distanceText(accuracy, wanted, places)}`,
  });
}

/** Names the first of several worst classes. */
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
    found: `${shown(worst, least)} for class ${label}${name === undefined ? "" : ` (${printable(name)})`}${distanceText(worst, least)}`,
  });
}

function judgeRegression(baseline: Baseline, judged: Judged): GateOutcome {
  const { sha256, view, offset } = judged.dataset;
  const images = { sha256, view, offset, total: judged.result.total };
  assertComparable(baseline, { images, network: judged.network });
  const { correct, total, accuracy } = judged.result;
  const { maxRegression, path } = baseline;
  // One division of integers is the nearest double of the exact loss, as `maxRegression` is of its decimals: 0.9372 −
  // 0.9352 in doubles would be above 0.002.
  const loss = (baseline.correct - correct) / total;
  const before = (baseline.correct / total).toFixed(LEAST_PLACES);
  return outcomeOf("--max-regression", "ERR_GATE_REGRESSION", {
    passed: loss <= maxRegression,
    expected: `an accuracy at most ${maxRegression} below the ${before} of ${printable(path)}`,
    found: `${accuracy.toFixed(LEAST_PLACES)}${loss > 0 ? `, ${shown(loss, maxRegression)} below` : ""}`,
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

function distanceText(found: number, least: number, places = placesOf(least)): string {
  return found < least ? `, ${difference(least, found, places)} too low` : "";
}

/** Decimal places that a number is given with, at least four. */
function placesOf(given: NumberLike): number {
  const [digits = "", exponent = "0"] = String(given).split("e");
  const [, decimals = ""] = digits.split(".");
  return Math.min(Math.max(decimals.length - Number(exponent), LEAST_PLACES), MOST_PLACES);
}

/** To the places of the number that it is held against; in full where the two would read the same and are not. */
function shown(value: number, beside: number): string {
  const places = placesOf(beside);
  const text = value.toFixed(places);
  return value !== beside && text === beside.toFixed(places) ? pythonFloat(value) : text;
}

/** To the places given, or in full where these are zeros: to twelve digits, since the rest is the subtraction's rounding. */
function difference(high: number, low: number, places: number): string {
  const exact = Number((high - low).toPrecision(12));
  const text = exact.toFixed(places);
  return Number(text) === 0 ? pythonFloat(exact) : text;
}
