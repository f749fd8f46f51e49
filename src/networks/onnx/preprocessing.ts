/** Preprocessing of a model that is run whole: from its file, its graph, or the options. */

import type { Preprocessing } from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import { assumedIn, type Metadata } from "#src/networks/format.js";
import {
  type ChosenPreprocessing,
  choosePreprocessing,
  preprocessingMetadata,
  type RequestedPreprocessing,
  readPreprocessing,
  writtenPreprocessing,
} from "#src/networks/recipe.js";
import { KEY_PREFIX, withProperties } from "./encode.js";
import { drawsNumbers, type Ending, endingOf, GraphView } from "./ending.js";
import { MAX_WHOLE_FIELDS, type Model, readModel, type Tensor } from "./model.js";

import { type ExpectedPixels, expectedPixels } from "./pixels.js";
import { DATA_TYPE } from "./proto.js";
import { externalFault } from "./tensor.js";

export interface ModelPreprocessing extends ChosenPreprocessing {
  /** True if the graph itself does it, a division by 255, so that it reads bytes. */
  readonly isWithin: boolean;
}

/**
 * Chooses the preprocessing. Properties of the file (`batchwise.normalize`, …) come first, then a graph that scales bytes
 * itself, then the options. Otherwise pixels ÷ 255 are assumed, and the assumption names the evidence in the graph.
 *
 * @throws NetworkError ERR_NORMALIZE_MISMATCH, ERR_NORMALIZE_STATISTICS, ERR_RECIPE, ERR_NETWORK_FORMAT; ERR_ONNX_GRAPH if
 *   the properties contradict the graph. UsageError ERR_USAGE.
 */
export function modelPreprocessing(
  path: string,
  facts: Pick<OnnxFacts, "metadata" | "pixels">,
  asked: RequestedPreprocessing,
): ModelPreprocessing {
  const { pixels } = facts;
  const written = writtenIn(path, facts);
  const isWithin = pixels.kind === "bytes" && pixels.isDivided === true;
  if (pixels.kind === "bytes") assertBytes(path, written, isWithin);
  const ofGraph = pixels.kind === "bytes" ? ({ kind: isWithin ? "scale" : "none" } as const) : undefined;
  const stated = isWithin ? ofGraph : (written ?? ofGraph);
  const { normalize } = asked;
  if (stated === undefined && normalize?.startsWith("whiten")) {
    throw new NetworkError("ERR_NORMALIZE_STATISTICS", { path, found: normalize, isWhole: true });
  }
  const assumed = assumedIn(path, facts.metadata, KEY_PREFIX);
  const { likelyPixels } = writtenPreprocessing(readPreprocessing(path, facts.metadata, KEY_PREFIX), assumed);
  return { ...choosePreprocessing(path, stated, asked, pixelsReason(pixels), likelyPixels), isWithin };
}

/**
 * Returns the file with the requested preprocessing among its properties. All other bytes stay. A file that already states its
 * preprocessing is returned unchanged. Undefined for a file that names assumptions: Batchwise wrote it, and encodes it again.
 *
 * @throws all that `readOnnxFacts` and `modelPreprocessing` throw
 */
export function annotateOnnx(
  path: string,
  bytes: Uint8Array,
  asked: RequestedPreprocessing,
): { readonly bytes: Uint8Array; readonly preprocessing: Preprocessing } | undefined {
  const facts = readOnnxFacts(path, bytes);
  if (assumedIn(path, facts.metadata, KEY_PREFIX).length > 0) return undefined;
  const { preprocessing, isWithin } = modelPreprocessing(path, facts, asked);
  if (writtenIn(path, facts) !== undefined) return { bytes, preprocessing };
  // Properties state only what the graph does not do.
  const written = isWithin ? ({ kind: "none" } as const) : preprocessing;
  return {
    bytes: withProperties(bytes, preprocessingMetadata(written, KEY_PREFIX)),
    preprocessing,
  };
}

/** Returns the preprocessing in the properties, unless the writer of the file had to assume it. */
function writtenIn(path: string, { metadata }: Pick<OnnxFacts, "metadata">): Preprocessing | undefined {
  const isAssumed = assumedIn(path, metadata, KEY_PREFIX).includes("pixels");
  return isAssumed ? undefined : readPreprocessing(path, metadata, KEY_PREFIX);
}

/** @throws NetworkError ERR_ONNX_GRAPH if properties require numbers that the model's input cannot hold */
function assertBytes(path: string, written: Preprocessing | undefined, isDivided: boolean): void {
  if (written === undefined || written.kind === "none" || ("folded" in written && !isDivided)) return;
  throw new NetworkError("ERR_ONNX_GRAPH", {
    path,
    expected: "unchanged pixels, which the graph requires",
    found: `${KEY_PREFIX}normalize = ${written.kind}`,
  });
}

/** Reason for the assumption of pixels ÷ 255, if the graph's arithmetic shows one. */
export function pixelsReason(pixels: ExpectedPixels): string {
  switch (pixels.kind) {
    case "fractions":
      return `, since ${pixels.because}`;
    case "unclear":
      return `, which a graph that begins with ${printable(pixels.beginning)} does not decide: try batchwise diagnose`;
    default:
      return "";
  }
}

/** Facts of an ONNX file that onnxruntime does not report. */
export interface OnnxFacts {
  readonly metadata: Metadata;
  readonly pixels: ExpectedPixels;
  /** Ending of each of the graph's outputs, by name. */
  readonly endings: ReadonlyMap<string, Ending>;
  /** True if a tensor depends on an operator that draws random numbers. */
  isRandom(tensor: string): boolean;
}

/**
 * Reads the facts of a model with any operators; weights are skipped. `path` is for messages.
 *
 * @throws NetworkError ERR_ONNX_MALFORMED, ERR_ONNX_LIMIT; ERR_ONNX_EXTERNAL, before a runtime opens the other file
 */
export function readOnnxFacts(path: string, bytes: Uint8Array): OnnxFacts {
  const model = readModel(path, bytes, MAX_WHOLE_FIELDS);
  assertInternal(path, model);
  const view = new GraphView(path, model);
  const pixels = expectedPixels(view);
  return {
    metadata: model.metadata,
    pixels: pixels.kind === "bytes" || !isOfBytes(model, view) ? pixels : { kind: "bytes" },
    endings: new Map(view.outputs.map((output) => [output, endingOf(view, output)])),
    isRandom: (tensor) => drawsNumbers(view, tensor),
  };
}

function isOfBytes({ graph }: Model, view: GraphView): boolean {
  return graph.inputs.some(({ name, type }) => name === view.inputs[0] && type === DATA_TYPE.uint8);
}

function assertInternal(path: string, { graph }: Model): void {
  const inNodes = graph.nodes.flatMap(({ attributes }) => attributes.flatMap(({ tensor }) => tensor ?? []));
  const external = [...graph.initializers, ...inNodes].find((tensor: Tensor) => tensor.external);
  if (external === undefined) return;
  throw externalFault(path, external);
}
