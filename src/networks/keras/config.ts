/** Architecture of a Keras model: its JSON, of Keras 2.2 to 3, as layers in order, with their settings checked. */
import type { Pair } from "#src/base/contracts/network.js";
import { NetworkError, reasonOf } from "#src/base/errors.js";
import { printable, valueText } from "#src/base/text.js";
import { scanJson } from "#src/files/scan-json.js";

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Largest size that a setting may have. */
const MAX_SIZE = 2 ** 25;

export class Settings {
  readonly path: string;
  /** Name of the layer. */
  readonly name: string;
  readonly #values: JsonObject;
  /** What to do with a model that has a layer which is not read. */
  readonly next: string;

  constructor(path: string, name: string, values: JsonObject, next: string) {
    this.path = path;
    this.name = name;
    this.#values = values;
    this.next = next;
  }

  fault(expected: string, found: string, next = this.next): NetworkError {
    const layer = `layer "${printable(this.name)}"`;
    return new NetworkError("ERR_NETWORK_LAYER", { path: this.path, layer, expected, found, next });
  }

  #wrong(key: string, expected: string): NetworkError {
    return this.fault(`${expected} as ${key}`, valueText(this.#values[key]));
  }

  /** A value, null included; undefined if the file does not state it. */
  value(key: string): unknown {
    return this.#values[key];
  }

  /** A finite number. `fallback` is the layer's default. */
  number(key: string, fallback?: number): number {
    const value = this.#values[key] ?? fallback;
    if (typeof value !== "number" || !Number.isFinite(value)) throw this.#wrong(key, "a number");
    return value;
  }

  count(key: string, fallback?: number): number {
    const value = this.number(key, fallback);
    if (!isSize(value)) throw this.#wrong(key, `1 to ${MAX_SIZE}`);
    return value;
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.#values[key] ?? fallback;
    if (typeof value !== "boolean") throw this.#wrong(key, "true or false");
    return value;
  }

  /** One of the words. */
  word<T extends string>(key: string, words: readonly T[], fallback: T): T {
    const value = this.#values[key] ?? fallback;
    const known = words.find((word) => word === value);
    if (known === undefined) throw this.#wrong(key, words.join(" or "));
    return known;
  }

  /** Rows and columns: two sizes, or one for both. */
  pair(key: string, fallback?: Pair): Pair {
    const value = this.#values[key] ?? fallback;
    const [rows, columns] = Array.isArray(value) ? value : [value, value];
    if (!isSize(rows) || !isSize(columns)) throw this.#wrong(key, "two sizes");
    return [rows, columns];
  }

  /** A shape without the batch; sizes that are not fixed are null or −1. */
  shape(key: string): (number | undefined)[] {
    const value = this.#values[key];
    if (!Array.isArray(value) || value.length > 8) throw this.#wrong(key, "a shape");
    return value.map((size: unknown) => {
      if (size === null || size === -1) return undefined;
      if (!isSize(size)) throw this.#wrong(key, "sizes");
      return size;
    });
  }
}

function isSize(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= MAX_SIZE;
}

/** Depth of the JSON: Keras 3 writes eight levels for a tensor of a functional model; models within models have more. */
const MAX_DEPTH = 64;
/** Most entries; a layer has about fifty. */
const MAX_ENTRIES = 2 ** 18;
const MAX_LAYERS = 2_000;

export interface KerasLayer {
  /** `Conv2D`; one of the model's own program has its package before it, as in `mine>Gate`. */
  readonly className: string;
  readonly name: string;
  readonly settings: Settings;
}

export interface KerasModel {
  readonly layers: readonly KerasLayer[];
  /** Shape of one image; undefined for sizes that are not fixed. */
  readonly inputShape: readonly (number | undefined)[] | undefined;
}

/** What a model is called in messages, and what to do if it cannot be read. */
interface Context {
  readonly path: string;
  readonly next: string;
}

/** @throws NetworkError ERR_NETWORK_LAYER if the text is not JSON, or the model is not a chain of layers */
export function parseModel(path: string, json: string, next: string): KerasModel {
  const context = { path, next };
  const scanned = scanJson(json, { depth: MAX_DEPTH, entries: MAX_ENTRIES });
  if (scanned !== undefined) throw modelFault(context, scanned.expected, scanned.found);
  let model: unknown;
  try {
    model = JSON.parse(json);
  } catch (cause) {
    throw modelFault(context, "an architecture in JSON", printable(reasonOf(cause)));
  }
  const className = isObject(model) ? model.class_name : undefined;
  const config = isObject(model) ? model.config : undefined;
  // Keras before 2.2.3 wrote the layers of a Sequential model as a list.
  const listed = Array.isArray(config) ? config : isObject(config) ? config.layers : undefined;
  if (!["Sequential", "Functional", "Model"].includes(String(className)) || !Array.isArray(listed)) {
    throw modelFault(context, "a Sequential or functional model", valueText(className));
  }
  if (listed.length > MAX_LAYERS) {
    throw modelFault(context, `at most ${MAX_LAYERS} layers`, `${listed.length}`);
  }
  const described = listed.map((layer: unknown) => readLayer(context, layer));
  const ordered =
    className === "Sequential" || !isObject(config) ? described : chainOf(context, described, config);
  const layers = ordered.map(({ layer }) => layer);
  return { layers, inputShape: inputShapeOf(layers, isObject(config) ? config : {}, context) };
}

function modelFault({ path, next }: Context, expected: string, found: string): NetworkError {
  return new NetworkError("ERR_NETWORK_LAYER", { path, layer: "the model", expected, found, next });
}

const KERAS_MODULE = /^(tf_)?keras(\.|$)/;

interface Described {
  readonly layer: KerasLayer;
  readonly node: JsonObject;
}

function readLayer(context: Context, value: unknown): Described {
  const config = isObject(value) ? value.config : undefined;
  if (!isObject(value) || typeof value.class_name !== "string" || !isObject(config)) {
    throw modelFault(context, "layers with a class and settings", valueText(value));
  }
  const { class_name: className, module } = value;
  const name = [config.name, value.name, className].find((text) => typeof text === "string");
  const settings = new Settings(context.path, String(name), config, context.next);
  // Keras 3 states the module; a class of the model's own program may have the name of Keras' class.
  if (typeof module === "string" && !KERAS_MODULE.test(module)) {
    throw settings.fault("a layer of Keras", `${printable(className)} of the module ${printable(module)}`);
  }
  return { layer: { className, name: String(name), settings }, node: value };
}

/** A call of a layer: the tensors that it reads, and whether it is called for training. */
interface Call {
  readonly sources: readonly string[];
  readonly isTraining: boolean;
}

/** Layers of a functional model from its input to its output. @throws NetworkError ERR_NETWORK_LAYER if it is no chain */
function chainOf(context: Context, described: readonly Described[], config: JsonObject): Described[] {
  const byName = new Map(described.map((one) => [one.layer.name, one]));
  const outputs = callOf(config.output_layers).sources;
  const [output, ...more] = outputs;
  if (output === undefined || more.length > 0) {
    throw modelFault(context, "one output", `${outputs.length}`);
  }
  const chain: Described[] = [];
  for (let name: string | undefined = output; name !== undefined; ) {
    const found: Described | undefined = byName.get(name);
    if (found === undefined || chain.includes(found)) {
      throw modelFault(context, "a chain of layers", `"${printable(name)}" as an input`);
    }
    chain.push(found);
    const { settings, className } = found.layer;
    const { sources, isTraining } = callOf(found.node.inbound_nodes);
    if (isTraining)
      throw settings.fault("a layer that is not in training", `${className} with training=True`);
    if (sources.length > 1) throw settings.fault("one input", `${printable(className)} of ${sources.length}`);
    name = sources[0];
  }
  return chain.reverse();
}

/**
 * Finds the tensors in a description of a call: [name, node, tensor, arguments?] of Keras 2, or the keras_history of Keras 3,
 * in lists of any depth.
 */
function callOf(value: unknown): Call {
  const sources: string[] = [];
  let isTraining = false;
  const open: unknown[] = [value];
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    if (isObject(one) && one.training === true) isTraining = true;
    const [name, node, tensor]: unknown[] = Array.isArray(one) ? one : [];
    const isTensor = typeof name === "string" && typeof node === "number" && typeof tensor === "number";
    if (isTensor) sources.push(name);
    for (const inner of Object.values(one ?? {})) {
      if (typeof inner === "object" && inner !== null) open.push(inner);
    }
  }
  return { sources, isTraining };
}

const SHAPE_KEYS = ["batch_shape", "batch_input_shape"];

/** Shape of one image as the first layer states it, or the model. */
function inputShapeOf(
  layers: readonly KerasLayer[],
  config: JsonObject,
  context: Context,
): KerasModel["inputShape"] {
  const first = layers[0]?.settings;
  const key = SHAPE_KEYS.find((name) => Array.isArray(first?.value(name)));
  if (first !== undefined && key !== undefined) return first.shape(key).slice(1);
  if (!Array.isArray(config.build_input_shape)) return undefined;
  return new Settings(context.path, "the model", config, context.next).shape("build_input_shape").slice(1);
}
