/** Reads the answer of a shard, and sees that it says nothing that cannot be. */
import type { ShardPart } from "#src/base/contracts/partial.js";
import { FileError } from "#src/base/errors.js";
import { identityKey } from "#src/evaluate/run-identity.js";
import { readResult } from "#src/evaluate/schemas/read-result.js";
import type { ResultFile } from "#src/evaluate/schemas/result.js";
import { shardOf } from "#src/evaluate/shards.js";
import { contradictionOf } from "#src/metrics/partial-sums.js";

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
