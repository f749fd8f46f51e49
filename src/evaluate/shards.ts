/** Cuts a run's images into shards, of which each is evaluated by itself. */
import type { ImageRange } from "#src/base/contracts/dataset.js";
import type { Shard } from "#src/base/contracts/partial.js";
import { DatasetError, UsageError } from "#src/base/errors.js";

/** `2/3` is the second of three. Throws UsageError. */
export function parseShard(given: string | Shard): Shard {
  const text = typeof given === "string" ? given : `${given.index}/${given.count}`;
  const [, index, count] = (/^(\d{1,9})\/(\d{1,9})$/.exec(text) ?? []).map(Number);
  if (index >= 1 && index <= count) return { index, count };
  throw new UsageError("ERR_OPTION_VALUE", {
    option: "--shard",
    expected: "i/n with i from 1 to n, such as 2/3",
    found: text,
  });
}

/**
 * Its images: consecutive, and as many as those of the others or one more. Whoever cuts the same range cuts it the same.
 *
 * @throws DatasetError ERR_SHARD_EMPTY where there are fewer images than shards
 */
export function shardOf({ offset, limit }: ImageRange, { index, count }: Shard): ImageRange {
  if (limit < count) throw new DatasetError("ERR_SHARD_EMPTY", { shards: count, images: limit });
  const cut = (shards: number) => offset + Math.floor((limit * shards) / count);
  const first = cut(index - 1);
  return { offset: first, limit: cut(index) - first };
}
