/** State of the translation of a Keras model: arrays of its layers, the chain so far, and the shapes that Keras would see. */
import type { MapShape } from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import type { NamedArray } from "#src/files/formats/arrays.js";
import type { Hdf5Group } from "#src/files/formats/hdf5/group.js";
import { ChainBuilder } from "#src/networks/chain-builder.js";
import type { KnownActivation } from "./activations.js";
import type { KerasLayer, KerasModel, Settings } from "./config.js";

/** Arrays of a layer in the file's order, with their names if the file has names. */
export type LayerArrays = readonly { readonly name: string | undefined; readonly array: NamedArray }[];

/** Finds the arrays of a layer; undefined if the file has none for it. */
export type FindArrays = (layer: KerasLayer) => LayerArrays | undefined;

/** Most attributes into which a long list of names is divided: keras/engine/saving.py. */
const MAX_PARTS = 1_000;

/** Names in an attribute, which long lists divide into `weight_names0`, `weight_names1` and so on. */
export function namesIn(group: Hdf5Group, attribute: string): string[] | undefined {
  const whole = group.texts(attribute);
  if (whole !== undefined) return whole;
  const names: string[] = [];
  for (let part = 0; part < MAX_PARTS; part += 1) {
    const more = group.texts(`${attribute}${part}`);
    if (more === undefined) return part === 0 ? undefined : names;
    names.push(...more);
  }
  return names;
}

/** Keras' names of activations other than ReLU that are layers without arrays. */
const ACTIVATION_LAYER = /^(elu|leaky_re_lu|thresholded_re_lu)(_\d+)?$/;
/** Keras' names of other layers without arrays that are neither max pools nor without effect, and what people call average pools. */
const UNASSUMED =
  /^(rescaling|((unit|layer)_)?normalization|resizing|center_crop|lambda|add|subtract|multiply|concatenate|maximum|minimum|dot|permute|(global_\w+_pooling|average_pooling|zero_padding|cropping|up_sampling)[12]d)(_\d+)?$|^(avg|average)(_?pool\w*)?(_?\d+)?$/i;

/**
 * Weights alone state no layers without arrays, but their names may contradict what is assumed.
 *
 * @param hasActivation whether an option states the activations
 * @throws NetworkError ERR_NETWORK_LAYER
 */
export function assertAssumable(path: string, names: readonly string[], hasActivation: boolean): void {
  const name = names.find((one) => UNASSUMED.test(one) || (!hasActivation && ACTIVATION_LAYER.test(one)));
  if (name === undefined) return;
  throw new NetworkError("ERR_NETWORK_LAYER", {
    path,
    layer: `layer "${printable(name)}"`,
    expected: "max pools and ReLU between layers, which alone are assumed",
    found: "another layer by its name",
    next: "state the layers by --architecture FILE.json; batchwise inspect --architecture-template writes a draft of it",
  });
}

/** Arrays of a file of Keras 2, or of a whole model of Keras 3 in HDF5: the layer's group names them. */
export function namedArrays(root: Hdf5Group): FindArrays {
  return ({ name, settings }) => {
    const group = root.group(name);
    if (group === undefined) return undefined;
    return (namesIn(group, "weight_names") ?? []).map((path) => {
      const array = group.dataset(path)?.array();
      if (array === undefined) throw settings.fault(`the array "${printable(path)}"`, "none");
      return { name: path.slice(path.lastIndexOf("/") + 1).replace(/:\d+$/, ""), array };
    });
  };
}

/** Groups that hold the layers of a model: of Keras 3, and of TensorFlow 2.12 to 2.15. */
const CONTAINERS = ["layers", "_layer_checkpoint_dependencies"];

/** A group of numbered variables. */
export interface Variables {
  /** `conv2d_1`. */
  readonly key: string;
  /** Name of its layer, which newer versions write. */
  readonly layer: string | undefined;
  readonly arrays: LayerArrays;
}

/** Groups of variables, those of one class in the order of its layers; undefined for another layout. */
export function variablesIn(root: Hdf5Group, withEmpty = false): Variables[] | undefined {
  const container = CONTAINERS.map((name) => root.group(name)).find((group) => group !== undefined);
  if (container === undefined) return undefined;
  const found = container.names().flatMap((key): Variables[] => {
    const group = container.group(`${key}/vars`);
    const names = group?.names() ?? [];
    if (group === undefined) return withEmpty ? [{ key, layer: undefined, arrays: [] }] : [];
    if (names.length === 0 && !withEmpty) return [];
    const arrays = names.flatMap((_, index) => {
      const array = group.dataset(`${index}`)?.array();
      return array === undefined ? [] : [{ name: undefined, array }];
    });
    return [{ key, layer: group.texts("name")?.[0], arrays }];
  });
  return found.sort((a, b) => numberOf(a.key) - numberOf(b.key));
}

/** 3 for `dense_3`, 0 for `dense`. */
function numberOf(key: string): number {
  return Number(/_(\d+)$/.exec(key)?.[1] ?? 0);
}

/**
 * Arrays below `layers/conv2d_1/vars`. The groups are called by class and count, in the order of the layers; the name of the
 * layer is beside them in newer files. TensorFlow 2.12 to 2.15 count each layer with weights twice, so only the order is used.
 */
export function numberedArrays(variables: readonly Variables[], layers: readonly KerasLayer[]): FindArrays {
  const byLayer = new Map(variables.map((one) => [one.layer, one.arrays]));
  const isNamed = variables.every(({ layer }) => layer !== undefined) && byLayer.size === variables.length;
  if (isNamed) return ({ name }) => byLayer.get(name);
  const waiting = new Map<string, LayerArrays[]>();
  for (const { key, arrays } of variables) {
    const base = key.replace(/_\d+$/, "");
    waiting.set(base, [...(waiting.get(base) ?? []), arrays]);
  }
  const assigned = new Map<KerasLayer, LayerArrays | undefined>();
  for (const layer of layers) {
    if (HAS_ARRAYS(layer)) assigned.set(layer, waiting.get(snakeCase(layer.className))?.shift());
  }
  return (layer) => assigned.get(layer);
}

/** False for a layer whose settings leave it nothing to learn. Its group has no variables and does not count in the order. */
const HAS_ARRAYS = ({ className, settings }: KerasLayer) =>
  className !== "Normalization" || !Array.isArray(settings.value("mean"));

/** keras/src/utils/naming.py: `BatchNormalization` → `batch_normalization`, `PReLU` → `p_re_lu`. */
function snakeCase(className: string): string {
  return className
    .replaceAll(/\W+/g, "")
    .replaceAll(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replaceAll(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
}

/** Adds a layer of one class to the chain. @throws NetworkError ERR_NETWORK_LAYER, ERR_NETWORK_CHAIN, ERR_NETWORK_NOT_FINITE */
export type Build = (layer: KerasLayer, chain: KerasChain) => void;

/** State of the translation. */
export class KerasChain {
  readonly builder: ChainBuilder;
  readonly isKeras3: boolean;
  readonly #find: FindArrays;
  /** Whether a row of pixels is an axis of its own without channels: (rows, columns). */
  isPlanar: boolean;
  /** Whether nothing has changed the pixels yet. */
  isAtPixels = true;

  constructor(path: string, { inputShape, layers }: KerasModel, find: FindArrays, isKeras3: boolean) {
    this.#find = find;
    this.isKeras3 = isKeras3;
    this.isPlanar = inputShape?.length === 2;
    const [first] = layers;
    this.builder = new ChainBuilder(path, inputOf(inputShape, first?.settings), "channels-last");
  }

  /**
   * Arrays by their roles: by name where the file has names, otherwise by their order, which Keras fixes. More arrays than roles
   * change what the layer computes: scales of quantized weights, LoRA's additions.
   */
  arrays(layer: KerasLayer, roles: readonly string[]): NamedArray[] {
    const found = this.#find(layer) ?? [];
    const named = roles.flatMap((role) => found.find(({ name }) => name === role)?.array ?? []);
    if (named.length === roles.length && found.length === roles.length) return named;
    if (found.length === roles.length) return found.map(({ array }) => array);
    const names = found.map(({ name }, index) => name ?? `${index}`).join(", ");
    throw layer.settings.fault(
      `the arrays ${roles.join(", ")}`,
      found.length === 0 ? "none" : printable(names),
      "save the model again, with its weights: model.save('model.keras')",
    );
  }

  activate({ name }: KerasLayer, known: KnownActivation, isLast: boolean): void {
    const { activation, numbers, ends } = known;
    if (ends !== undefined) this.builder.end(name, ends);
    else if (isLast && activation === "sigmoid") this.builder.end(name, "sigmoid");
    else this.builder.activation(name, activation, numbers);
  }
}

/** Shape of an image for the builder; undefined where the file does not fix it. */
function inputOf(
  shape: KerasModel["inputShape"],
  settings: Settings | undefined,
): MapShape | number | undefined {
  if (shape === undefined) return undefined;
  if (shape.length < 1 || shape.length > 3) {
    const found = `a shape of ${shape.length} dimensions`;
    throw settings?.fault("images of (pixels), (rows, columns) or (rows, columns, channels)", found);
  }
  const [rows, columns, channels = 1] = shape;
  if (shape.length === 1) return rows;
  if (shape.length === 3 && shape[2] === undefined) return undefined;
  return rows === undefined || columns === undefined ? undefined : { rows, columns, channels };
}

/** A matrix or a kernel of a known rank. */
export function ofRank(settings: Settings, array: NamedArray, rank: number): readonly number[] {
  if (array.shape.length === rank) return array.shape;
  throw settings.fault(`weights of ${rank} dimensions`, `${array.shape.length}`);
}

/** Refuses images without an axis of channels: Keras would treat their columns as channels. */
export function refusePlanar({ settings, className }: KerasLayer, { isPlanar }: KerasChain): void {
  if (isPlanar)
    throw settings.fault("Flatten or Reshape before it", `${className} on rows and columns without channels`);
}
