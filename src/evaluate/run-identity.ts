/** Identity of a run: everything that its answer depends on. */
import { createHash } from "node:crypto";
import { AS_STORED, type ImageRange } from "#src/base/contracts/dataset.js";
import type { PartialCounts, RunIdentity, Shard, ShardPart } from "#src/base/contracts/journal.js";
import { packageVersion } from "#src/base/package.js";
import { activationsOf } from "#src/networks/chain.js";
import type { AnyPair } from "./open-inputs.js";
import type { EvaluateOptions } from "./options.js";

export type IdentityOptions = Pick<
  EvaluateOptions,
  "engine" | "probabilities" | "topK" | "bootstrap" | "seed"
>;

/** The identity of a run. @param whole images of the whole run, of which the range may be a shard */
export async function identityOf(
  { dataset, network, classes }: Pick<AnyPair, "dataset" | "network" | "classes">,
  whole: ImageRange,
  { engine, probabilities, topK, bootstrap, seed }: IdentityOptions,
): Promise<RunIdentity> {
  return {
    batchwise: packageVersion(),
    dataset: await dataset.sha256(),
    view: dataset.facts.view ?? AS_STORED,
    ...(dataset.facts.reading && { reading: dataset.facts.reading }),
    network: network.sha256,
    // The predictions of simd are proven to equal those of float64; its probabilities are not. The logits of ml-matrix equal those
    // of reference, bit by bit.
    arithmetic: engine === "onnx" || (engine === "simd" && probabilities) ? engine : "float64",
    preprocessing: network.preprocessing,
    activations: activationsOf(network),
    classes,
    labelled: dataset.facts.labelsPath !== undefined,
    offset: whole.offset,
    limit: whole.limit,
    probabilities,
    topK: topK ?? null,
    bootstrap,
    seed,
  };
}

/** SHA-256, hex, of the identity as JSON with sorted keys. */
export function identityKey(identity: RunIdentity): string {
  const { grayscale, ...view } = identity.view;
  // Keys of runs without the option are those of versions that did not have it.
  const keyed = { ...identity, view: grayscale ? identity.view : view };
  return createHash("sha256").update(canonicalJson(keyed)).digest("hex");
}

export interface Difference {
  readonly what: keyof RunIdentity;
  readonly expected: string;
  readonly found: string;
}

/** Returns the first fact of `found` that differs. */
export function firstDifference(expected: RunIdentity, found: RunIdentity): Difference | undefined {
  for (const what of Object.keys(expected) as (keyof RunIdentity)[]) {
    const [a, b] = [canonicalJson(expected[what]), canonicalJson(found[what])];
    if (a !== b) return { what, expected: a, found: b };
  }
  return undefined;
}

/** JSON with sorted keys: equal values give equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

export async function shardPart(
  { index, count }: Shard,
  pair: Pick<AnyPair, "dataset" | "network" | "classes" | "whole">,
  options: IdentityOptions,
  counts: PartialCounts,
): Promise<ShardPart> {
  const identity = await identityOf(pair, pair.whole, options);
  return { index, count, identity, key: identityKey(identity), counts };
}
