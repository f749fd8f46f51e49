/** What all rivals are given: a data set in shared memory, a network that reads bytes, and the classes to be predicted. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { atLeast } from "#src/base/errors.js";
import type { Dataset } from "../src/base/contracts/dataset.js";
import type { FoldedLayers } from "../src/base/contracts/engine.js";
import type { DenseLayer, Network } from "../src/base/contracts/network.js";
import { FIXTURES } from "../src/base/package.js";
import { type Slab, streamOf } from "../src/base/slab.js";
import { argmax } from "../src/engines/logits.js";
import { createReferenceEngine } from "../src/engines/reference.js";
import { loadPair } from "../src/evaluate/open-inputs.js";
import type { EvaluateInput } from "../src/evaluate/options.js";
import { resolveOptions } from "../src/evaluate/options.js";
import { denseLayers, layerSizes } from "../src/networks/chain.js";
import { foldPreprocessing } from "../src/networks/fold-maps.js";
import type { Bench } from "./question.js";

/** MNIST's folder, where it is given; the bundled set otherwise. */
export const MNIST = process.env.BATCHWISE_MNIST_DIR;

export interface Subject {
  /** Answers the same images and network to `evaluate`. */
  readonly input: EvaluateInput;
  /** The images as they lie in `slabs`: whoever evaluates it copies nothing. */
  readonly dataset: Dataset;
  readonly network: Network;
  readonly layers: readonly DenseLayer[];
  readonly slabs: readonly Slab[];
  readonly images: number;
  readonly inputs: number;
  readonly outputs: number;
  /** (images) The reference engine's classes; those of the bundled set are NumPy's too. */
  readonly expected: Uint16Array;
}

export const EVERY_PASS_PROVEN = "Every pass predicts every class as the reference engine does.";

/** @param split of MNIST; the bundled set has but one */
export async function loadSubject(bench: Bench, split: "test" | "train" = "test"): Promise<Subject> {
  const input =
    MNIST === undefined ? {} : { dataset: MNIST, weights: join(MNIST, "sample_weight.pkl"), split };
  const { network, dataset, classes, range, slabs } = await loadPair(resolveOptions(input, 1));
  const layers = foldPreprocessing({ ...network, layers: denseLayers(network, "compare it with others") });
  const loaded: Slab[] = [];
  for await (const slab of slabs({ multiple: range.limit, lanes: 1 })) loaded.push(slab);
  const expected = referenceClasses(layers, loaded, range.limit, classes);
  const name = MNIST === undefined ? "the bundled set" : `MNIST's ${split} split`;
  if (MNIST === undefined) {
    const numpy = readFileSync(new URL("reference/bundled-predictions.u8", FIXTURES));
    assert.deepEqual(expected, Uint16Array.from(numpy), "the reference engine predicts what NumPy does");
  }
  bench.note(`${range.limit} images of ${name}, ${layerSizes(network).join("-")}.`);
  const [{ inputs }] = atLeast(layers, 1);
  return {
    input,
    dataset: {
      ...dataset,
      slabs: () => streamOf(loaded),
    },
    network,
    layers,
    slabs: loaded,
    images: range.limit,
    inputs,
    outputs: classes,
    expected,
  };
}

function referenceClasses(
  layers: FoldedLayers,
  slabs: readonly Slab[],
  images: number,
  classes: number,
): Uint16Array {
  const engine = createReferenceEngine(layers);
  const expected = new Uint16Array(images);
  for (const { pixels, count, firstImage } of slabs) {
    const logits = new Float64Array(count * classes);
    engine.forward(pixels, count, logits);
    for (let n = 0; n < count; n++) expected[firstImage + n] = argmax(logits, n * classes, classes);
  }
  return expected;
}

/** The pixels of a subject that lies in one slab. */
export function onlySlab({ slabs }: Subject): Slab {
  assert.equal(slabs.length, 1, "the set is one slab");
  const [slab] = atLeast(slabs, 1);
  return slab;
}

/** (images) From (images × outputs) logits. */
export function classesOf(logits: ArrayLike<number>, outputs: number, predictions: Uint16Array): Uint16Array {
  for (let n = 0; n < predictions.length; n++) predictions[n] = argmax(logits, n * outputs, outputs);
  return predictions;
}
