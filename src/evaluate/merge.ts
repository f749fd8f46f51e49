/** Merges the results of all shards into the result of the whole run. */

import { interruption } from "#src/base/abort.js";
import { checkArgument, checkedKeys, type KindsOf, listOf, TEXT } from "#src/base/arguments.js";
import { distinct } from "#src/base/assumptions.js";
import type { ShardPart } from "#src/base/contracts/journal.js";
import type { Evaluation, ResultFile } from "#src/base/contracts/result.js";
import type { RunFacts, Timing } from "#src/base/contracts/run-facts.js";
import { atLeast, FileError } from "#src/base/errors.js";
import { addPartials, contradictionOf } from "#src/metrics/score-sums.js";
import { PREPARE_HOOKS } from "./known-arguments.js";
import { shardOf } from "./options.js";
import type { PrepareHooks } from "./prepare.js";
import { readResult } from "./read-result.js";
import { firstDifference, identityKey } from "./run-identity.js";
import { resultCounts } from "./summarize.js";

/** Hooks of `mergeParts`. Aborting the signal ends a bootstrap: ERR_INTERRUPTED. */
export type MergeHooks = Pick<PrepareHooks, "signal">;
const HOOKS: KindsOf<MergeHooks> = { signal: PREPARE_HOOKS.signal };

/**
 * Returns the evaluation of the whole run. Its `result` is identical, byte by byte, to that of a run without shards.
 *
 * @param paths JSON results of all shards, in any order; at least one
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_JSON_SYNTAX, ERR_JSON_SHAPE, ERR_RESULT_VERSION if a file is not a
 *   result; ERR_PART_KIND for a whole result; ERR_PART_INCOMPLETE, ERR_PART_COUNTS; ERR_PART_MIXED, ERR_PART_DOUBLED,
 *   ERR_PART_MISSING unless the parts are exactly those of one run
 */
export async function mergeParts(paths: readonly string[], hooks?: MergeHooks): Promise<Evaluation> {
  checkArgument("mergeParts", "paths", paths, listOf("a list of paths", TEXT));
  const { signal } = checkedKeys("mergeParts", "hook", hooks, HOOKS);
  const parts: Part[] = [];
  for (const path of paths) parts.push(await readPart(path));
  const [first] = atLeast(parts, 1);
  const { identity, count } = first.shard;
  for (const part of parts) assertSameRun(first, part);
  assertEachOnce(parts, count);
  const { topK, bootstrap, seed } = identity;
  const counts = parts.map(({ shard }) => shard.counts).reduce(addPartials);
  const answers = parts.map(({ answer }) => answer);
  const { total } = counts;
  const result = await resultCounts(counts, { topK: topK ?? undefined, bootstrap, seed }, signal);
  if (signal?.aborted) throw interruption(signal, total, total);
  return {
    schemaVersion: 1,
    assumptions: distinct(answers.flatMap(({ assumptions }) => assumptions)),
    dataset: { ...first.answer.dataset, offset: identity.offset },
    network: first.answer.network,
    run: mergedRun(answers),
    result,
    timing: mergedTiming(answers, total),
    predictionsFile: null,
    timeline: [],
    predictions: new Uint16Array(),
    probabilities: null,
  };
}

function assertSameRun(first: Part, part: Part): void {
  const cut = (shards: number) => `cut into ${shards}`;
  const [expected, found] = [cut(first.shard.count), cut(part.shard.count)];
  const difference =
    firstDifference(first.shard.identity, part.shard.identity) ??
    (expected === found ? undefined : { what: "the run", expected, found });
  if (difference === undefined) return;
  throw new FileError("ERR_PART_MIXED", { path: part.path, first: first.path, ...difference });
}

/** Checks that each shard is present once. With the check of ranges in `readPart`, there is no overlap and no gap. */
function assertEachOnce(parts: readonly Part[], count: number): void {
  const byIndex = new Map<number, Part>();
  for (const part of parts) {
    const earlier = byIndex.get(part.shard.index);
    if (earlier !== undefined) {
      const shard = shardName(part.shard);
      throw new FileError("ERR_PART_DOUBLED", { path: part.path, first: earlier.path, shard });
    }
    byIndex.set(part.shard.index, part);
  }
  if (byIndex.size < count) throw new FileError("ERR_PART_MISSING", { count, found: [...byIndex.keys()] });
}

export interface Part {
  readonly path: string;
  readonly answer: ResultFile;
  readonly shard: ShardPart;
}

/**
 * @throws FileError as `readResult`; ERR_PART_KIND for a whole result; ERR_PART_INCOMPLETE if images are missing;
 *   ERR_PART_COUNTS if its numbers contradict each other
 */
export async function readPart(path: string): Promise<Part> {
  const answer = await readResult(path);
  const { shard } = answer;
  if (shard === undefined) throw new FileError("ERR_PART_KIND", { path });
  const { total, limit } = shard.counts;
  if (total < limit) {
    throw new FileError("ERR_PART_INCOMPLETE", {
      path,
      shard: shardName(shard),
      done: total,
      expected: limit,
    });
  }
  const problem = problemOf(shard) ?? contradictionOf(shard.counts, shard.identity.classes);
  if (problem !== undefined) throw new FileError("ERR_PART_COUNTS", { path, problem });
  return { path, answer, shard };
}

/** Name of a shard: `2/3`. */
export function shardName({ index, count }: Pick<ShardPart, "index" | "count">): string {
  return `${index}/${count}`;
}

function problemOf({
  index,
  count,
  identity,
  key,
  counts: { offset, limit, scores },
}: ShardPart): string | undefined {
  if (identityKey(identity) !== key) return "expected the key of the run's identity, found a different key";
  if ((scores !== null) !== identity.probabilities)
    return "expected sums of scores if and only if the run has probabilities";
  if (index > count || count > identity.limit) return `expected a shard, found ${index}/${count}`;
  const due = shardOf(identity, { index, count });
  if (due.offset === offset && due.limit === limit) return undefined;
  return `expected ${due.limit} images from ${due.offset}, found ${limit} from ${offset}`;
}

/** Facts of the merged run. Batches of all coordinators are one sum; the lists of the workers are joined. */
export function mergedRun(answers: readonly ResultFile[]): RunFacts {
  const runs = answers.map(({ run }) => run);
  const sum = (of: (run: RunFacts) => number) => runs.reduce((total, run) => total + of(run), 0);
  return {
    ...runs[0]!,
    threads: sum(({ threads }) => threads),
    workersStarted: sum(({ workersStarted }) => workersStarted),
    batchesByThread: [
      sum(({ batchesByThread }) => batchesByThread[0] ?? 0),
      ...runs.flatMap(({ batchesByThread }) => batchesByThread.slice(1)),
    ],
    batches: sum(({ batches }) => batches),
    retries: sum(({ retries }) => retries),
    recomputed: sum(({ recomputed }) => recomputed),
  };
}

/** Timing of the slowest shard. Images per second are all images divided by its time. */
export function mergedTiming(answers: readonly ResultFile[], totalImages: number): Timing {
  const timings = answers.map(({ timing }) => timing);
  const most = (of: (timing: Timing) => number) => Math.max(...timings.map(of));
  const evaluateMs = most((timing) => timing.evaluateMs);
  return {
    totalMs: most(({ totalMs }) => totalMs),
    loadMs: most(({ loadMs }) => loadMs),
    startPoolMs: most(({ startPoolMs }) => startPoolMs),
    evaluateMs,
    imagesPerSecond: evaluateMs === 0 ? 0 : Math.round(totalImages / (evaluateMs / 1000)),
    batchLatencyMs: {
      p50: most(({ batchLatencyMs }) => batchLatencyMs.p50),
      p90: most(({ batchLatencyMs }) => batchLatencyMs.p90),
      p99: most(({ batchLatencyMs }) => batchLatencyMs.p99),
    },
  };
}
