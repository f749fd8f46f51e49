/** Weights alone of Keras as PyTorch would name them: kernels, biases and batch normalizations, in the order of their layers. */
import { basename } from "node:path";
import type { Assumption } from "#src/base/assumptions.js";
import { imageSizes } from "#src/base/contracts/dataset.js";
import type { Activations } from "#src/base/contracts/network.js";
import { atLeast, NetworkError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import type { NamedArray, NamedArrays } from "#src/files/formats/arrays.js";
import type { Hdf5Group } from "#src/files/formats/hdf5/group.js";
import { checkCount } from "#src/networks/assemble.js";
import type { DecodedChain } from "#src/networks/chain-facts.js";
import { conventionalPlan } from "#src/networks/conventional.js";
import { assertAssumable, namesIn } from "#src/networks/keras/chain.js";
import { architectureText } from "#src/networks/module-chain.js";
import { readBlocks } from "#src/networks/modules.js";
import { chainOfArchitecture } from "./chain.js";
import { type DraftSource, draftOfBlocks } from "./draft.js";
import { parseArchitecture } from "./schema.js";

/** keras.layers.BatchNormalization's default. */
const EPSILON = 1e-3;
/** Order of a batch normalization's variables in Keras. */
const NORMALIZATION = [
  ["gamma", "weight"],
  ["beta", "bias"],
  ["moving_mean", "running_mean"],
  ["moving_variance", "running_var"],
] as const;
const KERNEL = [
  ["kernel", "weight"],
  ["bias", "bias"],
] as const;
const POOL = /pool/i;
/** Most groups around an array of an HDF5 file. */
const MAX_GROUPS = 16;
/** Most arrays of an HDF5 file. */
const MAX_ARRAYS = 10_000;
/** Groups that only training needs: states of optimizers, metrics and random number generators. */
const TRAINING = /(^|\/)(seed_generator|optimizer|optimizer_weights|metrics)$/;

interface Layer {
  readonly name: string;
  readonly arrays: readonly (readonly [name: string, array: NamedArray])[];
}

/** What the names of layers show beside the arrays. */
export interface KerasDraft extends DraftSource {
  readonly names: ReadonlyMap<string, string>;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Names of all layers that the file lists. */
  readonly listed: readonly string[];
  /** Number of pools, if the file lists layers without arrays. */
  readonly poolCount: number | undefined;
  /** Number of pools behind each layer, if the file lists its layers in order. */
  readonly poolsBehind: ReadonlyMap<string, number> | undefined;
}

/**
 * Roles of the arrays of a weights-only file; undefined for layers other than convolutions, dense layers and batch
 * normalizations.
 *
 * @param arrays all arrays of the file by their paths
 */
export function kerasDraft(root: Hdf5Group, arrays: NamedArrays): KerasDraft | undefined {
  const layerNames = namesIn(root, "layer_names");
  const layers = layersOf(arrays);
  const ordered = layerNames === undefined ? inClasses(layers) : inOrder(layers, layerNames);
  if (ordered === undefined) return undefined;
  const names = new Map<string, string>();
  const shapes = new Map<string, readonly number[]>();
  for (const { name, arrays: own } of ordered) {
    const isNormalization = own.length >= 2 && own.every(([, { shape }]) => shape.length === 1);
    const roles = isNormalization ? rolesOf(own, NORMALIZATION) : rolesOf(own, KERNEL);
    if (roles === undefined) return undefined;
    for (const [role, full, array] of roles) {
      names.set(`${name}.${role}`, full);
      shapes.set(`${name}.${role}`, role === "weight" ? turned(array.shape) : array.shape);
    }
  }
  const listed = layerNames ?? root.group("layers")?.names() ?? [];
  const isComplete = listed.length > layers.length;
  const poolCount = isComplete ? listed.filter((name) => POOL.test(name)).length : undefined;
  const poolsBehind = isComplete && layerNames !== undefined ? poolsAfter(layerNames, ordered) : undefined;
  return { arrays, names, shapes, isOrdered: true, epsilon: EPSILON, listed, poolCount, poolsBehind };
}

function poolsAfter(names: readonly string[], layers: readonly Layer[]): Map<string, number> {
  const counts = new Map<string, number>();
  let last = "";
  for (const name of names) {
    if (layers.some((layer) => layer.name === name)) last = name;
    else if (POOL.test(name)) counts.set(last, (counts.get(last) ?? 0) + 1);
  }
  return counts;
}

/** Arrays by the group of their layer: the part after `layers/`, or the first. */
function layersOf(arrays: NamedArrays): Layer[] {
  const layers = new Map<string, (readonly [string, NamedArray])[]>();
  for (const [full, array] of arrays) {
    const name = full.replace(/^(layers|_layer_checkpoint_dependencies)\//, "").split("/")[0] ?? full;
    layers.set(name, [...(layers.get(name) ?? []), [full, array]]);
  }
  return [...layers].map(([name, own]) => ({ name, arrays: own }));
}

function inOrder(layers: readonly Layer[], names: readonly string[]): Layer[] {
  return layers.toSorted((a, b) => names.indexOf(a.name) - names.indexOf(b.name));
}

/** Groups are named by class and count. Batch normalizations follow the convolutions if there are as many. */
function inClasses(layers: readonly Layer[]): Layer[] | undefined {
  const number = ({ name }: Layer) => Number(/_(\d+)$/.exec(name)?.[1] ?? 0);
  const sorted = layers.toSorted((a, b) => number(a) - number(b));
  const ofRank = (rank: number) =>
    sorted.filter(({ arrays }) => Math.max(...arrays.map(([, { shape }]) => shape.length)) === rank);
  const weighted = [...ofRank(4), ...ofRank(2)];
  const rest = sorted.filter((layer) => !weighted.includes(layer));
  if (rest.length > 0 && rest.length !== ofRank(4).length) return undefined;
  return weighted.flatMap((layer, n) => [layer, ...rest.slice(n, n + 1)]);
}

/** Roles by name where the file has names, otherwise by the order that Keras fixes. */
function rolesOf(
  own: Layer["arrays"],
  roles: readonly (readonly [keras: string, torch: string])[],
): (readonly [role: string, full: string, array: NamedArray])[] | undefined {
  if (own.length > roles.length) return undefined;
  const numbered = own.every(([full]) => /\/\d+$/.test(full));
  if (numbered && own.length < roles.length && roles.length > 2) return undefined;
  const found = own.flatMap(([full, array], n) => {
    const leaf = full.slice(full.lastIndexOf("/") + 1).replace(/:\d+$/, "");
    const role = numbered ? roles[n] : roles.find(([keras]) => keras === leaf);
    return role === undefined ? [] : [[role[1], full, array] as const];
  });
  return found.length === own.length ? found : undefined;
}

/** Keras' axes in PyTorch's order. */
function turned(shape: readonly number[]): readonly number[] {
  const [a = 0, b = 0, c = 0, d = 0] = shape;
  if (shape.length === 2) return [b, a];
  return shape.length === 4 ? [d, c, a, b] : shape;
}

/** All arrays of an HDF5 file by their paths: `layers/dense/vars/0`, `dense/dense/kernel:0`. */
export function hdf5Arrays(path: string, root: Hdf5Group): Map<string, NamedArray> {
  const arrays = new Map<string, NamedArray>();
  const visit = (group: Hdf5Group, prefix: string, depth: number): void => {
    for (const name of group.names()) {
      const full = `${prefix}${name}`;
      if (TRAINING.test(full)) continue;
      if (depth > MAX_GROUPS || arrays.size >= MAX_ARRAYS) {
        const expected = `at most ${MAX_ARRAYS} arrays, ${MAX_GROUPS} groups deep`;
        throw new NetworkError("ERR_NETWORK_FORMAT", { path, expected, found: `more at ${printable(full)}` });
      }
      const inner = group.group(name);
      const array = inner === undefined ? group.dataset(name)?.array() : undefined;
      if (inner !== undefined) visit(inner, `${full}/`, depth + 1);
      if (array !== undefined) arrays.set(full, array);
    }
  };
  visit(root, "", 0);
  return arrays;
}

/**
 * Returns the chain of a file with convolutions, if one conventional architecture fits its arrays. Undefined if the file has a
 * batch normalization, or another layer whose place or numbers it does not state.
 *
 * @throws NetworkError ERR_NETWORK_ARCHITECTURE, and all that `readBlocks` and `chainOfArchitecture` throw
 */
export function conventionalKeras(
  path: string,
  root: Hdf5Group,
  activation: Activations | undefined,
): DecodedChain | undefined {
  const arrays = hdf5Arrays(path, root);
  const draft = kerasDraft(root, arrays);
  if (draft === undefined || ![...draft.shapes.values()].some(({ length }) => length === 4)) return undefined;
  const { poolsBehind } = draft;
  assertAssumable(path, draft.listed, activation !== undefined);
  const blocks = readBlocks(path, draft.shapes, true, undefined).map((block) =>
    poolsBehind === undefined ? block : { ...block, plainModules: 1 + (poolsBehind.get(block.name) ?? 0) },
  );
  if (blocks.some(({ normalization }) => normalization !== undefined)) return undefined;
  checkCount(activation, blocks.length - 1);
  const { picture, plan, fitting } = conventionalPlan(path, blocks);
  const pictures = picture === undefined ? "" : imageSizes(picture).join(" × ");
  const pooled = plan.filter(({ isPooled }) => isPooled).length;
  const convolutions = blocks.filter(({ kind }) => kind === "convolution");
  const text = architectureText(convolutions, plan, "max", fitting);
  if (draft.poolCount !== undefined && draft.poolCount !== pooled) {
    const [{ inputs }] = atLeast(blocks.slice(convolutions.length), 1);
    const [{ name }] = atLeast(blocks.slice(convolutions.length), 1);
    const found = `${text}, but ${draft.poolCount} pools by name`;
    throw new NetworkError("ERR_NETWORK_ARCHITECTURE", {
      path,
      layer: printable(name),
      inputs,
      pictures,
      found,
    });
  }
  const architecture = parseArchitecture(path, draftOfBlocks(blocks, plan, { ...draft, activation }));
  const source = basename(path);
  const what = `${pictures} pictures, stride 1, ${text}`;
  const assumptions: Assumption[] = [
    { subject: "architecture", what, source, option: "--architecture" },
    ...(activation === undefined
      ? [{ subject: "activation", what: "relu between layers", source, option: "--activation" } as const]
      : []),
  ];
  return { ...chainOfArchitecture(path, architecture, arrays, "its layers"), assumptions, stated: [] };
}
