/** Arithmetic of a graph before its first layer, which shows the pixels that it reads: bytes, or bytes ÷ 255. */

import { atLeast } from "#src/base/errors.js";
import { type GraphView, isOneOf } from "./ending.js";
import { attributeOf, type Node } from "./model.js";
import { isOne255th } from "./operators.js";
import { DATA_TYPE } from "./proto.js";
import { combined, type Numbers } from "./tensor.js";

/** Pixels that a graph reads, as far as its arithmetic shows. */
export type PixelsTaken =
  /** 0 to 255: the graph scales them itself; `isDivided` if it only divides them by 255. */
  | { readonly kind: "bytes"; readonly isDivided?: boolean }
  /** 0 to 1, for the reason `because`. */
  | { readonly kind: "fractions"; readonly because: string }
  /** The graph begins with a layer, which shows nothing. */
  | { readonly kind: "untold" }
  /** The graph begins with an operator that allows several readings; `beginning` names it. */
  | { readonly kind: "unclear"; readonly beginning: string };

/** Operators that read the shape of the pixels and not their values. */
const SIZES: ReadonlySet<string> = new Set(["Shape", "Size"]);
/** Operators that move pixels, repeat them, or choose among them: the range of the values stays. */
const MOVES: ReadonlySet<string> = new Set([
  ...["Flatten", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Identity", "Dropout", "Cast"],
  ...["Slice", "Split", "Gather", "Concat", "Expand", "Tile", "Pad", "Resize", "Upsample"],
  ...["DepthToSpace", "SpaceToDepth", "MaxPool", "AveragePool", "DequantizeLinear", "DynamicQuantizeLinear"],
]);
/** Operators whose inputs are all data. For the others, only the first input is. */
const JOINS: ReadonlySet<string> = new Set(["Concat"]);
/** Layers with weights, including onnxruntime's fused ones: they read any pixels. */
const LAYERS: ReadonlySet<string> = new Set([
  ...["Conv", "ConvTranspose", "Gemm", "MatMul", "Einsum", "LSTM", "GRU", "RNN"],
  ...["ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul", "QGemm"],
  ...["FusedConv", "FusedGemm", "FusedMatMul", "NhwcFusedConv"],
]);

/** Largest factor that is only for bytes: with 1/16, bytes reach 16, but pixels of 0 to 1 only 0.06. */
const BYTE_SLOPE = 1 / 16;
/** Smallest factor that is only for pixels of 0 to 1. A factor between BYTE_SLOPE and this shows nothing. */
const FRACTION_SLOPE = 0.5;
/** Largest mean of pixels of 0 to 1, with room for rounding. */
const LARGEST_FRACTION = 1.001;
/** Variance of values in 0..1: at most ¼ (Popoviciu). */
const LARGEST_FRACTION_VARIANCE = 0.25;
/** A variance that neither standardized pixels nor those of 0 to 1 have. */
const BYTE_VARIANCE = 4;
/** End of a range, quantized or clipped, that no standardized pixel reaches. */
const BYTE_RANGE = 16;
const MAX_BYTE = 255;
const DEFAULT_EPSILON = 1e-5;
/** TensorProto.DataType. */
const FLOATS: readonly number[] = [
  DATA_TYPE.float32,
  DATA_TYPE.float64,
  DATA_TYPE.float16,
  DATA_TYPE.bfloat16,
];
const BOOL = 9;
const DIGITS = 4;

/** y = slope · x + offset, element by element. */
interface Affine {
  readonly slope: Numbers;
  readonly offset: Numbers;
}
const UNCHANGED: Affine = { slope: Float64Array.of(1), offset: Float64Array.of(0) };

/**
 * Follows a graph's input through operators that only move pixels, to the arithmetic or the layer after these. Arithmetic
 * is combined: (x ÷ 255 − 0.1307) ÷ 0.3081 reads bytes, (x − 0.1307) ÷ 0.3081 reads fractions.
 */
export function pixelsTakenBy(view: GraphView): PixelsTaken {
  const [input] = view.inputs;
  const found = new Map<string, PixelsTaken>();
  for (const { node, name } of dataReaders(view, input ?? "")) {
    const taken = takenBy(view, node, name);
    found.set(JSON.stringify(taken), taken);
  }
  const [taken, ...others] = found.values();
  if (taken === undefined) return { kind: "unclear", beginning: "nothing" };
  return others.length === 0 ? taken : { kind: "unclear", beginning: "branches that differ" };
}

interface Reader {
  readonly node: Node;
  /** Index of the node's input that has the pixels. */
  readonly name: string;
}

/** Returns the nodes that read a tensor's values, after nodes that only move them. */
function dataReaders(view: GraphView, start: string): Reader[] {
  const readers: Reader[] = [];
  const seen = new Set([start]);
  for (const name of seen) {
    for (const node of view.readersOf(name)) {
      if (isOneOf(node, SIZES)) continue;
      if (!movesData(view, node, name)) readers.push({ node, name });
      else for (const output of node.outputs) seen.add(output);
    }
  }
  return readers;
}

function movesData(view: GraphView, node: Node, name: string): boolean {
  const top = topOf(view, node);
  if (top !== undefined) return top <= BYTE_RANGE;
  if (node.operator === "Cast" && !FLOATS.includes(castTo(node))) return false;
  return isOneOf(node, MOVES) && (node.inputs[0] === name || JOINS.has(node.operator));
}

/** TensorProto.DataType of a Cast's output. */
function castTo(node: Node): number {
  return attributeOf(node, "to")?.integer ?? 0;
}

/** Largest number that a QuantizeLinear or a Clip passes; undefined if it is unknown or unbounded. */
function topOf(view: GraphView, node: Node): number | undefined {
  const [, second, third] = node.inputs.map((input) => view.constant(input)?.[0]);
  if (node.operator === "Clip") return third ?? attributeOf(node, "max")?.float;
  if (node.operator !== "QuantizeLinear" || second === undefined) return undefined;
  return (MAX_BYTE - (third ?? 0)) * second;
}

function takenBy(view: GraphView, first: Node, input: string): PixelsTaken {
  let [node, name]: [Node | undefined, string] = [first, input];
  let affine = UNCHANGED;
  let last = first;
  const seen = new Set<Node>();
  while (node !== undefined && !seen.has(node)) {
    seen.add(node);
    const next = applied(view, node, name, affine);
    last = node;
    if (next === undefined) break;
    affine = next;
    const readers = dataReaders(view, node.outputs[0] ?? "");
    [node, name] = readers.length === 1 ? [readers[0]!.node, readers[0]!.name] : [undefined, ""];
  }
  if (affine.slope.every((a) => a === 1) && affine.offset.every((b) => b === 0))
    return startOf(view, last, name);
  return judged(affine, first);
}

/** Returns what a node of arithmetic with constants makes of slope · x + offset; undefined for other nodes. */
function applied(view: GraphView, node: Node, name: string, { slope, offset }: Affine): Affine | undefined {
  const { operator, inputs } = node;
  if (!isOneOf(node, ARITHMETIC) || inputs.length !== 2 || inputs[0] === inputs[1]) return undefined;
  const isFirst = inputs[0] === name;
  const constant = view.constant(inputs[isFirst ? 1 : 0]!);
  if (constant === undefined || constant.length === 0) return undefined;
  const both = (change: (x: number, c: number) => number): Affine | undefined =>
    paired(combined(slope, constant, change), combined(offset, constant, change));
  switch (operator) {
    case "Mul":
      return both((x, c) => x * c);
    case "Div":
      return isFirst ? both((x, c) => x / c) : undefined;
    case "Add":
      return paired(
        slope,
        combined(offset, constant, (b, c) => b + c),
      );
    default:
      return isFirst
        ? paired(
            slope,
            combined(offset, constant, (b, c) => b - c),
          )
        : paired(
            slope.map((a) => -a),
            combined(offset, constant, (b, c) => c - b),
          );
  }
}
const ARITHMETIC: ReadonlySet<string> = new Set(["Add", "Sub", "Mul", "Div"]);

function paired(slope: Numbers | undefined, offset: Numbers | undefined): Affine | undefined {
  return slope && offset && { slope, offset };
}

/** Returns the pixels that a graph reads if it makes slope · x + offset of them. */
function judged({ slope, offset }: Affine, first: Node): PixelsTaken {
  const centres = combined(slope, offset, (a, b) => (a === 0 ? 0 : -b / a));
  const unclear = { kind: "unclear", beginning: first.operator } as const;
  if (centres === undefined || ![...slope, ...offset].every(Number.isFinite)) return unclear;
  const [least, most] = extremes(slope.filter((a) => a !== 0).map(Math.abs));
  const [lowest, highest] = extremes(centres);
  if (most <= BYTE_SLOPE || highest > LARGEST_FRACTION) {
    const isDivided = slope.every(isOne255th) && offset.every((b) => b === 0);
    return { kind: "bytes", ...(isDivided && { isDivided }) };
  }
  if (least <= FRACTION_SLOPE || lowest < -LARGEST_FRACTION) return unclear;
  const steps = [
    ...(centres.every((centre) => centre === 0) ? [] : [`subtracts ${numberText(centres)}`]),
    ...(slope.every((a) => a === 1) ? [] : [`divides by ${numberText(slope.map((a) => 1 / a))}`]),
  ];
  return { kind: "fractions", because: `the graph itself ${steps.join(" and ")}` };
}

/** Returns what the first operator that is not arithmetic with constants shows. */
function startOf(view: GraphView, node: Node, name: string): PixelsTaken {
  if (LAYERS.has(node.operator)) return { kind: "untold" };
  // Integers would make pixels of 0 to 1 black and white.
  if (node.operator === "Cast" && castTo(node) !== BOOL) return { kind: "bytes" };
  if ((topOf(view, node) ?? 0) > BYTE_RANGE) return { kind: "bytes" };
  const unclear = { kind: "unclear", beginning: node.operator } as const;
  if (node.operator !== "BatchNormalization" || node.inputs[0] !== name) return unclear;
  const [means, variances] = [view.constant(node.inputs[3] ?? ""), view.constant(node.inputs[4] ?? "")];
  if (means === undefined || variances === undefined) return unclear;
  const [lowest, highest] = extremes(means);
  const [, largest] = extremes(variances);
  if (highest > LARGEST_FRACTION || largest > BYTE_VARIANCE) return { kind: "bytes" };
  if (lowest < 0 || largest > LARGEST_FRACTION_VARIANCE) return unclear;
  const epsilon = attributeOf(node, "epsilon")?.float ?? DEFAULT_EPSILON;
  const deviations = variances.map((variance) => Math.sqrt(variance + epsilon));
  const because = `the graph's own normalization has the mean ${numberText(means)} and the deviation ${numberText(deviations)}`;
  return { kind: "fractions", because };
}

function extremes(numbers: Numbers): [least: number, most: number] {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const number of numbers) {
    least = Math.min(least, number);
    most = Math.max(most, number);
  }
  return [least, most];
}

function numberText(numbers: Numbers): string {
  const [least, most] = atLeast(
    extremes(numbers).map((number) => `${Number(number.toPrecision(DIGITS))}`),
    2,
  );
  return least === most ? least : `${least} to ${most}`;
}
