/** Chains with maps, as exporters other than PyTorch write them. */
import {
  FLOAT,
  floatAttribute,
  int64s,
  intAttribute,
  intsAttribute,
  tensor,
  UINT8,
  value,
} from "../../helpers/onnx.js";
import { CLASSES, chain, conv, ends, kernel, pads, perm, scalar, strides, text, weights } from "./links.js";

export const MAP_MODELS: Readonly<Record<string, Buffer>> = {
  "auto_pad SAME_UPPER, stride 2": chain(
    [1, 7, 8],
    [conv(2, 1, 3, text("auto_pad", "SAME_UPPER"), strides(2, 2)), ...ends(32)],
  ),
  "auto_pad SAME_UPPER, an even kernel": chain(
    [1, 7, 8],
    [conv(2, 1, 4, text("auto_pad", "SAME_UPPER")), ...ends(112)],
  ),
  "auto_pad SAME_LOWER, an even kernel": chain(
    [1, 7, 8],
    [conv(2, 1, 4, text("auto_pad", "SAME_LOWER")), ...ends(112)],
  ),
  "auto_pad VALID": chain([1, 7, 8], [conv(2, 1, 3, text("auto_pad", "VALID")), ...ends(60)]),
  "pads of each side": chain([1, 7, 8], [conv(2, 1, 3, pads(0, 1, 2, 0)), ...ends(98)]),
  "a max pool of stride 1": chain([1, 7, 8], [conv(2, 1, 3), ["MaxPool", [], [kernel(2, 3)]], ...ends(32)]),
  "a max pool, SAME_LOWER": chain(
    [1, 7, 8],
    [["MaxPool", [], [kernel(2, 2), strides(2, 2), text("auto_pad", "SAME_LOWER")]], ...ends(16)],
  ),
  "an average that counts its padding": chain(
    [1, 7, 8],
    [
      [
        "AveragePool",
        [],
        [kernel(3, 3), strides(2, 2), pads(1, 1, 1, 1), intAttribute("count_include_pad", 1)],
      ],
      ...ends(16),
    ],
  ),
  "an average that does not": chain(
    [1, 7, 8],
    [["AveragePool", [], [kernel(3, 3), strides(2, 2), pads(1, 0, 1, 0)]], ...ends(12)],
  ),
  "an average, SAME_UPPER": chain(
    [1, 7, 8],
    [["AveragePool", [], [kernel(3, 3), strides(2, 2), text("auto_pad", "SAME_UPPER")]], ...ends(16)],
  ),
  "an average, ceil": chain(
    [1, 7, 8],
    [["AveragePool", [], [kernel(2, 2), strides(2, 2), intAttribute("ceil_mode", 1)]], ...ends(16)],
  ),
  "the largest of all": chain([1, 7, 8], [conv(4, 1, 3), ["GlobalMaxPool"], ...ends(4)]),
  "zeros as an attribute": chain(
    [1, 7, 8],
    [["Pad", [], [pads(0, 0, 1, 0, 0, 0, 0, 2)]], conv(2, 1, 3), ...ends(96)],
    { opsets: [["", 9]] },
  ),
  "zeros of named axes": chain(
    [1, 7, 8],
    [["Pad", [int64s("p", [1, 2]), scalar(0), int64s("a", [-2])]], conv(2, 1, 3), ...ends(96)],
    { opsets: [["", 18]] },
  ),
  "zeros before an average that has its own": chain(
    [1, 7, 8],
    [
      ["Pad", [int64s("p", [0, 0, 1, 1, 0, 0, 1, 1])]],
      ["AveragePool", [], [kernel(2, 2), pads(1, 1, 0, 0)]],
      ...ends(90),
    ],
  ),
  "channels last, and back to flatten": chain(
    [7, 8, 1],
    [
      ["Transpose", [], [perm(0, 3, 1, 2)]],
      conv(3, 1, 3),
      ["Transpose", [], [perm(0, 2, 3, 1)]],
      ["Add", [weights("b", 3)]],
      ["Relu"],
      ["Transpose", [], [perm(0, 3, 1, 2)]],
      ["MaxPool", [], [kernel(2, 2), strides(2, 2)]],
      ["Transpose", [], [perm(0, 2, 3, 1)]],
      ["Reshape", [int64s("s", [-1, 18])]],
      ["MatMul", [weights("w", 18, CLASSES)]],
      ["Add", [weights("b", CLASSES)], [], true],
      ["Softmax"],
    ],
  ),
  "a mean over rows and columns, channels last": chain(
    [7, 8, 1],
    [
      ["Reshape", [int64s("s", [-1, 1, 7, 8])]],
      conv(4, 1, 3),
      ["Transpose", [], [perm(0, 2, 3, 1)]],
      ["ReduceMean", [], [intsAttribute("axes", [1, 2]), intAttribute("keepdims", 0)]],
      ["MatMul", [weights("w", 4, CLASSES)]],
    ],
  ),
  "normalization by products and sums": chain(
    [1, 7, 8],
    [
      conv(4, 1, 3),
      ["Mul", [weights("s", 1, 4, 1, 1)]],
      ["Sub", [weights("s", 4, 1, 1)]],
      ["Relu"],
      ["Div", [scalar(3)]],
      ["Sub", [scalar(1)], [], true],
      ...ends(120),
    ],
  ),
  "batch normalization": chain(
    [1, 7, 8],
    [
      conv(4, 1, 3),
      [
        "BatchNormalization",
        [weights("g", 4), weights("b", 4), weights("m", 4), tensor("v", [4], [1, 2, 0.5, 0.1])],
        [floatAttribute("epsilon", 0.01)],
      ],
      ...ends(120),
    ],
  ),
  "pixels less their mean": chain(
    [1, 7, 8],
    [["Sub", [scalar(0.13)]], ["Div", [scalar(0.3)]], conv(2, 1, 3, pads(1, 1, 1, 1)), ...ends(112)],
  ),
  "pixels from −1 to 1": chain(
    [1, 7, 8],
    [["Mul", [scalar(2)]], ["Sub", [scalar(1)]], conv(2, 1, 3, pads(1, 1, 1, 1)), ...ends(112)],
  ),
  "bytes that the graph divides by 127.5": chain(
    [1, 7, 8],
    [["Div", [scalar(127.5)]], ["Sub", [scalar(1)]], conv(2, 1, 3, pads(1, 1, 1, 1)), ...ends(112)],
  ),
  "bytes that the graph divides by 255": chain(
    [1, 7, 8],
    [["Mul", [scalar(1 / 255)], [], true], conv(2, 1, 3), ...ends(60)],
  ),
  "an input of bytes": chain(
    [1, 7, 8],
    [["Cast", [], [intAttribute("to", FLOAT)]], ["Div", [scalar(255)]], conv(2, 1, 3), ...ends(60)],
    {
      inputs: [value("x", ["N", 1, 7, 8], UINT8)],
    },
  ),
  "a convolution of units": chain(
    [6],
    [
      ["Unsqueeze", [int64s("a", [2, 3])]],
      ["Conv", [weights("w", 5, 6, 1, 1)]],
      ["Squeeze", [int64s("a", [-1, -2])]],
      ["Gemm", [weights("v", 5, CLASSES)]],
    ],
  ),
  "a fixed batch": chain(
    [1, 7, 8],
    [conv(2, 1, 3), ["Reshape", [int64s("s", [2, -1])]], ["Gemm", [weights("w", 60, CLASSES)]]],
    {
      inputs: [value("x", [2, 1, 7, 8])],
      outputs: [value("y", [2, CLASSES])],
    },
  ),
};
