/** Modules of a PyTorch state dict with convolutions or batch normalizations: their kinds, by names and shapes, and their order. */

import { shapeText } from "#src/base/errors/define.js";
import { atLeast, NetworkError } from "#src/base/errors.js";
import { listed, printable } from "#src/base/text.js";
import { chains, orderByShape, type Shapes } from "./chain.js";
import { byNumbers } from "./layout.js";
import { isCounter } from "./state-dict.js";

/** Names of a batch normalization's arrays. */
export interface Normalization {
  readonly name: string;
  /** Undefined if the module learns none. */
  readonly gamma: string | undefined;
  readonly beta: string | undefined;
  readonly mean: string;
  readonly variance: string;
  readonly features: number;
}

/** A convolution or a fully connected layer, with the batch normalization that belongs to it. */
export interface Block {
  readonly kind: "convolution" | "linear";
  readonly name: string;
  /** (outputs, inputs), or (outputs, inputs, rows, columns). */
  readonly shape: readonly number[];
  readonly inputs: number;
  readonly outputs: number;
  readonly hasBias: boolean;
  readonly normalization: Normalization | undefined;
  /** Modules between the layer and its normalization, as the numbers in their names show. */
  readonly modulesBefore: number | undefined;
  /** Modules without arrays between this layer and the next one, as the numbers in their names show. */
  readonly plainModules: number | undefined;
}

type Layer = Omit<Block, "normalization" | "modulesBefore" | "plainModules">;

const MAX_MODULES = 200;

/**
 * Returns the layers of a state dict in order: convolutions, then fully connected layers.
 *
 * @param isOrdered whether the arrays stand in the order in which the modules were registered
 * @param paths names of all modules, those without arrays included, if the file has them
 * @throws NetworkError ERR_NETWORK_KEYS, ERR_NETWORK_RANK, ERR_NETWORK_ORDER, ERR_NETWORK_CHAIN
 */
export function readBlocks(
  path: string,
  shapes: Shapes,
  isOrdered: boolean,
  paths: readonly string[] | undefined,
): Block[] {
  const groups = grouped(path, shapes, isOrdered);
  const layers: Layer[] = [];
  const norms: { readonly norm: Normalization; readonly after: Layer | undefined }[] = [];
  for (const [name, parts] of groups) {
    if (parts.has("running_mean") || parts.has("running_var")) {
      norms.push({ norm: normalizationOf(path, name, parts), after: layers.at(-1) });
    } else {
      layers.push(layerOf(path, name, parts));
    }
  }
  const ordered = [
    ...inOrder(
      path,
      layers.filter(({ kind }) => kind === "convolution"),
      isOrdered,
    ),
    ...inOrder(
      path,
      layers.filter(({ kind }) => kind === "linear"),
      isOrdered,
    ),
  ];
  const owners = new Map<Layer, Normalization>();
  for (const { norm, after } of norms) {
    const owner = ownerOf(norm, after, ordered);
    if (owner === undefined || owners.has(owner)) {
      const expected = "each batch normalization behind one layer of as many outputs";
      throw new NetworkError("ERR_NETWORK_ORDER", { path, expected, found: described(norm) });
    }
    owners.set(owner, norm);
  }
  return ordered.map((layer, index): Block => {
    const normalization = owners.get(layer);
    return {
      ...layer,
      normalization,
      modulesBefore: normalization && gapBetween(layer.name, normalization.name),
      plainModules: plainModulesBehind(layer, normalization, ordered[index + 1], paths),
    };
  });
}

/** Arrays of each module by the last part of their names. Files without an order are sorted by the numbers in their names. */
function grouped(
  path: string,
  shapes: Shapes,
  isOrdered: boolean,
): (readonly [name: string, parts: ReadonlyMap<string, readonly number[]>])[] {
  const groups = new Map<string, Map<string, readonly number[]>>();
  for (const [full, shape] of shapes) {
    if (isCounter(full)) continue;
    const dot = full.lastIndexOf(".");
    const name = full.slice(0, Math.max(0, dot));
    const parts = groups.get(name) ?? new Map<string, readonly number[]>();
    groups.set(name, parts.set(full.slice(dot + 1), shape));
  }
  if (groups.size > MAX_MODULES) {
    const expected = `at most ${MAX_MODULES} modules with weights`;
    throw new NetworkError("ERR_NETWORK_ORDER", { path, expected, found: `${groups.size}` });
  }
  const list = [...groups];
  return isOrdered ? list : list.sort(([a], [b]) => compareNames(a, b));
}

/** Compares names as people count: `layers.2` before `layers.10`. */
function compareNames(a: string, b: string): number {
  const [left, right] = [a.split(/(\d+)/), b.split(/(\d+)/)];
  const at = left.findIndex((part, index) => part !== right[index]);
  const [x, y] = [left[at], right[at]];
  if (at < 0 || x === undefined || y === undefined) return left.length - right.length;
  return at % 2 === 1 ? Number(x) - Number(y) : x < y ? -1 : 1;
}

function normalizationOf(
  path: string,
  name: string,
  parts: ReadonlyMap<string, readonly number[]>,
): Normalization {
  const features = parts.get("running_mean")?.[0] ?? 0;
  const known = new Set(["weight", "bias", "running_mean", "running_var"]);
  const isWhole =
    features > 0 &&
    parts.has("running_var") &&
    [...parts].every(([part, shape]) => known.has(part) && shape.length === 1 && shape[0] === features);
  if (!isWhole) throw unknownModule(path, name, parts);
  return {
    name,
    gamma: parts.has("weight") ? arrayName(name, "weight") : undefined,
    beta: parts.has("bias") ? arrayName(name, "bias") : undefined,
    mean: arrayName(name, "running_mean"),
    variance: arrayName(name, "running_var"),
    features,
  };
}

function layerOf(path: string, name: string, parts: ReadonlyMap<string, readonly number[]>): Layer {
  const shape = parts.get("weight") ?? [];
  const bias = parts.get("bias");
  const isKnown = [...parts.keys()].every((part) => part === "weight" || part === "bias");
  const isLayer = (shape.length === 2 || shape.length === 4) && !shape.includes(0);
  const hasBias = bias !== undefined;
  if (!isKnown || !isLayer || (hasBias && (bias.length !== 1 || bias[0] !== shape[0]))) {
    throw unknownModule(path, name, parts);
  }
  const [outputs, inputs] = atLeast(shape, 2);
  return { kind: shape.length === 4 ? "convolution" : "linear", name, shape, inputs, outputs, hasBias };
}

function unknownModule(
  path: string,
  name: string,
  parts: ReadonlyMap<string, readonly number[]>,
): NetworkError {
  const found = [...parts].map(([part, shape]) => `${printable(arrayName(name, part))} ${shapeText(shape)}`);
  const expected = "arrays of Linear, Conv2d and BatchNorm layers";
  return new NetworkError("ERR_NETWORK_KEYS", { path, expected, found: listed(found) });
}

export function arrayName(module: string, part: string): string {
  return module === "" ? part : `${module}.${part}`;
}

/**
 * The order of the file, if its shapes chain; otherwise the only order in which they do. In a file without an order, layers of
 * equal shapes need numbers in their names.
 */
function inOrder(path: string, layers: readonly Layer[], isOrdered: boolean): readonly Layer[] {
  const byShape = orderByShape(layers);
  const isKnown = isOrdered || byShape !== "several" || areNumbered(layers);
  if (chains(layers) && isKnown) return layers;
  if (typeof byShape === "object") return byShape;
  const expected = "layers whose shapes chain in one order";
  const found = listed(layers.map(({ name, shape }) => `${printable(name)} ${shapeText(shape)}`));
  throw new NetworkError("ERR_NETWORK_ORDER", { path, expected, found });
}

/** Whether the names of layers with equal inputs and outputs differ only in their numbers. */
function areNumbered(layers: readonly Layer[]): boolean {
  const bySizes = new Map<string, Layer[]>();
  for (const layer of layers) {
    const sizes = `${layer.inputs} → ${layer.outputs}`;
    bySizes.set(sizes, [...(bySizes.get(sizes) ?? []), layer]);
  }
  return [...bySizes.values()].every((equal) => byNumbers(equal) !== undefined);
}

/**
 * The layer that a normalization belongs to: the one beside it with its number (`conv2` and `bn2`), otherwise the one before it
 * in the file, if both belong to one module.
 */
function ownerOf(norm: Normalization, after: Layer | undefined, layers: readonly Layer[]): Layer | undefined {
  const number = numberOf(norm.name);
  const fits = ({ outputs }: Layer) => outputs === norm.features;
  const numbered = layers.filter(
    (layer) =>
      number !== undefined && fits(layer) && numberOf(layer.name) === number && isSibling(layer, norm),
  );
  if (numbered.length === 1) return numbered[0];
  return after !== undefined &&
    fits(after) &&
    isSibling(after, norm) &&
    (numbered.length === 0 || numbered.includes(after))
    ? after
    : undefined;
}

/** The number behind letters: 2 of `features.conv2`. The numbers of nn.Sequential have no letters. */
function numberOf(name: string): number | undefined {
  const digits = /[a-z_](\d+)$/i.exec(leafOf(name))?.[1];
  return digits === undefined ? undefined : Number(digits);
}

export function leafOf(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

function parentOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf(".")));
}

function isSibling(a: { readonly name: string }, b: { readonly name: string }): boolean {
  return parentOf(a.name) === parentOf(b.name);
}

/** Modules between two of one nn.Sequential, whose modules are numbered; undefined for others. */
function gapBetween(before: string, behind: string): number | undefined {
  const [from, to] = [leafOf(before), leafOf(behind)];
  const isNumbered = /^\d+$/.test(from) && /^\d+$/.test(to) && parentOf(before) === parentOf(behind);
  return isNumbered && Number(to) > Number(from) ? Number(to) - Number(from) - 1 : undefined;
}

/** Modules without arrays from a layer to the next one, its normalization left out. */
function plainModulesBehind(
  { name }: Layer,
  normalization: Normalization | undefined,
  next: Layer | undefined,
  paths: readonly string[] | undefined,
): number | undefined {
  const own = normalization !== undefined && isSibling({ name }, normalization) ? 1 : 0;
  const gap = next === undefined ? undefined : gapBetween(name, next.name);
  // nn.Flatten stands before the first fully connected layer.
  if (gap !== undefined) return Math.max(0, gap - own - (next?.kind === "linear" ? 1 : 0));
  if (!/^\d+$/.test(leafOf(name)) || paths === undefined) return undefined;
  const behind = paths.filter((other) => gapBetween(name, other) !== undefined);
  return behind.length - own;
}

function described({ name, features }: Normalization): string {
  return `${printable(name)} of ${features}`;
}
