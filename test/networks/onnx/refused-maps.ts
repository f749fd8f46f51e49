/** ONNX nodes of maps that are none of a chain of layers, and what is said of each. */
import type { ErrorCode } from "#src/base/errors.js";
import { int64s, intAttribute, intsAttribute, tensor } from "../../helpers/onnx.js";
import { chain, conv, kernel, type Link, pads, perm, scalar, text, weights } from "./links.js";

const maps = (...links: Link[]): Buffer => chain([1, 7, 8], links);

export const REFUSED_MAPS: readonly (readonly [
  title: string,
  bytes: Buffer,
  code: ErrorCode,
  found: RegExp,
])[] = [
  [
    "a convolution of units",
    chain([6], [conv(2, 1, 3)]),
    "ERR_ONNX_NODE",
    /maps \(N, channels, rows, columns\).*found \(N, 6\)/,
  ],
  [
    "a convolution of maps whose channels are last",
    chain([7, 8, 1], [conv(2, 7, 3)]),
    "ERR_ONNX_NODE",
    /maps/,
  ],
  [
    "a convolution of one dimension",
    maps(["Conv", [weights("w", 2, 1, 3)]]),
    "ERR_ONNX_NODE",
    /found \(2, 1, 3\)/,
  ],
  ["weights of other channels", maps(conv(2, 3, 3)), "ERR_ONNX_NODE", /1 input channels in 1 groups/],
  [
    "groups that do not divide",
    maps(conv(3, 1, 3, intAttribute("group", 2))),
    "ERR_ONNX_NODE",
    /in 2 groups/,
  ],
  ["no groups", maps(conv(3, 1, 3, intAttribute("group", 0))), "ERR_ONNX_NODE", /in 0 groups/],
  [
    "another kernel_shape",
    maps(conv(2, 1, 3, kernel(5, 5))),
    "ERR_ONNX_NODE",
    /kernel_shape \(3, 3\), found \(5, 5\)/,
  ],
  ["negative pads", maps(conv(2, 1, 3, pads(-1, 0, 0, 0))), "ERR_ONNX_NODE", /pads .* found \(-1/],
  ["an unknown auto_pad", maps(conv(2, 1, 3, text("auto_pad", "SAME"))), "ERR_ONNX_NODE", /found SAME/],
  [
    "a stride of 0",
    maps(conv(2, 1, 3, intsAttribute("strides", [0, 1]))),
    "ERR_ONNX_NODE",
    /strides \(rows, columns\)/,
  ],
  ["a kernel beyond the map", maps(conv(2, 1, 9)), "ERR_ONNX_NODE", /windows that fit/],
  [
    "a dilated pool",
    maps(["MaxPool", [], [kernel(2, 2), intsAttribute("dilations", [2, 2])]]),
    "ERR_ONNX_NODE",
    /dilations \(1, 1\)/,
  ],
  ["a pool without a kernel", maps(["MaxPool"]), "ERR_ONNX_NODE", /kernel_shape/],
  [
    "rows and columns that change places",
    maps(["Transpose", [], [perm(0, 1, 3, 2)]], conv(2, 1, 3)),
    "ERR_ONNX_NODE",
    /maps/,
  ],
  [
    "images that change places",
    maps(["Transpose", [], [perm(1, 0, 2, 3)]]),
    "ERR_ONNX_NODE",
    /begins with 0/,
  ],
  [
    "a padding of ones",
    maps(["Pad", [int64s("p", [0, 0, 1, 1, 0, 0, 1, 1]), scalar(1)]], conv(2, 1, 3)),
    "ERR_ONNX_NODE",
    /of 1;/,
  ],
  [
    "a mirrored padding",
    maps(["Pad", [int64s("p", [0, 0, 1, 1, 0, 0, 1, 1])], [text("mode", "reflect")]], conv(2, 1, 3)),
    "ERR_ONNX_NODE",
    /found reflect/,
  ],
  [
    "padded channels",
    maps(["Pad", [int64s("p", [0, 1, 0, 0, 0, 1, 0, 0])]], conv(2, 3, 3)),
    "ERR_ONNX_NODE",
    /padding of zeros around rows/,
  ],
  [
    "a mean over rows alone",
    maps(["ReduceMean", [], [intsAttribute("axes", [2])]]),
    "ERR_ONNX_NODE",
    /all rows and columns/,
  ],
  [
    "numbers per pixel",
    maps(conv(2, 1, 3), ["Mul", [weights("m", 2, 5, 6)]]),
    "ERR_ONNX_NODE",
    /one per channel/,
  ],
  [
    "normalization in training",
    maps([
      "BatchNormalization",
      ["s", "b", "m", "v"].map((name) => tensor(name, [1], [1])),
      [intAttribute("training_mode", 1)],
    ]),
    "ERR_ONNX_NODE",
    /training_mode = 0, found 1/,
  ],
  [
    "normalization of other channels",
    maps(["BatchNormalization", ["s", "b", "m", "v"].map((name) => weights(name, 3))]),
    "ERR_ONNX_NODE",
    /numbers of the channels/,
  ],
  ["a constant ÷ x", maps(["Div", [scalar(1)], [], true]), "ERR_ONNX_NODE", /a constant ÷ x/],
  [
    "a clip without a lower bound",
    maps(conv(2, 1, 3), ["Clip", [scalar(-3.5e38), scalar(1)]]),
    "ERR_ONNX_NODE",
    /two bounds/,
  ],
];
