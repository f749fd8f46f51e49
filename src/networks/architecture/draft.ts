/** Drafts an architecture from names and shapes of arrays: conventional values, and marks where no value is conventional. */
import type { Activations } from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import type { NamedArrays } from "#src/files/formats/arrays.js";
import { DEFAULT_ACTIVATION } from "#src/networks/assemble.js";
import type { Shapes } from "#src/networks/chain.js";
import { activationAt } from "#src/networks/chain.js";
import { type ConvolutionPlan, conventionalPlan, pictureOf } from "#src/networks/conventional.js";
import { activationHint, normalizationPlace, poolHint } from "#src/networks/module-chain.js";
import { arrayName, type Block, readBlocks } from "#src/networks/modules.js";
import { hasModules, isCounter, planNetwork } from "#src/networks/state-dict.js";
import { floatShapes } from "#src/networks/validate.js";
import { UNKNOWN } from "./schema.js";

/** Arrays of a file in a form that shows their roles. */
export interface DraftSource {
  readonly arrays: NamedArrays;
  readonly isOrdered: boolean;
  readonly paths?: readonly string[] | undefined;
  /** Names of the file by PyTorch's names, for a file of Keras. */
  readonly names?: ReadonlyMap<string, string> | undefined;
  readonly shapes?: Shapes | undefined;
  /** ε of batch normalizations, if it is not PyTorch's. */
  readonly epsilon?: number | undefined;
  readonly activation?: Activations | undefined;
}

/** An architecture that may have marks in place of values. */
export type Draft = Readonly<Record<string, unknown>> & { readonly layers: readonly object[] };

const KERAS_ORDERS = { flattening: "channels-last", convWeights: "hwio", denseWeights: "inputs-outputs" };

/** Drafts the architecture of a state dict, of dense layers, or of arrays of any names. */
export function draftOf(path: string, source: DraftSource): Draft {
  const { arrays, names } = source;
  const shapes = source.shapes ?? floatShapes(arrays);
  const modules = new Map([...shapes].map(([name, shape]) => [name, { shape }]));
  const isKnown = (error: unknown) => error instanceof NetworkError;
  if (names !== undefined || hasModules(modules)) {
    try {
      const blocks = readBlocks(path, shapes, source.isOrdered, source.paths);
      let plan: readonly ConvolutionPlan[] | undefined;
      try {
        plan = conventionalPlan(path, blocks).plan;
      } catch (error) {
        if (!isKnown(error)) throw error;
      }
      return draftOfBlocks(blocks, plan, source);
    } catch (error) {
      if (!isKnown(error)) throw error;
    }
  } else {
    try {
      return draftOfDense(path, source);
    } catch (error) {
      if (!isKnown(error)) throw error;
    }
  }
  return draftOfShapes(arrays);
}

/** @param plan what the arrays do not state; undefined if nothing is conventional */
export function draftOfBlocks(
  blocks: readonly Block[],
  plan: readonly ConvolutionPlan[] | undefined,
  source: DraftSource,
): Draft {
  const { activation, paths, epsilon, names } = source;
  const hint = activationHint(paths) ?? "relu";
  const pools = poolHint(
    blocks.filter(({ kind }) => kind === "convolution"),
    paths,
  );
  const named = (name: string) => names?.get(name) ?? name;
  const layers: object[] = [];
  const convolutions = blocks.filter(({ kind }) => kind === "convolution").length;
  for (const [n, block] of blocks.entries()) {
    const { name, kind, normalization, hasBias } = block;
    const isConvolution = kind === "convolution";
    const following = plan?.[n];
    const weights = named(arrayName(name, "weight"));
    const bias = hasBias ? { bias: named(arrayName(name, "bias")) } : {};
    if (n === convolutions && convolutions > 0) layers.push({ type: "flatten" });
    layers.push(
      isConvolution
        ? { type: "conv2d", weights, ...bias, ...paddingOf(following) }
        : { type: "dense", weights, ...bias },
    );
    const pool = isConvolution ? poolOf(plan, following, pools) : [];
    // Layers of Keras have their activation before a batch normalization, or an Activation behind it.
    const isOpen = names !== undefined && normalization !== undefined;
    const type = isOpen ? UNKNOWN : (activationAt(activation, n) ?? hint);
    const hidden = n < blocks.length - 1 ? [{ type }] : [];
    const place = normalizationPlace(block, following?.isPooled ?? false);
    const norm =
      normalization === undefined
        ? []
        : [
            {
              type: "batch-normalization",
              ...(normalization.gamma === undefined ? {} : { weights: named(normalization.gamma) }),
              ...(normalization.beta === undefined ? {} : { bias: named(normalization.beta) }),
              ...{ mean: named(normalization.mean), variance: named(normalization.variance) },
              ...(epsilon === undefined ? {} : { epsilon }),
            },
          ];
    if (place === "before the activation") layers.push(...norm, ...hidden, ...pool);
    else if (place === "after the activation") layers.push(...hidden, ...norm, ...pool);
    else layers.push(...hidden, ...pool, ...norm);
  }
  const [first] = blocks;
  const input = first?.kind === "convolution" ? { input: inputOf(first, plan) } : {};
  return { ...input, ...(names === undefined ? {} : KERAS_ORDERS), layers };
}

function paddingOf(following: ConvolutionPlan | undefined): object {
  if (following === undefined) return { padding: UNKNOWN };
  const [rows, columns] = following.padding;
  if (rows === 0 && columns === 0) return {};
  return { padding: rows === columns ? rows : [rows, columns] };
}

function poolOf(
  plan: readonly ConvolutionPlan[] | undefined,
  following: ConvolutionPlan | undefined,
  pools: "average" | "max",
): object[] {
  if (plan === undefined) return [{ type: UNKNOWN }];
  return following?.isPooled === true ? [{ type: `${pools}-pool`, size: 2 }] : [];
}

function inputOf({ inputs }: Block, plan: readonly ConvolutionPlan[] | undefined): unknown {
  const { rows, columns } = pictureOf(inputs);
  return plan === undefined ? [UNKNOWN, UNKNOWN, inputs] : [rows, columns, inputs];
}

function draftOfDense(path: string, { arrays, paths, activation }: DraftSource): Draft {
  const { layers: plan, isBook } = planNetwork(path, floatShapes(arrays));
  const hint = activationHint(paths) ?? (isBook ? DEFAULT_ACTIVATION : "relu");
  const transposed = plan.some((layer) => layer.transposed);
  const used = new Set(plan.flatMap(({ weights, biases }) => [weights, biases]));
  const ignored = [...arrays].flatMap(([name, { isWhole }]) =>
    used.has(name) || isWhole === true ? [] : [name],
  );
  return {
    ...(transposed ? {} : { denseWeights: "inputs-outputs" }),
    layers: plan.flatMap(({ weights, biases }, n) => [
      { type: "dense", weights, ...(biases === undefined ? {} : { bias: biases }) },
      ...(n < plan.length - 1 ? [{ type: activationAt(activation, n) ?? hint }] : []),
    ]),
    ...(ignored.length === 0 ? {} : { ignored }),
  };
}

/** Layers for matrices and kernels, in the order of the file; only the names of other arrays. */
function draftOfShapes(arrays: NamedArrays): Draft {
  const layers = [...arrays].flatMap(([name, { shape, isWhole }]): object[] => {
    if (isWhole === true || isCounter(name)) return [];
    if (shape.length === 4) return [{ type: "conv2d", weights: name, padding: UNKNOWN }, { type: UNKNOWN }];
    if (shape.length === 2) return [{ type: "dense", weights: name }, { type: UNKNOWN }];
    return [{ type: UNKNOWN, weights: printable(name) }];
  });
  return { input: [UNKNOWN, UNKNOWN, UNKNOWN], convWeights: UNKNOWN, denseWeights: UNKNOWN, layers };
}
