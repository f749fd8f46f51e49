/** Finds which pixels an ONNX graph expects, 0 to 255 or 0 to 1, from the arithmetic before its first layer. */

import { atLeast } from "#src/base/errors.js";
import { combined, isFloat, type Numbers } from "./constant.js";
import { type GraphView, isOneOf } from "./ending.js";
import { attributeOf, type Node } from "./model.js";

/** The range of pixels that a graph expects. */
export type ExpectedPixels =
  /** 0 to 255: the graph scales them itself. `isDivided` is true if it only divides them by 255. */
  | { readonly kind: "bytes"; readonly isDivided?: boolean }
  /** 0 to 1. `because` is the evidence, for messages. */
  | { readonly kind: "fractions"; readonly because: string }
  /** The graph begins with a layer. A layer can read either range, so there is no evidence. */
  | { readonly kind: "unknown" }
  /** The graph begins with an operator that does not decide the range. `beginning` names the operator. */
  | { readonly kind: "unclear"; readonly beginning: string };

/** Operators that read the shape of the pixels but not their values. */
const SHAPE_READERS: ReadonlySet<string> = new Set(["Shape", "Size"]);
/** Operators whose outputs stay in the range of their inputs: they move, repeat, select or average pixels. */
const RANGE_KEEPERS: ReadonlySet<string> = new Set([
  ...["Flatten", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Identity", "Dropout", "Cast"],
  ...["Slice", "Split", "Gather", "Concat", "Expand", "Tile", "Pad", "Resize", "Upsample"],
  ...["DepthToSpace", "SpaceToDepth", "MaxPool", "AveragePool", "DequantizeLinear", "DynamicQuantizeLinear"],
]);
/** Range keepers whose inputs are all pixels. For the others, only the first input is. */
const JOINERS: ReadonlySet<string> = new Set(["Concat"]);
const ARITHMETIC: ReadonlySet<string> = new Set(["Add", "Sub", "Mul", "Div"]);
/** Layers with weights, including onnxruntime's fused ones: they read any pixels. */
const LAYERS: ReadonlySet<string> = new Set([
  ...["Conv", "ConvTranspose", "Gemm", "MatMul", "Einsum", "LSTM", "GRU", "RNN"],
  ...["ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul", "QGemm"],
  ...["FusedConv", "FusedGemm", "FusedMatMul", "NhwcFusedConv"],
]);

/** A factor up to this one means bytes: 1/16 brings bytes to 16, but pixels of 0 to 1 only to 0.06. */
const MAX_BYTE_SLOPE = 1 / 16;
/** A factor above this one means pixels of 0 to 1. A factor between the two limits decides nothing. */
const MIN_FRACTION_SLOPE = 0.5;
/** Largest mean of pixels of 0 to 1, with room for rounding. */
const LARGEST_FRACTION = 1.001;
/** Variance of values in 0..1: at most ¼ (Popoviciu). */
const LARGEST_FRACTION_VARIANCE = 0.25;
/** A variance above this one means bytes: standardized pixels and pixels of 0 to 1 vary less. */
const BYTE_VARIANCE = 4;
/** An upper bound, quantized or clipped, above this one means bytes: standardized pixels stay below it. */
const MAX_STANDARDIZED = 16;
const MAX_BYTE = 255;
const DEFAULT_EPSILON = 1e-5;
/** TensorProto.DataType.BOOL. */
const BOOL = 9;
/** Significant digits of numbers in messages. */
const DIGITS = 4;

/** y = slope · x + offset, element by element. */
interface Affine {
  readonly slope: Numbers;
  readonly offset: Numbers;
}
const UNCHANGED: Affine = { slope: Float64Array.of(1), offset: Float64Array.of(0) };

/**
 * Returns the pixels that a graph expects. Operators that keep the range are skipped. The arithmetic after them is combined
 * to one slope and offset: (x ÷ 255 − 0.1307) ÷ 0.3081 expects bytes, (x − 0.1307) ÷ 0.3081 expects fractions. If the input
 * has several readers, they must agree.
 */
export function expectedPixels(view: GraphView): ExpectedPixels {
  const [input] = view.inputs;
  const answers = new Map<string, ExpectedPixels>();
  for (const reader of valueReaders(view, input ?? "")) {
    const answer = expectedBy(view, reader);
    answers.set(JSON.stringify(answer), answer);
  }
  const [answer, ...others] = answers.values();
  if (answer === undefined) return { kind: "unclear", beginning: "nothing" };
  return others.length === 0 ? answer : { kind: "unclear", beginning: "branches that differ" };
}

interface Reader {
  readonly node: Node;
  /** Name of the tensor that the node reads the pixels from. */
  readonly tensor: string;
}

/** Returns the nodes that read a tensor's values, behind all nodes that keep their range. */
function valueReaders(view: GraphView, start: string): Reader[] {
  const readers: Reader[] = [];
  // The loop also visits the tensors that it adds.
  const tensors = new Set([start]);
  for (const tensor of tensors) {
    for (const node of view.readersOf(tensor)) {
      if (isOneOf(node, SHAPE_READERS)) continue;
      if (!keepsRange(view, node, tensor)) readers.push({ node, tensor });
      else for (const output of node.outputs) tensors.add(output);
    }
  }
  return readers;
}

/** True if a node keeps the range of a tensor's values, or bounds it like standardized pixels, which decides nothing. */
function keepsRange(view: GraphView, node: Node, tensor: string): boolean {
  const bound = upperBound(view, node);
  if (bound !== undefined) return bound <= MAX_STANDARDIZED;
  if (node.operator === "Cast" && !isFloat(castTo(node))) return false;
  return isOneOf(node, RANGE_KEEPERS) && (node.inputs[0] === tensor || JOINERS.has(node.operator));
}

/** TensorProto.DataType of a Cast's output. */
function castTo(node: Node): number {
  return attributeOf(node, "to")?.integer ?? 0;
}

/** Largest number that a QuantizeLinear or a Clip passes; undefined if it is unknown or unbounded. */
function upperBound(view: GraphView, node: Node): number | undefined {
  const constants = node.inputs.map((input) => view.constant(input)?.[0]);
  if (node.operator === "Clip") {
    const [, , max] = constants;
    return max ?? attributeOf(node, "max")?.float;
  }
  const [, scale, zeroPoint = 0] = constants;
  if (node.operator !== "QuantizeLinear" || scale === undefined) return undefined;
  return (MAX_BYTE - zeroPoint) * scale;
}

/** Returns the pixels that one reader of the input expects, from it and the nodes that follow it one by one. */
function expectedBy(view: GraphView, start: Reader): ExpectedPixels {
  let reader: Reader | undefined = start;
  let last = start;
  let affine = UNCHANGED;
  const seen = new Set<Node>();
  while (reader !== undefined && !seen.has(reader.node)) {
    seen.add(reader.node);
    last = reader;
    const next = afterNode(view, reader, affine);
    if (next === undefined) break;
    affine = next;
    const readers = valueReaders(view, reader.node.outputs[0] ?? "");
    reader = readers.length === 1 ? readers[0] : undefined;
  }
  const isUnchanged = affine.slope.every((a) => a === 1) && affine.offset.every((b) => b === 0);
  return isUnchanged ? expectedByOperator(view, last) : expectedByArithmetic(affine, start.node);
}

/** Returns slope · x + offset after a node of arithmetic with a constant; undefined for other nodes. */
function afterNode(view: GraphView, { node, tensor }: Reader, { slope, offset }: Affine): Affine | undefined {
  const { operator, inputs } = node;
  if (!isOneOf(node, ARITHMETIC) || inputs.length !== 2 || inputs[0] === inputs[1]) return undefined;
  const isFirst = inputs[0] === tensor;
  const constant = view.constant(inputs[isFirst ? 1 : 0]!);
  if (constant === undefined || constant.length === 0) return undefined;
  const both = (change: (x: number, c: number) => number): Affine | undefined =>
    affineOf(combined(slope, constant, change), combined(offset, constant, change));
  switch (operator) {
    case "Mul":
      return both((x, c) => x * c);
    case "Div":
      return isFirst ? both((x, c) => x / c) : undefined;
    case "Add":
      return affineOf(
        slope,
        combined(offset, constant, (b, c) => b + c),
      );
    default:
      return isFirst
        ? affineOf(
            slope,
            combined(offset, constant, (b, c) => b - c),
          )
        : affineOf(
            slope.map((a) => -a),
            combined(offset, constant, (b, c) => c - b),
          );
  }
}

function affineOf(slope: Numbers | undefined, offset: Numbers | undefined): Affine | undefined {
  return slope && offset && { slope, offset };
}

/** Returns the pixels that a graph expects whose arithmetic, from node `first` on, is slope · x + offset. */
function expectedByArithmetic({ slope, offset }: Affine, first: Node): ExpectedPixels {
  // The pixel that the arithmetic maps to 0: the subtracted mean.
  const centres = combined(slope, offset, (a, b) => (a === 0 ? 0 : -b / a));
  const unclear = { kind: "unclear", beginning: first.operator } as const;
  if (centres === undefined || ![...slope, ...offset].every(Number.isFinite)) return unclear;
  const [least, most] = extremes(slope.filter((a) => a !== 0).map(Math.abs));
  const [lowest, highest] = extremes(centres);
  if (most <= MAX_BYTE_SLOPE || highest > LARGEST_FRACTION) {
    const isDivided = slope.every(isOne255th) && offset.every((b) => b === 0);
    return { kind: "bytes", ...(isDivided && { isDivided }) };
  }
  if (least <= MIN_FRACTION_SLOPE || lowest < -LARGEST_FRACTION) return unclear;
  const steps = [
    ...(centres.every((centre) => centre === 0) ? [] : [`subtracts ${numberText(centres)}`]),
    ...(slope.every((a) => a === 1) ? [] : [`divides by ${numberText(slope.map((a) => 1 / a))}`]),
  ];
  return { kind: "fractions", because: `the graph itself ${steps.join(" and ")}` };
}

/** Returns the pixels that the first operator expects that is no arithmetic with constants. */
function expectedByOperator(view: GraphView, { node, tensor }: Reader): ExpectedPixels {
  if (LAYERS.has(node.operator)) return { kind: "unknown" };
  // A cast to integers would make pixels of 0 to 1 black and white. Casts to floats were followed as range keepers.
  if (node.operator === "Cast" && castTo(node) !== BOOL) return { kind: "bytes" };
  if ((upperBound(view, node) ?? 0) > MAX_STANDARDIZED) return { kind: "bytes" };
  const unclear = { kind: "unclear", beginning: node.operator } as const;
  if (node.operator !== "BatchNormalization" || node.inputs[0] !== tensor) return unclear;
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

/** True for 1 ÷ 255 in float64 or float32. The nearest float16 is not close enough for ÷ 255. */
export function isOne255th(factor: number): boolean {
  return factor === 1 / 255 || factor === Math.fround(1 / 255);
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
