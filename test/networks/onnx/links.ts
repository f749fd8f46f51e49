/** ONNX models that are chains, link by link, with random weights. */
import {
  fields,
  floats,
  intsAttribute,
  model,
  type TestModel,
  type TestNode,
  tensor,
  value,
} from "../../helpers/onnx.js";
import { seeded } from "../../helpers/random.js";

export const CLASSES = 3;
export const random = seeded(15);
export const some = (length: number) => Array.from({ length }, () => Math.fround(random() * 2 - 1));
export const weights = (name: string, ...shape: number[]) =>
  tensor(name, shape, some(shape.reduce((product, size) => product * size, 1)));
/** AttributeProto of type STRING. */
export const text = (name: string, word: string) => fields([1, name], [4, word], [20, 3]);
export const list = (name: string, numbers: readonly number[]) =>
  fields([1, name], [7, floats(numbers)], [20, 6]);

/** A node between the input `x` and the output `y` of a chain: operator, constants, attributes. */
export type Link = readonly [
  op: string,
  constants?: readonly Buffer[],
  attributes?: readonly Buffer[],
  isSecond?: boolean,
];

/** Links one after the other; the constants have the names k0, k1 … in their order. */
export function chain(
  shape: readonly number[],
  links: readonly Link[],
  more: Partial<TestModel> = {},
): Buffer {
  const tensors: Buffer[] = [];
  let current = "x";
  const nodes = links.map(([op, constants = [], attributes = [], isSecond = false], n): TestNode => {
    const names = constants.map((constant) => {
      const name = `k${tensors.length}`;
      // The last field of a name counts.
      tensors.push(Buffer.concat([constant, fields([8, name])]));
      return name;
    });
    const output = n === links.length - 1 ? "y" : `t${n}`;
    const inputs = isSecond ? [...names, current] : [current, ...names];
    current = output;
    return { op, inputs, output, attributes };
  });
  const facts = { inputs: [value("x", ["N", ...shape])], outputs: [value("y", ["N", CLASSES])] };
  return model({ nodes, tensors, ...facts, ...more });
}

export const conv = (outputs: number, inputs: number, side: number, ...attributes: Buffer[]): Link => [
  "Conv",
  [weights("w", outputs, inputs, side, side), weights("b", outputs)],
  attributes,
];
export const ends = (width: number): Link[] => [
  ["Flatten"],
  ["Gemm", [weights("w", width, CLASSES), weights("b", CLASSES)]],
];
export const activation = (op: string, attributes: readonly Buffer[] = [], ...constants: Buffer[]) =>
  chain(
    [6],
    [
      ["Gemm", [weights("w", 6, 5)]],
      [op, constants, attributes],
      ["Gemm", [weights("v", 5, CLASSES)]],
    ],
  );
export const pads = (...sizes: number[]) => intsAttribute("pads", sizes);
export const kernel = (...sizes: number[]) => intsAttribute("kernel_shape", sizes);
export const strides = (...sizes: number[]) => intsAttribute("strides", sizes);
export const perm = (...axes: number[]) => intsAttribute("perm", axes);
export const scalar = (number: number) => tensor("c", [], [number]);

/** y = f(x · w) · v, with f as these nodes from `h` to `a`. */
export function forked(nodes: readonly TestNode[], ...tensors: Buffer[]): Buffer {
  return model({
    nodes: [
      { op: "MatMul", inputs: ["x", "w"], output: "h" },
      ...nodes,
      { op: "MatMul", inputs: ["a", "v"], output: "y" },
    ],
    tensors: [weights("w", 6, 5), weights("v", 5, CLASSES), ...tensors],
    inputs: [value("x", ["N", 6])],
    outputs: [value("y", ["N", CLASSES])],
  });
}
export const node = (op: string, inputs: string, output: string): TestNode => ({
  op,
  inputs: inputs.split(" "),
  output,
});
export const number = (name: string, one: number) => tensor(name, [], [one]);
