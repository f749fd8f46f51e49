/**
 * Reads layers models of TensorFlow.js: `model.json`, which has the architecture of Keras and a list of the weights, and the
 * files of weights beside it (tfjs-core, src/io/types.ts and io_utils.ts).
 */
import { grouped } from "#src/base/errors/define.js";
import { NetworkError, reasonOf } from "#src/base/errors.js";
import { printable, valueText } from "#src/base/text.js";
import { isLocationInside, realPathBeside } from "#src/files/beside.js";
import {
  checkedElements,
  lazyArray,
  MAX_DIMENSIONS,
  type NamedArray,
  storedArray,
} from "#src/files/formats/arrays.js";
import { layersModelToOnnx } from "#src/files/formats/known/keras-files.js";
import { readWholeFile } from "#src/files/read-file.js";
import { scanJson } from "#src/files/scan-json.js";
import type { DecodedChain } from "#src/networks/chain-facts.js";
import type { FindArrays, LayerArrays } from "./chain.js";
import { isObject, type JsonObject } from "./config.js";
import { chainOfConfig } from "./read.js";

/** Most bytes of `model.json`. A model of 1,000 layers takes about 1 MB. */
export const MAX_JSON_BYTES = 2 ** 26;
const JSON_LIMITS = { depth: 64, entries: 2 ** 18 };
/** Most bytes of all weights as float32, so that quantized ones do not take more memory. */
const MAX_BYTES = 2 ** 31 - 1;
const MAX_FILES = 2_000;

/** Returns the bytes of a file beside the model, at most `limitBytes`. */
export type ReadBeside = (location: string, limitBytes: number) => Promise<Uint8Array>;

/**
 * Reads a layers model and its files of weights.
 *
 * @throws NetworkError ERR_NETWORK_FORMAT for a graph model; ERR_NETWORK_LAYER, ERR_NETWORK_CHAIN, ERR_NETWORK_NOT_FINITE,
 *   ERR_NETWORK_OUTPUTS, ERR_WEIGHTS_SIZE
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_DATASET_CHANGED for a file of weights
 */
export async function decodeTfjs(
  path: string,
  bytes: Uint8Array,
  read: ReadBeside = readerBeside(path),
): Promise<DecodedChain> {
  const model = documentOf(path, bytes);
  const topology = snakeCased(model.modelTopology);
  if (model.format === "graph-model" || (isObject(topology) && Array.isArray(topology.node))) {
    const [expected, found] = ["a TensorFlow.js layers model", "a TensorFlow.js graph model"];
    throw new NetworkError("ERR_NETWORK_FORMAT", { path, expected, found });
  }
  if (!isObject(topology)) throw fault(path, "an architecture", valueText(topology));
  // The converter puts the model one level deeper than TensorFlow.js itself.
  const config = isObject(topology.model_config) ? topology.model_config : topology;
  const files: Uint8Array[] = [bytes];
  const weights = new Map<string, NamedArray>();
  for (const group of groupsOf(path, model.weightsManifest))
    await readGroup(path, group, read, weights, files);
  // Its formulas are those of Keras 2, and so are its files' if they state nothing else.
  const version = topology.keras_version ?? config.keras_version;
  const isKeras3 = typeof version === "string" && version.startsWith("3");
  const findIn = (names: readonly string[]) => arraysOfLayers(weights, names);
  const chain = await chainOfConfig(path, JSON.stringify(config), {
    next: layersModelToOnnx(path),
    findIn: (layers) => findIn(layers.map(({ name }) => name)),
    isKeras3,
  });
  return { ...chain, files };
}

/** Locations of a model's files of weights as `model.json` names them, whether they exist or not. */
export function tfjsLocations(path: string, bytes: Uint8Array): string[] {
  return groupsOf(path, documentOf(path, bytes).weightsManifest).flatMap(({ locations }) => locations);
}

function fault(path: string, expected: string, found: string, layer = "the model"): NetworkError {
  return new NetworkError("ERR_NETWORK_LAYER", { path, layer, expected, found, next: SAVE_AGAIN });
}

const SAVE_AGAIN = "save the model again: await model.save('downloads://model')";

function documentOf(path: string, bytes: Uint8Array): JsonObject {
  if (bytes.length > MAX_JSON_BYTES) {
    throw fault(path, `a description of at most ${grouped(MAX_JSON_BYTES)} bytes`, grouped(bytes.length));
  }
  const text = new TextDecoder().decode(bytes);
  const scanned = scanJson(text, JSON_LIMITS);
  if (scanned !== undefined) throw fault(path, scanned.expected, scanned.found);
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw fault(path, "a description in JSON", printable(reasonOf(error)));
  }
  if (!isObject(document)) throw fault(path, "an object in JSON", valueText(document));
  return document;
}

/** Keys whose values are words of TensorFlow.js, in either case. */
const WORDS: ReadonlySet<string> = new Set(["activation", "data_format"]);

/** The architecture with its keys as Keras has them: TensorFlow.js reads `batchInputShape` and `batch_input_shape`. */
function snakeCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeCased);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([key, inner]) => {
    const snake = snakeWord(key);
    return [snake, WORDS.has(snake) && typeof inner === "string" ? snakeWord(inner) : snakeCased(inner)];
  });
  return Object.fromEntries(entries);
}

function snakeWord(word: string): string {
  return word.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

interface StoredWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly count: number;
  /** How its elements lie in the file. */
  readonly stored: keyof typeof BYTES;
  readonly quantization: JsonObject | undefined;
  /** False for what is no weight of a layer: states of the optimizer, counts. */
  readonly isRead: boolean;
}

interface Group {
  readonly locations: readonly string[];
  readonly weights: readonly StoredWeight[];
}

/** DTYPE_VALUE_SIZE_MAP of tfjs-core. */
const BYTES = { float32: 4, float16: 2, uint16: 2, uint8: 1, int32: 4, bool: 1 } as const;
const STORED = new Set(["float32", "int32", "bool"] as const);
const QUANTIZED = new Set(["float16", "uint16", "uint8"] as const);

function groupsOf(path: string, manifest: unknown): Group[] {
  if (!Array.isArray(manifest)) throw fault(path, "a list as weightsManifest", valueText(manifest));
  const groups = manifest.map((group: unknown): Group => {
    const { paths, weights }: JsonObject = isObject(group) ? group : {};
    if (!Array.isArray(paths) || !Array.isArray(weights)) {
      throw fault(path, "paths and weights in each group of weightsManifest", valueText(group));
    }
    const locations = paths.map((location: unknown) => {
      if (typeof location === "string" && isLocationInside(path, location)) return location;
      throw fault(path, "files of weights in the model's own folder", valueText(location));
    });
    return { locations, weights: weights.map((weight: unknown) => storedWeight(path, weight)) };
  });
  const files = groups.reduce((sum, { locations }) => sum + locations.length, 0);
  if (files > MAX_FILES) throw fault(path, `at most ${grouped(MAX_FILES)} files of weights`, grouped(files));
  const elements = groups.flatMap(({ weights }) => weights).reduce((sum, { count }) => sum + count, 0);
  const actualBytes = elements * BYTES.float32;
  if (actualBytes > MAX_BYTES) {
    throw new NetworkError("ERR_WEIGHTS_SIZE", { path, actualBytes, limitBytes: MAX_BYTES });
  }
  return groups;
}

function storedWeight(path: string, value: unknown): StoredWeight {
  const { name, shape, dtype, quantization, group }: JsonObject = isObject(value) ? value : {};
  if (typeof name !== "string") throw fault(path, "a name of each weight", valueText(value));
  const wrong = (expected: string, found: unknown) =>
    fault(path, expected, valueText(found), weightText(name));
  if (!isShape(shape)) throw wrong("a shape", shape);
  const count = checkedElements(path, shape);
  const isFloat = dtype === "float32";
  const facts = { name, shape, count, isRead: isFloat && group !== "optimizer" };
  if (quantization === undefined) {
    const stored = memberOf(STORED, dtype);
    if (stored === undefined) throw wrong("float32", dtype);
    return { ...facts, stored, quantization };
  }
  if (!isObject(quantization)) throw wrong("a quantization", quantization);
  const stored = memberOf(QUANTIZED, quantization.dtype);
  const { scale, min } = quantization;
  if (stored === undefined) throw wrong("uint8, uint16 or float16", quantization.dtype);
  if (stored !== "float16" && !(Number.isFinite(scale) && Number.isFinite(min))) {
    throw wrong("scale and min as numbers", Number.isFinite(scale) ? min : scale);
  }
  return { ...facts, stored, quantization };
}

const weightText = (name: string) => `weight "${printable(name)}"`;

function isShape(value: unknown): value is readonly number[] {
  const isSize = (size: unknown) => typeof size === "number" && Number.isSafeInteger(size) && size >= 0;
  return Array.isArray(value) && value.length <= MAX_DIMENSIONS && value.every(isSize);
}

function memberOf<T>(set: ReadonlySet<T>, value: unknown): T | undefined {
  return [...set].find((one) => one === value);
}

/** Reads a group's files, which are one sequence of its weights. */
async function readGroup(
  path: string,
  { locations, weights }: Group,
  read: ReadBeside,
  into: Map<string, NamedArray>,
  files: Uint8Array[],
): Promise<void> {
  const wanted = weights.reduce((sum, { count, stored }) => sum + count * BYTES[stored], 0);
  const parts: Uint8Array[] = [];
  let found = 0;
  for (const location of locations) {
    const bytes = await read(location, wanted - found);
    found += bytes.length;
    parts.push(bytes);
  }
  if (found !== wanted) throw sizeFault(path, locations, wanted, found);
  files.push(...parts);
  const [only] = parts;
  const whole = parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
  let at = 0;
  for (const weight of weights) {
    const end = at + weight.count * BYTES[weight.stored];
    if (weight.isRead) {
      if (into.has(weight.name)) throw fault(path, "each weight once", "it twice", weightText(weight.name));
      into.set(weight.name, arrayOf(weight, whole.subarray(at, end)));
    }
    at = end;
  }
}

function sizeFault(path: string, locations: readonly string[], wanted: number, found: number): NetworkError {
  const names = locations.map((location) => printable(location)).join(", ");
  return fault(path, `${grouped(wanted)} bytes of weights in ${names || "files"}`, grouped(found));
}

/** Elements as TensorFlow.js restores them: q · scale + min, rounded to float32. */
function arrayOf({ shape, stored, quantization }: StoredWeight, bytes: Uint8Array): NamedArray {
  if (stored === "float32" || stored === "float16") return storedArray(shape, bytes, { type: stored });
  const [scale, min] = [Number(quantization?.scale), Number(quantization?.min)];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = BYTES[stored];
  return lazyArray(shape, () =>
    Float64Array.from({ length: bytes.length / size }, (_, n) =>
      Math.fround((size === 1 ? view.getUint8(n) : view.getUint16(n * size, true)) * scale + min),
    ),
  );
}

/**
 * Weights of layers. A name is `dense_1/kernel`; models within models, and Keras 3, put more names before it, and some
 * versions of TensorFlow one between.
 */
function arraysOfLayers(weights: ReadonlyMap<string, NamedArray>, names: readonly string[]): FindArrays {
  const known = new Set(names);
  const byLayer = new Map<string, LayerArrays>();
  for (const [path, array] of weights) {
    const parts = path.replace(/:\d+$/, "").split("/");
    const role = parts.pop();
    const layer = parts.findLast((part) => known.has(part));
    if (layer !== undefined) byLayer.set(layer, [...(byLayer.get(layer) ?? []), { name: role, array }]);
  }
  return ({ name }) => byLayer.get(name);
}

/** Reads files in the model's own folder. */
function readerBeside(path: string): ReadBeside {
  return async (location, limitBytes) => {
    const name = printable(location);
    const real = await realPathBeside(path, location, (found) => {
      throw fault(path, `its weights in "${name}" in its own folder`, found);
    });
    return readWholeFile(real, limitBytes, (sizeBytes) => {
      throw fault(path, `at most ${grouped(limitBytes)} bytes of weights in "${name}"`, grouped(sizeBytes));
    });
  };
}
