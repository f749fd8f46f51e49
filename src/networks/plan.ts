/** Names and shapes of arrays → which of them are which layer's, in order, before any number is looked at. */
import { NetworkError } from "#src/base/errors.js";
import { listed } from "#src/base/printable.js";
import { checkVector, type LayerPlan, type Shapes } from "./layer-plan.js";
import { isStateDict, planStateDict } from "./state-dict.js";

/** Predictions are u16: classes 0 to 65,534, and one value to spare. */
const MAX_OUTPUTS = 65_535;

/**
 * Layers in order, from arrays W1, b1 … Wn, bn, or from those of a PyTorch state dict. Shapes chain, and every array
 * has its place.
 *
 * @throws NetworkError ERR_NETWORK_KEYS, ERR_NETWORK_RANK, ERR_NETWORK_ORDER, ERR_NETWORK_CHAIN, ERR_NETWORK_OUTPUTS.
 */
export function planLayers(path: string, shapes: Shapes): LayerPlan[] {
  const plan = isStateDict(shapes.keys()) ? planStateDict(path, shapes) : planNumbered(path, shapes);
  const outputs = plan.at(-1)?.outputs ?? 0;
  if (outputs > MAX_OUTPUTS) {
    throw new NetworkError("ERR_NETWORK_OUTPUTS", { path, found: outputs, limit: MAX_OUTPUTS });
  }
  return plan;
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

/** As many layers are expected as there are matrices named W and a number. */
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
