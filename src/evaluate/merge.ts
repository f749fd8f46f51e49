/** Adds the answers of all shards of a run to the answer of the whole. */

import { checkArgument, listOf, TEXT } from "#src/base/arguments.js";
import { distinct } from "#src/base/assumptions.js";
import type { ShardPart } from "#src/base/contracts/journal.js";
import type { Evaluation, ResultFile } from "#src/base/contracts/result.js";
import type { RunFacts, Timing } from "#src/base/contracts/run-facts.js";
import { atLeast, FileError } from "#src/base/errors.js";
import { addPartials, contradictionOf } from "#src/metrics/score-sums.js";
import { shardOf } from "./options.js";
import { readResult } from "./read-result.js";
import { firstDifference, identityKey } from "./run-identity.js";
import { resultCounts } from "./summarize.js";

/**
 * The answer of the whole run: its `result` is to the byte that of a run that was never cut. `paths` name the JSON of every
 * shard's answer, in any order; at least one.
 *
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_JSON_SYNTAX, ERR_JSON_SHAPE, ERR_RESULT_VERSION for what is no
 *   result; ERR_PART_KIND for a whole result, ERR_PART_INCOMPLETE, ERR_PART_COUNTS; ERR_PART_MIXED, ERR_PART_DOUBLED,
 *   ERR_PART_MISSING for parts that are not those of one run
 */
export async function mergeParts(paths: readonly string[]): Promise<Evaluation> {
  checkArgument("mergeParts", "paths", paths, listOf("a list of paths", TEXT));
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
  return {
    schemaVersion: 1,
    assumptions: distinct(answers.flatMap(({ assumptions }) => assumptions)),
    dataset: { ...first.answer.dataset, offset: identity.offset },
    network: first.answer.network,
    run: mergedRun(answers),
    result: await resultCounts(counts, { topK: topK ?? undefined, bootstrap, seed }),
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

/** Shards of one run and one count never overlap and leave no gap: `readPart` has held each against its cut. */
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
 * @throws FileError as `readResult`; ERR_PART_KIND for a whole result, ERR_PART_INCOMPLETE where images are missing,
 *   ERR_PART_COUNTS where its numbers contradict each other
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

/** `2/3`. */
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
  if (identityKey(identity) !== key) return "expected the key of the run's identity, found another";
  if ((scores !== null) !== identity.probabilities)
    return "expected sums of scores where probabilities are, found them apart";
  if (index > count || count > identity.limit) return `expected a shard, found ${index}/${count}`;
  const due = shardOf(identity, { index, count });
  if (due.offset === offset && due.limit === limit) return undefined;
  return `expected ${due.limit} images from ${due.offset}, found ${limit} from ${offset}`;
}

/** Each shard has its own coordinator: what these computed is one sum, and the workers stand behind each other. */
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

/** The slowest shard's; images per second are of all images in its time. */
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
