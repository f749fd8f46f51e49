/** How data and network of a run can be opened again: names as they were given, paths absolute. */
import { resolve } from "node:path";
import type { DatasetLocation, NetworkLocation } from "#src/base/contracts/result.js";
import { DATASET_NAMES } from "#src/data/named-sets.js";
import { NETWORK_NAMES } from "#src/networks/registry.js";
import type { EvaluateOptions } from "./options.js";

/** Null for a data set that was handed in open. */
export function datasetLocation({
  dataset,
  labels,
  classes,
}: Pick<EvaluateOptions, "dataset" | "labels" | "classes">): DatasetLocation | null {
  if (typeof dataset !== "string") return null;
  return {
    dataset: nameOrPath(DATASET_NAMES, dataset),
    labels: labels ? resolve(labels) : null,
    classes: classes === undefined ? null : resolve(classes),
  };
}

/** Null for a network that was handed in loaded. */
export function networkLocation({
  weights,
  activation,
  normalize,
  mean,
  std,
}: Pick<EvaluateOptions, "weights" | "activation" | "normalize" | "mean" | "std">): NetworkLocation | null {
  if (typeof weights !== "string") return null;
  return {
    weights: nameOrPath(NETWORK_NAMES, weights),
    activation: activation ?? null,
    normalize: normalize ?? null,
    mean: mean ?? null,
    std: std ?? null,
  };
}

/** A name wins over a file that is called the same. */
function nameOrPath(names: readonly string[], given: string): string {
  return names.includes(given) ? given : resolve(given);
}
