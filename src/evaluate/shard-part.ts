/** What the answer of a shard says beyond its counts; loaded only for shards. */
import type { PartialCounts, Shard, ShardPart } from "#src/base/contracts/partial.js";
import type { AnyPair } from "./load-pair.js";
import { type IdentityOptions, identityKey, identityOf } from "./run-identity.js";

export function shardPart(
  { index, count }: Shard,
  pair: Pick<AnyPair, "dataset" | "network" | "classes" | "whole">,
  options: IdentityOptions,
  counts: PartialCounts,
): ShardPart {
  const identity = identityOf(pair, pair.whole, options);
  return { index, count, identity, key: identityKey(identity), counts };
}
