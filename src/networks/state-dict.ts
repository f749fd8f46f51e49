/** Plans layers from the names and shapes of arrays: W1, b1 …, or a PyTorch state dict (`fc1.weight`, `fc1.bias` …). */

import { shapeText } from "#src/base/errors/define.js";
import { atLeast, NetworkError } from "#src/base/errors.js";
import { listed } from "#src/base/text.js";
import { chains, checkVector, type LayerPlan, orderByShape, type Shapes } from "./chain.js";
import { byNumbers, type Layout, layoutByShapes } from "./layout.js";

/** Most layers. Ordering takes time proportional to the square. */
const MAX_LAYERS = 1_000;

/** Name of a layer without its last part: `model.fc1.` for `model.fc1.weight`, or empty. */
const WEIGHT = /^(|.*\.)weight$/s;
const BIAS = /^(|.*\.)bias$/s;

interface Linear extends LayerPlan {
  readonly prefix: string;
}

/** True if any name is one of PyTorch's for weights. */
export function isStateDict(names: Iterable<string>): boolean {
  return [...names].some((name) => WEIGHT.test(name));
}

/** Batch normalizations count their batches, averaged models their updates; evaluation does not need it. */
export function isCounter(name: string): boolean {
  return /(^|\.)num_batches_tracked$|^n_averaged$/.test(name);
}

/** True for a state dict that needs more than the names of fully connected layers. */
export function hasModules(arrays: ReadonlyMap<string, { readonly shape: readonly number[] }>): boolean {
  return [...arrays].some(
    ([name, { shape }]) =>
      /(^|\.)running_(mean|var)$/.test(name) || (/(^|\.)weight$/.test(name) && shape.length === 4),
  );
}

/**
 * Plans layers from a state dict. torch.nn.Linear keeps weights as (outputs × inputs), and may have no bias. A state dict does
 * not state the order of its layers. The order is the one in which their shapes chain. If several orders chain, the numbers
 * in the names decide.
 *
 * @throws NetworkError ERR_NETWORK_KEYS, ERR_NETWORK_RANK, ERR_NETWORK_CHAIN, ERR_NETWORK_ORDER.
 */
export function planStateDict(path: string, shapes: Shapes): LayerPlan[] {
  checkNames(path, shapes);
  const linears = readLinears(path, shapes);
  const found = listed(linears.map(({ weights }) => `${weights} ${shapeText(shapes.get(weights) ?? [])}`));
  if (linears.length > MAX_LAYERS) {
    const expected = `at most ${MAX_LAYERS} layers`;
    throw new NetworkError("ERR_NETWORK_ORDER", { path, expected, found: `${linears.length}` });
  }
  const byShape = orderByShape(linears);
  if (byShape === "none") {
    throw new NetworkError("ERR_NETWORK_ORDER", { path, expected: "layers whose shapes chain", found });
  }
  const ordered = byShape === "several" ? orderByNumbers(linears) : byShape;
  if (ordered !== undefined) return ordered;
  const expected = "layers that chain in one order, or in that of the numbers in their names";
  throw new NetworkError("ERR_NETWORK_ORDER", { path, expected, found });
}

function checkNames(path: string, shapes: Shapes): void {
  const unexpected = [...shapes.keys()].filter((name) => {
    const bias = BIAS.exec(name);
    return bias === null ? !WEIGHT.test(name) : !shapes.has(`${bias[1]}weight`);
  });
  if (unexpected.length > 0) {
    throw new NetworkError("ERR_NETWORK_KEYS", {
      path,
      expected: "a weight of each layer, and its bias",
      found: `unexpected ${listed(unexpected)}`,
    });
  }
}

function readLinears(path: string, shapes: Shapes): Linear[] {
  const weights = [...shapes].filter(([name]) => WEIGHT.test(name));
  const others = weights.filter(([, shape]) => shape.length !== 2 || shape.includes(0));
  if (others.length > 0) {
    const found = listed(others.map(([name, shape]) => `${name} ${shapeText(shape)}`));
    throw new NetworkError("ERR_NETWORK_RANK", { path, found });
  }
  return weights.map(([name, shape]): Linear => {
    const [outputs, inputs] = atLeast(shape, 2);
    const prefix = name.slice(0, -"weight".length);
    const biases = `${prefix}bias`;
    const biasShape = shapes.get(biases);
    if (biasShape !== undefined) checkVector(path, biases, biasShape, outputs);
    const hasBiases = biasShape !== undefined;
    return {
      prefix,
      inputs,
      outputs,
      weights: name,
      transposed: true,
      biases: hasBiases ? biases : undefined,
    };
  });
}

/** Orders names that differ only in their numbers, ascending, if that order chains. */
function orderByNumbers(linears: readonly Linear[]): Linear[] | undefined {
  const ordered = byNumbers(linears.map((linear) => ({ name: linear.prefix, linear })));
  const layers = ordered?.map(({ linear }) => linear);
  return layers !== undefined && chains(layers) ? layers : undefined;
}

/** Most classes. Predictions are u16: classes 0 to 65,534, and one spare value. */
const MAX_OUTPUTS = 65_535;

/** Layers in order, and what their shapes leave open. */
export interface Plan extends Layout {
  /** Whether the arrays are the book's: W1 (inputs × outputs), b1 … */
  readonly isBook: boolean;
}

/**
 * Returns layers in order: from arrays W1, b1 … Wn, bn, from those of a PyTorch state dict, or from arrays of other names whose
 * shapes chain.
 *
 * @throws NetworkError ERR_NETWORK_KEYS, ERR_NETWORK_RANK, ERR_NETWORK_ORDER, ERR_NETWORK_CHAIN, ERR_NETWORK_OUTPUTS.
 */
export function planNetwork(path: string, shapes: Shapes): Plan {
  const { layers, isOpen } = layoutOf(path, shapes);
  const outputs = layers.at(-1)?.outputs ?? 0;
  if (outputs > MAX_OUTPUTS) {
    throw new NetworkError("ERR_NETWORK_OUTPUTS", { path, found: outputs, limit: MAX_OUTPUTS });
  }
  const isBook = layers.every(
    ({ weights, biases, transposed }, index) =>
      weights === `W${index + 1}` && biases === `b${index + 1}` && !transposed,
  );
  return { layers, isOpen, isBook };
}

/** The layers of `planNetwork`. */
export function planLayers(path: string, shapes: Shapes): LayerPlan[] {
  return planNetwork(path, shapes).layers;
}

/** Codes of a state dict whose names are those of Linear layers, but whose weights may be (inputs × outputs). */
const OF_SHAPES: ReadonlySet<string> = new Set(["ERR_NETWORK_ORDER", "ERR_NETWORK_CHAIN"]);

function layoutOf(path: string, shapes: Shapes): Layout {
  const isTorch = isStateDict(shapes.keys());
  try {
    const layers = isTorch ? planStateDict(path, shapes) : planNumbered(path, shapes);
    return { layers, isOpen: layers.every(({ inputs, outputs }) => inputs === outputs) };
  } catch (error) {
    const isHopeless = isTorch && error instanceof NetworkError && !OF_SHAPES.has(error.code);
    const layout = isHopeless ? undefined : layoutByShapes(shapes, isTorch);
    if (layout === undefined) throw error;
    return layout;
  }
}

function planNumbered(path: string, shapes: Shapes): LayerPlan[] {
  const layers = countLayers(path, shapes);
  let chained: number | undefined;
  return Array.from({ length: layers }, (_, index): LayerPlan => {
    const [weights, biases] = [`W${index + 1}`, `b${index + 1}`];
    const [inputs, outputs] = matrixShape(path, weights, shapes.get(weights) ?? [], chained);
    checkVector(path, biases, shapes.get(biases) ?? [], outputs);
    chained = outputs;
    return { inputs, outputs, weights, transposed: false, biases };
  });
}

/** Expected number of layers: that of the matrices named W and a number. */
function countLayers(path: string, shapes: Shapes): number {
  const layers = Math.max(1, [...shapes.keys()].filter((name) => /^W\d+$/.test(name)).length);
  const expected = Array.from({ length: layers }, (_, index) => [`W${index + 1}`, `b${index + 1}`]).flat();
  const missing = expected.filter((name) => !shapes.has(name));
  const known = new Set(expected);
  const unexpected = [...shapes.keys()].filter((name) => !known.has(name));
  if (missing.length === 0 && unexpected.length === 0) return layers;
  throw new NetworkError("ERR_NETWORK_KEYS", {
    path,
    expected: layers === 1 ? "arrays W1, b1" : `arrays W1, b1 to W${layers}, b${layers}`,
    found: [
      ...(missing.length > 0 ? [`no ${listed(missing)}`] : []),
      ...(unexpected.length > 0 ? [`unexpected ${listed(unexpected)}`] : []),
    ].join("; "),
  });
}

function matrixShape(
  path: string,
  layer: string,
  shape: readonly number[],
  expectedInputs: number | undefined,
): readonly [inputs: number, outputs: number] {
  const [inputs = 0, outputs = 0, ...more] = shape;
  if (inputs === 0 || outputs === 0 || more.length > 0 || inputs !== (expectedInputs ?? inputs)) {
    const expected = `(${expectedInputs ?? "inputs"}, outputs)`;
    throw new NetworkError("ERR_NETWORK_CHAIN", { path, layer, expected, found: shape });
  }
  return [inputs, outputs];
}
