/** Adds the answers of all shards of a run to the answer of the whole. */
import { checkArgument, listOf, TEXT } from "#src/base/arguments.js";
import { distinct } from "#src/base/assumptions.js";
import type { Evaluation } from "#src/base/contracts/result.js";
import { FileError } from "#src/base/errors.js";
import { resultCounts } from "#src/evaluate/result-counts.js";
import { firstDifference } from "#src/evaluate/run-identity.js";
import { addPartials } from "#src/metrics/partial-sums.js";
import { mergedRun, mergedTiming } from "./merged-facts.js";
import { type Part, readPart, shardName } from "./read-part.js";

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
  const [first] = parts;
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
  const [expected, found] = [first.shard.count, part.shard.count].map(cut);
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
