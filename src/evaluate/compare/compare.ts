/** Compares two networks over the same images. Each is evaluated, or taken from a result with predictions. */

import { availableParallelism } from "node:os";
import { checkedKeys, FUNCTION, type KindsOf } from "#src/base/arguments.js";
import type { Comparison } from "#src/base/contracts/comparison.js";
import type { Dataset } from "#src/base/contracts/dataset.js";
import type { RunError } from "#src/base/errors.js";
import { atLeast } from "#src/base/errors.js";
import { DOWNLOAD } from "#src/base/known-arguments.js";
import { rounded } from "#src/base/text.js";
import { assertStated } from "#src/evaluate/open-inputs.js";
import { resolveOptions } from "#src/evaluate/options.js";
import type { DownloadNotice } from "#src/files/catalog.js";
import { openSharedExecutor } from "#src/pool/registry.js";
import { assertRoomForPredictions, assertSameImages, readAnswers } from "./read-side.js";
import { type CompareRunHooks, evaluateSides, type OpenSharedExecutor } from "./run.js";
import {
  assertNothingToEvaluate,
  assumptionsOf,
  COMPARE,
  type CompareInput,
  classesOf,
  comparedSide,
  openGiven,
  openSides,
  withImagesOf,
} from "./sides.js";
import { emptyAnswers, type PairedAnswers, summarizeComparison } from "./summary.js";

/** Hooks to observe and to stop a comparison. */
export interface CompareHooks extends CompareRunHooks {
  /** Called before a data set or network that was given by name is downloaded. */
  onDownload?(notice: DownloadNotice): void;
  /** Called once data and networks are open, before the first batch; not if both sides are results. */
  onStart?(plan: ComparePlan): void;
}

const HOOKS: KindsOf<CompareHooks> = { ...DOWNLOAD, onStart: FUNCTION, onProgress: FUNCTION };

/** What a comparison is about to evaluate. */
export interface ComparePlan {
  /** Name of the data set. */
  readonly dataset: string;
  /** Names of the networks that are evaluated: one or two. */
  readonly networks: readonly string[];
  /** Images that each of them evaluates. */
  readonly images: number;
}

/** What `compare` returns. */
export interface CompareOutcome {
  /** Comparison of the images that both networks have answered. */
  readonly comparison: Comparison;
  /** Why images are missing: batches or workers failed, or the signal was aborted. Undefined if none is missing. */
  readonly failure: RunError | undefined;
  /** Answers of both, image by image. */
  readonly answers: PairedAnswers;
  /**
   * Opens the data of the comparison. They are open already unless both sides are results.
   *
   * @throws as `evaluate` for data; DatasetError ERR_REPORT_DATA if they are not the data of the results
   */
  openDataset(): Promise<Dataset>;
}

/**
 * Compares two networks over the same images, which are read once for both.
 *
 * @throws UsageError, FileError, DatasetError, NetworkError, TransferError as `evaluate`; UsageError ERR_USAGE also if a network
 *   would be evaluated over images without labels, and for options of an evaluation if both sides are results
 * @throws RunError ERR_ENGINE_PEER as `evaluate`; ERR_WORKER_LOAD if `warm` is requested and a worker cannot be started
 * @throws DatasetError ERR_COMPARE_RESULT for a result that is partial, has no labels or predictions, or has different labels;
 *   ERR_COMPARE_DATA for a result of different images
 * @throws FileError ERR_JSON_*, ERR_RESULT_VERSION for a file that is not a result; ERR_PREDICTIONS_* for one that is not the
 *   result's predictions
 */
export async function compare(input: CompareInput, hooks?: CompareHooks): Promise<CompareOutcome> {
  return compareWith(
    openSharedExecutor,
    checkedKeys("compare", "option", input, COMPARE),
    checkedKeys("compare", "hook", hooks, HOOKS),
  );
}

/** `compare` with executors from the caller. */
export async function compareWith(
  open: OpenSharedExecutor,
  input: CompareInput,
  hooks: CompareHooks = {},
): Promise<CompareOutcome> {
  const beganAt = performance.now();
  const given = [await openGiven(input.a), await openGiven(input.b)];
  const results = given.filter((side) => side.kind === "result");
  if (results.length === given.length) assertNothingToEvaluate(input);
  const options = resolveOptions(withImagesOf(results[0], input), availableParallelism());
  const { signal = new AbortController().signal, onDownload } = hooks;
  const { dataset, images, sides, openDataset } = await openSides(given, options, {
    signal,
    ...(onDownload && { onDownload }),
  });
  if (options.strict) assertStated(assumptionsOf(sides));
  for (const side of results) {
    assertSameImages(side, images);
    await assertRoomForPredictions(side);
  }

  const answers = emptyAnswers(images.total);
  for (const [n, side] of sides.entries()) {
    if (side.kind !== "result") continue;
    await readAnswers(side, answers, n, side === results[0] ? undefined : results[0]!.path);
  }
  const evaluated = sides.flatMap((side, n) => (side.kind === "network" ? { side: n, pair: side.pair } : []));
  let run: Awaited<ReturnType<typeof evaluateSides>> | undefined;
  if (evaluated.length > 0) {
    const networks = evaluated.map(({ pair }) => pair.network.name);
    hooks.onStart?.({ dataset: dataset.name, networks, images: images.total });
    run = await evaluateSides(open, options, evaluated, { answers, labelsFrom: results[0] }, hooks);
  }
  const [a, b] = atLeast(sides.map(comparedSide), 2);
  const comparison: Comparison = {
    schemaVersion: 1,
    assumptions: assumptionsOf(sides),
    dataset,
    a,
    b,
    run: run?.run ?? null,
    result: summarizeComparison(answers, Math.max(...sides.map(classesOf)), images.offset),
    timing: { totalMs: rounded(performance.now() - beganAt), evaluateMs: run?.evaluateMs ?? 0 },
  };
  return { comparison, failure: run?.failure, answers, openDataset };
}
