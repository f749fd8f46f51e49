/** Judges predictions that any tool made: all that an evaluation reports, without a network. */

import { cpus } from "node:os";
import { basename } from "node:path";
import { interruption } from "#src/base/abort.js";
import { checkedKeys } from "#src/base/arguments.js";
import type { Evaluation } from "#src/base/contracts/result.js";
import type { RunFacts } from "#src/base/contracts/run-facts.js";
import { asError } from "#src/base/errors.js";
import { DOWNLOAD } from "#src/base/known-arguments.js";
import { SCORE_OPTIONS } from "#src/base/options/run.js";
import { checkedValue } from "#src/base/options/values.js";
import { inTurn, type SlabStream, withAnswerBuffers } from "#src/base/slab.js";
import { rounded } from "#src/base/text.js";
import { assertLabelsWithin } from "#src/data/labels.js";
import { closeListeners, type Ending, type Listener } from "#src/evaluate/listeners.js";
import { assertStated } from "#src/evaluate/open-inputs.js";
import { datasetFacts, resultCounts } from "#src/evaluate/summarize.js";
import type { DownloadOptions } from "#src/files/catalog.js";
import { addScoreSums, emptyScoreSums } from "#src/metrics/score-sums.js";
import { createTally, partialOf } from "#src/metrics/tally.js";
import { createAnswerer } from "./align.js";
import { type OpenedAnswers, openAnswers, SCORE_KINDS, type ScoreInput } from "./open.js";

export type { ScoreInput } from "./open.js";

const { topK, bootstrap, seed } = SCORE_OPTIONS;

/** Hooks of `score`. Aborting the signal ends it: ERR_INTERRUPTED. */
export type ScoreHooks = Omit<DownloadOptions, "offline">;

/**
 * Judges predictions of any tool against labels. The result is that of an evaluation; its `network` names the file of the
 * predictions, and `run.engine` is `none`.
 *
 * Rows with ids are matched by them: each image has exactly one row. Rows without ids are in the order of the labels.
 *
 * @throws DatasetError ERR_ANSWERS_FORMAT, ERR_ANSWERS_ROW, ERR_ANSWERS_MATCH if the predictions cannot be read, or do not fit
 *   the labels; ERR_LABEL_RANGE, ERR_CLASSES_FILE; as `openDataset`
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_NPY_*
 * @throws NetworkError ERR_ASSUMED with `strict`; UsageError ERR_USAGE without labels; RunError ERR_INTERRUPTED
 */
export async function score(input: ScoreInput, hooks?: ScoreHooks): Promise<Evaluation> {
  const checked = checkedKeys("score", "option", input, SCORE_KINDS);
  const { evaluation } = await scoreListened(checked, [], checkedKeys("score", "hook", hooks, DOWNLOAD));
  return evaluation;
}

/** What is about to be judged. */
export type ScorePlan = Pick<OpenedAnswers, "dataset" | "classes" | "assumptions">;

/** How scoring ended. */
export interface Scored extends Omit<Ending, "evaluation" | "failure"> {
  readonly evaluation: Evaluation;
}

/**
 * `score` with listeners, for checked keys. The listeners' `begin` is not called: there is no network.
 *
 * @param onOpen called before the first slab
 */
export async function scoreListened(
  input: ScoreInput,
  listeners: readonly Listener[],
  hooks: ScoreHooks,
  onOpen: (plan: ScorePlan) => void | Promise<void> = () => {},
): Promise<Scored> {
  let judged: Evaluation;
  try {
    judged = await judge(input, listeners, hooks, onOpen);
  } catch (error) {
    const failure = asError(error);
    await closeListeners(listeners, { failure });
    throw failure;
  }
  const { written, faults, evaluation } = await closeListeners(listeners, { evaluation: judged });
  const result = evaluation?.result.labelled ? evaluation.result : judged.result;
  return { written, faults, evaluation: { ...judged, ...evaluation, result } };
}

async function judge(
  input: ScoreInput,
  listeners: readonly Listener[],
  hooks: ScoreHooks,
  onOpen: (plan: ScorePlan) => void | Promise<void>,
): Promise<Evaluation> {
  const { signal = new AbortController().signal } = hooks;
  const counting = checkedCounting(input);
  const beganAt = performance.now();
  const opened = await openAnswers(input, { ...hooks, signal });
  const { answers, classes, dataset, assumptions } = opened;
  if (input.strict) assertStated(assumptions);
  await onOpen(opened);
  const loadMs = performance.now() - beganAt;
  const { total, labelsPath = answers.path } = dataset.facts;
  const assertRunning = (done: number) => {
    if (signal.aborted) throw interruption(signal, done, total);
  };
  const tally = createTally(classes);
  let sums = opened.kind === undefined ? null : emptyScoreSums(classes);
  const answer = createAnswerer(opened);
  const predictions = new Uint16Array(total);
  const keeps = sums !== null && total * classes <= MOST_KEPT;
  const probabilities = keeps ? new Float64Array(total * classes) : null;
  let id = 0;
  for await (const slab of inTurn(slabsOf(opened))) {
    assertRunning(tally.total);
    assertLabelsWithin(slab, classes, labelsPath);
    const scores = answer(slab);
    if (sums !== null && scores !== null) sums = addScoreSums(sums, scores);
    tally.add(slab, { id: id++, start: 0, count: slab.count });
    predictions.set(slab.predictions, slab.firstImage);
    if (slab.probabilities !== undefined) probabilities?.set(slab.probabilities, slab.firstImage * classes);
    for (const listener of listeners) await listener.slab?.(slab);
  }
  const evaluateMs = performance.now() - beganAt - loadMs;
  const range = { offset: 0, limit: total };
  const counts = partialOf(tally, range, { scores: sums, recomputed: 0 });
  const result = await resultCounts(counts, counting, signal);
  assertRunning(total);
  // Labels alone have no location from which a report could read images.
  const located = opened.hasImages ? (input.dataset ?? dataset) : dataset;
  return {
    schemaVersion: 1,
    assumptions,
    dataset: await datasetFacts(dataset, {
      ...input,
      dataset: located,
      labels: input.labels,
      classes: input.classes,
      offset: 0,
    }),
    network: {
      name: `predictions of ${basename(answers.path)}`,
      sha256: answers.sha256,
      layers: [classes],
      activations: null,
      preprocessing: null,
      location: null,
    },
    run: runOf(total),
    result,
    timing: {
      totalMs: rounded(performance.now() - beganAt),
      loadMs: rounded(loadMs),
      startPoolMs: 0,
      evaluateMs: rounded(evaluateMs),
      imagesPerSecond: evaluateMs === 0 ? 0 : Math.round(total / (evaluateMs / 1000)),
      batchLatencyMs: { p50: 0, p90: 0, p99: 0 },
    },
    predictionsFile: null,
    timeline: [],
    predictions,
    probabilities,
  };
}

/** Most probabilities that an answer keeps, as in an evaluation. */
const MOST_KEPT = 2 ** 20;
/** Images of a slab are a multiple of this. */
const IMAGES = 100;

function slabsOf({ dataset, classes, kind }: OpenedAnswers): SlabStream {
  const slabs = dataset.slabs({ offset: 0, limit: dataset.facts.total }, { multiple: IMAGES, lanes: 1 });
  return kind === undefined ? slabs : withAnswerBuffers(slabs, [{ source: 0, classes }]);
}

function checkedCounting(input: ScoreInput) {
  return {
    topK: input.topK === undefined ? undefined : checkedValue(topK, input.topK),
    bootstrap: checkedValue(bootstrap, input.bootstrap ?? bootstrap.default),
    seed: checkedValue(seed, input.seed ?? seed.default),
  };
}

/** Nothing was computed. */
function runOf(total: number): RunFacts {
  return {
    engine: "none",
    executor: "inline",
    threads: 0,
    workersStarted: 0,
    batchesByThread: [1],
    batchSize: total,
    batches: 1,
    retries: 0,
    recomputed: 0,
    normalize: "none",
    node: process.version,
    cpu: cpus()[0]?.model ?? "unknown",
  };
}
