/** Builds a chain of layers from a state dict with convolutions or batch normalizations, and names what it assumes. */
import type { Assumption } from "#src/base/assumptions.js";
import { imageSizes } from "#src/base/contracts/dataset.js";
import type { Activation, Activations } from "#src/base/contracts/network.js";
import { printable } from "#src/base/text.js";
import { type NamedArrays, transpose } from "#src/files/formats/arrays.js";
import { checkCount } from "./assemble.js";
import { activationAt } from "./chain.js";
import { ChainBuilder } from "./chain-builder.js";
import type { DecodedChain } from "./chain-facts.js";
import { type ConvolutionPlan, conventionalPlan, planText } from "./conventional.js";
import { arrayName, type Block, leafOf, readBlocks } from "./modules.js";
import { batchNormalization } from "./normalization.js";
import { floatShapes } from "./validate.js";
import { convWeights } from "./weight-order.js";

/** PyTorch's default. A state dict does not state it. */
const EPSILON = 1e-5;
const DEFAULT: Activation = "relu";

export interface StateDict {
  readonly arrays: NamedArrays;
  /** Whether the arrays stand in the order in which the modules were registered. */
  readonly isOrdered: boolean;
  /** Names of all modules, those without arrays included, if the file has them. */
  readonly paths?: readonly string[] | undefined;
}

/**
 * Returns the chain with what it assumes: of convolutions the architecture (`conventionalPlan`), the activation behind each
 * layer except the last, and where a batch normalization stands.
 *
 * @param source name of the file, for the assumptions
 * @param activation what an option states
 * @throws NetworkError ERR_NETWORK_ARCHITECTURE, ERR_NETWORK_KEYS, ERR_NETWORK_ORDER, ERR_NETWORK_CHAIN,
 *   ERR_NETWORK_LAYER, ERR_NETWORK_NOT_FINITE, ERR_NETWORK_OUTPUTS
 */
export function chainOfModules(
  path: string,
  source: string,
  { arrays, isOrdered, paths }: StateDict,
  activation: Activations | undefined,
): DecodedChain {
  const blocks = readBlocks(path, floatShapes(arrays), isOrdered, paths);
  const convolutions = blocks.filter(({ kind }) => kind === "convolution");
  const { picture, plan, fitting } = conventionalPlan(path, blocks);
  checkCount(activation, blocks.length - 1);
  const hint = activationHint(paths) ?? DEFAULT;
  const pools = poolHint(convolutions, paths);
  const builder = new ChainBuilder(path, picture, "channels-first");
  const data = (name: string) => arrays.get(name)?.data ?? new Float64Array();
  for (const [n, block] of blocks.entries()) {
    const { name, outputs, normalization } = block;
    const biases = block.hasBias ? data(arrayName(name, "bias")) : undefined;
    const weights = data(arrayName(name, "weight"));
    const following = plan[n];
    if (following === undefined) {
      builder.flatten(name);
      const turned = new Float64Array(weights.length);
      transpose(weights, block.inputs, turned);
      builder.dense(name, { weights: turned, outputs, biases });
    } else {
      const [, , rows = 1, columns = 1] = block.shape;
      const [vertical, horizontal] = following.padding;
      builder.conv2d(name, {
        weights: convWeights(weights, block.shape),
        channels: outputs,
        kernel: [rows, columns],
        padding: { top: vertical, bottom: vertical, left: horizontal, right: horizontal },
        biases,
      });
    }
    const activate = () => {
      if (n < blocks.length - 1) builder.activation(name, activationAt(activation, n) ?? hint);
    };
    const place = normalizationPlace(block, following?.isPooled ?? false);
    const pool = () => {
      if (following?.isPooled) builder.pool2d(name, pools, { kernel: [2, 2] });
    };
    if (place !== "before the activation") activate();
    if (place === "after the pool") pool();
    if (normalization !== undefined) {
      const { scale, shift } = batchNormalization({
        gamma: normalization.gamma === undefined ? undefined : data(normalization.gamma),
        beta: normalization.beta === undefined ? undefined : data(normalization.beta),
        mean: data(normalization.mean),
        variance: data(normalization.variance),
        epsilon: EPSILON,
      });
      builder.normalize(normalization.name, scale, shift);
    }
    if (place === "before the activation") activate();
    if (place !== "after the pool") pool();
  }
  const architecture =
    picture === undefined
      ? undefined
      : `${imageSizes(picture).join(" × ")} pictures, stride 1, ${architectureText(convolutions, plan, pools, fitting)}`;
  const assumptions = assumptionsOf(source, blocks, plan, architecture, activation, hint);
  return { ...builder.finish(), assumptions, stated: [] };
}

const PLACES = ["before the activation", "after the activation", "after the pool"] as const;

/** Where a batch normalization stands. If two modules stand before it, the second one is the pool. */
export function normalizationPlace({ modulesBefore = 0 }: Block, isPooled: boolean): (typeof PLACES)[number] {
  if (modulesBefore === 0) return "before the activation";
  return isPooled && modulesBefore > 1 ? "after the pool" : "after the activation";
}

function assumptionsOf(
  source: string,
  blocks: readonly Block[],
  plan: readonly ConvolutionPlan[],
  architecture: string | undefined,
  activation: Activations | undefined,
  hint: Activation,
): Assumption[] {
  const normalized = blocks.filter(({ normalization }) => normalization !== undefined);
  // Directly behind its layer its place is certain. A module between them may be an activation, a pool or a Dropout.
  const unclear = blocks.flatMap((block, n) =>
    block.normalization === undefined || block.modulesBefore === 0
      ? []
      : [{ name: printable(block.name), place: normalizationPlace(block, plan[n]?.isPooled ?? false) }],
  );
  const parts = [
    ...(architecture === undefined ? [] : [architecture]),
    ...PLACES.flatMap((place) => {
      const names = unclear.flatMap((one) => (one.place === place ? [one.name] : []));
      return names.length === 0 ? [] : [`batch normalization behind ${names.join(", ")}, ${place}`];
    }),
    ...(normalized.length > 0 ? [`ε ${EPSILON} of batch normalizations`] : []),
  ];
  return [
    ...(parts.length === 0
      ? []
      : [{ subject: "architecture", what: parts.join(", "), source, option: "--architecture" } as const]),
    ...(activation !== undefined || blocks.length < 2
      ? []
      : [{ subject: "activation", what: `${hint} between layers`, source, option: "--activation" } as const]),
  ];
}

/** Activations by the names that modules are given. */
const HINTS: ReadonlyMap<string, Activation> = new Map<string, Activation>([
  ["relu", "relu"],
  ["relu6", "relu6"],
  ["tanh", "tanh"],
  ["sigmoid", "sigmoid"],
  ["elu", "elu"],
  ["selu", "selu"],
  ["gelu", "gelu"],
  ["silu", "silu"],
  ["swish", "silu"],
  ["leakyrelu", "leaky-relu"],
  ["lrelu", "leaky-relu"],
  ["softplus", "softplus"],
]);

/**
 * Returns the activation that modules are named after: `relu1`, `net.tanh`. Undefined if none is named, or more than one.
 */
export function activationHint(paths: readonly string[] | undefined): Activation | undefined {
  const [found, ...others] = activationsNamed(paths);
  return others.length === 0 ? found : undefined;
}

/** Activations that modules are named after. A sigmoid beside another one is the last operation. */
export function activationsNamed(paths: readonly string[] | undefined): readonly Activation[] {
  const found = new Set<Activation>();
  for (const path of paths ?? []) {
    const leaf = leafOf(path).toLowerCase();
    const known = HINTS.get(leaf) ?? HINTS.get(leaf.replace(/_?\d*$/, "").replaceAll("_", ""));
    if (known !== undefined) found.add(known);
  }
  if (found.size > 1) found.delete("sigmoid");
  return [...found];
}

/** A module without arrays that is named after a normalization. It may normalize each image by its own statistics. */
export function bareNormalization(
  paths: readonly string[] | undefined,
  arrays: NamedArrays,
): string | undefined {
  const names = [...arrays.keys(), ...(paths ?? [])];
  return paths?.find(
    (path) => NORMALIZATION.test(leafOf(path)) && !names.some((name) => name.startsWith(`${path}.`)),
  );
}

const NORMALIZATION = /norm|^(bn|ln|gn|inorm)_?\d*$/i;

export function architectureText(
  convolutions: readonly Block[],
  plan: readonly ConvolutionPlan[],
  pools: "average" | "max",
  fitting: number,
): string {
  const text = planText(convolutions, plan, pools);
  return fitting > 1 ? `${text} (the simplest of ${fitting} that fit)` : text;
}

/**
 * Returns the kind of pool after which modules are named: average for `avgpool`, `avg_pool1`, `pool_avg`. In an nn.Sequential
 * pools have numbers; an `avgpool` beside it is one of another kind.
 */
export function poolHint(
  convolutions: readonly Block[],
  paths: readonly string[] | undefined,
): "average" | "max" {
  if (convolutions.some(({ name }) => /(^|\.)\d+$/.test(name))) return "max";
  const leaves = (paths ?? []).map((path) => path.slice(path.lastIndexOf(".") + 1));
  const isAverage = leaves.some((leaf) => AVERAGE_POOL.test(leaf));
  return isAverage && !leaves.some((leaf) => MAX_POOL.test(leaf)) ? "average" : "max";
}

const AVERAGE_POOL = /(avg|average|mean)_?pool|pool(ing)?_?(avg|average|mean)|^(ap|avg)\d*$|^subsampl/i;
const MAX_POOL = /max_?pool|pool(ing)?_?max|^(mp|max)\d*$/i;
