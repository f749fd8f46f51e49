/** Gates: conditions on a whole result, for scripts and CI. */

import type { GateCode, GateOutcome } from "#src/base/contracts/checks.js";
import { AS_STORED, type DatasetHash, type DatasetView, hashOf } from "#src/base/contracts/dataset.js";
import type { ClassMetrics } from "#src/base/contracts/metrics.js";
import type { Activation, Preprocessing } from "#src/base/contracts/network.js";
import { atLeast, DatasetError, ERROR_CODES, RunError } from "#src/base/errors.js";
import type { NumberLike } from "#src/base/options/define.js";
import { printable, pythonFloat } from "#src/base/text.js";
import { isSameView } from "#src/data/view.js";
import { activationsOf } from "#src/networks/chain.js";
import type { Opened } from "./open-inputs.js";
import { readResult } from "./read-result.js";
import { canonicalJson } from "./run-identity.js";

/** Least number of decimals of printed and compared accuracies. */
const LEAST_PLACES = 4;
/** More decimals than a float64 needs. */
const MOST_PLACES = 20;

/** Gates of a run. Accuracies and recalls are 0 to 1. */
export interface Demands {
  readonly minAccuracy?: number | undefined;
  /** Met if the accuracy, rounded to its decimals (at least four), is equal: 0.99 means 0.9900. */
  readonly expectAccuracy?: NumberLike | undefined;
  /** Least recall of every class that has images. */
  readonly minClassRecall?: number | undefined;
  readonly baseline?: Baseline | undefined;
}

export interface Baseline extends SubjectJudged {
  readonly path: string;
  readonly correct: number;
  /** Largest permitted loss of accuracy against the baseline. */
  readonly maxRegression: number;
}

/** Identity of images: two results have the same images if all fields are equal. */
export interface ImagesJudged {
  readonly sha256: string;
  readonly view: DatasetView;
  readonly offset: number;
  readonly total: number;
}

/** A network and the reading of its file. A field is null if a result of an older version does not state it. */
export interface NetworkJudged {
  readonly sha256: string;
  readonly activations: readonly Activation[] | null;
  readonly preprocessing: Preprocessing | null;
}

export interface SubjectJudged {
  readonly images: ImagesJudged;
  readonly network: NetworkJudged;
}

/** Fields of an evaluation that gates need. An evaluation and a result file both have them. */
export interface Judged {
  readonly dataset: DatasetHash & {
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
 * Baseline from a result file.
 *
 * @throws FileError if it cannot be read; DatasetError ERR_BASELINE_PARTIAL without an accuracy over all its images
 */
export async function readBaseline(path: string, maxRegression: number): Promise<Baseline> {
  const { dataset, network, result } = await readResult(path);
  if (!result.labelled || !result.complete) {
    const found = result.labelled ? "a partial one" : "one without labels";
    throw new DatasetError("ERR_BASELINE_PARTIAL", { path, found });
  }
  const { view, offset } = dataset;
  return {
    path,
    images: { sha256: hashOf(dataset), view, offset, total: result.total },
    network: {
      sha256: network.sha256,
      activations: network.activations,
      preprocessing: network.preprocessing,
    },
    correct: result.correct,
    maxRegression,
  };
}

/** Images and network of a run before it starts. */
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
 * Checks that a baseline has the same images. Its network may differ, but the same file must have the same reading.
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
 * Outcomes of the gates for a whole result, in the order of `Demands`.
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

/** Error of a missed gate. Its exit status is 100. */
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

/** Outcome of `minClassRecall`. It names the class with the lowest recall; among equals, the first. */
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
  const { view, offset } = judged.dataset;
  const images = { sha256: hashOf(judged.dataset), view, offset, total: judged.result.total };
  assertComparable(baseline, { images, network: judged.network });
  const { correct, total, accuracy } = judged.result;
  const { maxRegression, path } = baseline;
  // One division of integers gives the double nearest to the exact loss, as `maxRegression` is the double nearest to its
  // decimals. The difference of the doubles 0.9372 and 0.9352 would exceed 0.002.
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

/** Number of decimals of a given number, at least four. */
function placesOf(given: NumberLike): number {
  const [digits = "", exponent = "0"] = String(given).split("e");
  const [, decimals = ""] = digits.split(".");
  return Math.min(Math.max(decimals.length - Number(exponent), LEAST_PLACES), MOST_PLACES);
}

/** Value with the decimals of `beside`; with all digits if different numbers would look the same. */
function shown(value: number, beside: number): string {
  const places = placesOf(beside);
  const text = value.toFixed(places);
  return value !== beside && text === beside.toFixed(places) ? pythonFloat(value) : text;
}

/** Difference with `places` decimals; with 12 digits if these are zeros. Further digits are rounding errors. */
function difference(high: number, low: number, places: number): string {
  const exact = Number((high - low).toPrecision(12));
  const text = exact.toFixed(places);
  return Number(text) === 0 ? pythonFloat(exact) : text;
}
