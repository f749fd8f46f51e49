/** Reads a whole nn.Sequential: its modules state every number, and their order is the order of computation. */

import type { Assumption } from "#src/base/assumptions.js";
import { imageSizes } from "#src/base/contracts/dataset.js";
import type { Activation, MapShape, OutputKind, Padding, Pair } from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import { type NamedArrays, transpose } from "#src/files/formats/arrays.js";
import { kindOf } from "#src/files/formats/pickle/values.js";
import { readTensors, type TorchFile } from "#src/files/formats/torch/container.js";
import { TorchModule, type TorchTensor } from "#src/files/formats/torch/values.js";
import { convWeights } from "#src/networks/weight-order.js";
import { ChainBuilder } from "../chain-builder.js";
import type { BuiltChain, DecodedChain } from "../chain-facts.js";
import { batchNormalization } from "../normalization.js";
import { ModuleAttributes } from "./attributes.js";

const MAX_DEPTH = 20;
const MAX_MODULES = 1_000;
/** Sides of the pictures that are tried: MNIST's, then those of other sets of small pictures. */
const SIDES = [28, 32, 8, 16, 20, 24, 48, 64, 96, 128, 224] as const;
/** CIFAR's go first. */
const COLOURED_SIDES = [...new Set([32, ...SIDES])];

/** Modules in order, and their arrays as `module.array`. */
export interface Sequential {
  readonly modules: readonly ModuleAttributes[];
  readonly arrays: NamedArrays;
}

/** @throws NetworkError ERR_NETWORK_LAYER, and all that `readTensors` throws */
export async function readSequential(file: TorchFile, root: TorchModule): Promise<Sequential> {
  const modules: ModuleAttributes[] = [];
  const tensors = new Map<string, TorchTensor>();
  const visit = (name: string, module: TorchModule, depth: number): void => {
    const attributes = new ModuleAttributes(file.path, name, module);
    if (depth > MAX_DEPTH || modules.length > MAX_MODULES) {
      throw attributes.fault(`at most ${MAX_MODULES} modules, ${MAX_DEPTH} deep`, "more");
    }
    if (module.type !== "Sequential") {
      modules.push(attributes);
      for (const [part, tensor] of attributes.tensors) {
        if (part !== "num_batches_tracked") tensors.set(`${name}.${part}`, tensor);
      }
      return;
    }
    for (const [part, inner] of attributes.modules) {
      const path = name === "" ? part : `${name}.${part}`;
      if (!(inner instanceof TorchModule))
        throw attributes.fault(`${printable(path)} to be a module`, kindOf(inner));
      visit(path, inner, depth + 1);
    }
  };
  if (root.type !== "Sequential") {
    const expected = "a PyTorch state dict, or a whole nn.Sequential";
    throw new NetworkError("ERR_NETWORK_FORMAT", {
      path: file.path,
      expected,
      found: `a whole nn.${root.type}`,
    });
  }
  visit("", root, 0);
  return { modules, arrays: await readTensors(file, tensors) };
}

/**
 * Returns the chain. What it assumes is the size of the pictures, which a convolution does not state: the first of `SIDES`
 * that gives the first fully connected layer its inputs.
 *
 * @throws NetworkError ERR_NETWORK_LAYER, ERR_NETWORK_CHAIN, ERR_NETWORK_NOT_FINITE, ERR_NETWORK_OUTPUTS
 */
export function chainOfSequential(path: string, source: string, sequential: Sequential): DecodedChain {
  const channels = channelsRead(sequential);
  if (channels === undefined) return whole(built(path, sequential, undefined), []);
  let first: unknown;
  for (const side of channels === 1 ? SIDES : COLOURED_SIDES) {
    try {
      const picture = { rows: side, columns: side, channels };
      const chain = built(path, sequential, picture);
      const what = `${imageSizes(picture).join(" × ")} pictures`;
      return whole(chain, [{ subject: "architecture", what, source, option: null }]);
    } catch (error) {
      first ??= error;
      // A fully connected layer that reads another number of inputs is the one sign of pictures of another size.
      if (!(first instanceof NetworkError && first.code === "ERR_NETWORK_CHAIN")) throw first;
    }
  }
  throw first;
}

function whole(chain: BuiltChain, assumptions: readonly Assumption[]): DecodedChain {
  const activations = chain.layers.map(({ activation: name }) => name);
  return { ...chain, assumptions, stated: [...new Set(activations)].filter((name) => name !== "identity") };
}

/** Channels of the pictures, if a module reads maps before a fully connected layer decides. */
function channelsRead({ modules, arrays }: Sequential): number | undefined {
  const first = modules.find(({ type }) => type === "Linear" || /2d$/.test(type));
  if (first === undefined || first.type === "Linear" || first.type === "Dropout2d") return undefined;
  const shape = arrays.get(`${first.name}.weight`)?.shape;
  return first.type === "Conv2d" ? (shape?.[1] ?? 1) * first.number("groups", 1) : 1;
}

function built(path: string, { modules, arrays }: Sequential, picture: MapShape | undefined): BuiltChain {
  const builder = new ChainBuilder(path, picture, "channels-first");
  // An operation that turns logits into probabilities is left out only if it is the last one.
  const last = modules.findLastIndex(({ type }) => !PLAIN.has(type));
  for (const [index, module] of modules.entries()) {
    const end = index === last ? ENDS[module.type] : undefined;
    if (end !== undefined) {
      if (module.type !== "Sigmoid") module.oneOf("dim", [null, 1, -1]);
      builder.end(module.name, end);
      continue;
    }
    const add = MODULES[module.type];
    if (add === undefined) throw module.fault("a module that a chain can have here", `nn.${module.type}`);
    const part = (name: string) => arrays.get(`${module.name}.${name}`);
    add(builder, module, part);
  }
  return builder.finish();
}

/** Modules without an effect in evaluation. */
const PLAIN: ReadonlySet<string> = new Set(["Dropout", "Dropout2d", "AlphaDropout", "Identity"]);
const ENDS: Readonly<Record<string, OutputKind>> = {
  Softmax: "softmax",
  LogSoftmax: "log-softmax",
  Sigmoid: "sigmoid",
};

type Part = (name: string) => { readonly shape: readonly number[]; readonly data: Float64Array } | undefined;
type Add = (builder: ChainBuilder, module: ModuleAttributes, part: Part) => void;

const plain: Add = () => {};
/** An activation, with its numbers by the names of attributes. */
const activation =
  (
    name: Activation,
    numbers: (module: ModuleAttributes, part: Part) => ArrayLike<number> | undefined = () => undefined,
  ): Add =>
  (builder, module, part) =>
    builder.activation(module.name, name, numbers(module, part));

/** What each module does. */
const MODULES: Readonly<Record<string, Add>> = {
  Linear: addLinear,
  Conv2d: addConvolution,
  BatchNorm1d: addNormalization,
  BatchNorm2d: addNormalization,
  MaxPool2d(builder, module) {
    module.oneOf("return_indices", [false]);
    const dilation = module.pair("dilation", 1);
    if (`${dilation}` !== "1,1") throw module.fault("a dilation of 1", `${dilation.join(" × ")}`);
    builder.pool2d(module.name, "max", windowOf(module));
  },
  AvgPool2d(builder, module) {
    module.oneOf("divisor_override", [null]);
    const countsPadding = module.oneOf("count_include_pad", [true, false]);
    builder.pool2d(module.name, "average", { ...windowOf(module), countsPadding });
  },
  AdaptiveAvgPool2d: (builder, module) => addAdaptive(builder, module, "average"),
  AdaptiveMaxPool2d: (builder, module) => addAdaptive(builder, module, "max"),
  ZeroPad2d: (builder, module) => builder.pad(module.name, module.sides("padding")),
  Flatten(builder, module) {
    module.oneOf("start_dim", [1]);
    module.oneOf("end_dim", [-1, 3]);
    builder.flatten(module.name);
  },
  Dropout: plain,
  Dropout2d: plain,
  AlphaDropout: plain,
  Identity: plain,
  ReLU: activation("relu"),
  // ReLU6 is an nn.Hardtanh from 0 to 6.
  ReLU6: activation("relu6"),
  LeakyReLU: activation("leaky-relu", (module) => [module.number("negative_slope")]),
  PReLU: activation("prelu", (module, part) => {
    const weight = part("weight");
    if (weight === undefined) throw module.fault("slopes", "none");
    return weight.data;
  }),
  ELU: activation("elu", (module) => [module.number("alpha")]),
  SELU: activation("selu"),
  GELU: (builder, module) =>
    builder.activation(
      module.name,
      module.oneOf("approximate", ["none", "tanh"]) === "tanh" ? "gelu-tanh" : "gelu",
    ),
  SiLU: activation("silu"),
  Softsign: activation("softsign"),
  Softplus(builder, module) {
    // Above its threshold of 20 PyTorch returns x, which differs by less than 10⁻⁸.
    const [beta, threshold] = [module.number("beta", 1), module.number("threshold", 20)];
    if (beta !== 1 || threshold < 20)
      throw module.fault("beta 1 and a threshold of 20 or more", `${beta}, ${threshold}`);
    builder.activation(module.name, "softplus");
  },
  Hardsigmoid: activation("hard-sigmoid", () => [1 / 6, 1 / 2]),
  Hardtanh: activation("hard-tanh", (module) => [module.number("min_val"), module.number("max_val")]),
  Tanh: activation("tanh"),
  Sigmoid: activation("sigmoid"),
};

function addLinear(builder: ChainBuilder, module: ModuleAttributes, part: Part): void {
  if (typeof builder.shape === "object") throw module.fault("nn.Flatten between maps and nn.Linear", "none");
  const weight = part("weight");
  const [outputs = 0, inputs = 0, ...more] = weight?.shape ?? [];
  if (weight === undefined || outputs < 1 || inputs < 1 || more.length > 0) {
    throw module.fault("weights (outputs, inputs)", "none");
  }
  const weights = new Float64Array(weight.data.length);
  transpose(weight.data, inputs, weights);
  builder.dense(module.name, { weights, outputs, biases: part("bias")?.data });
}

function addConvolution(builder: ChainBuilder, module: ModuleAttributes, part: Part): void {
  module.oneOf("padding_mode", ["zeros"]);
  module.oneOf("transposed", [false]);
  const weight = part("weight");
  const [channels = 0, , rows = 0, columns = 0, ...more] = weight?.shape ?? [];
  if (weight?.shape.length !== 4 || more.length > 0) throw module.fault("weights of four dimensions", "none");
  const kernel: Pair = [rows, columns];
  const dilation = module.pair("dilation", 1);
  const stride = module.pair("stride", 1);
  builder.conv2d(module.name, {
    ...{ channels, kernel, stride, dilation, groups: module.number("groups", 1) },
    weights: convWeights(weight.data, weight.shape),
    biases: part("bias")?.data,
    padding: convolutionPadding(module, kernel, dilation),
  });
}

/** Numbers, or the words `valid` and `same`: PyTorch's `same` needs stride 1, and puts an odd row or column at the end. */
function convolutionPadding(module: ModuleAttributes, kernel: Pair, dilation: Pair): Padding {
  const word = module.text("padding");
  if (word === undefined) return evenPadding(module.pair("padding", 0));
  if (word === "valid") return evenPadding([0, 0]);
  if (word !== "same") throw module.fault('padding "same" or "valid"', printable(word));
  const [rows, columns] = [dilation[0] * (kernel[0] - 1), dilation[1] * (kernel[1] - 1)];
  const [top, left] = [Math.floor(rows / 2), Math.floor(columns / 2)];
  return { top, left, bottom: rows - top, right: columns - left };
}

function evenPadding([rows, columns]: Pair): Padding {
  return { top: rows, bottom: rows, left: columns, right: columns };
}

function windowOf(module: ModuleAttributes) {
  return {
    kernel: module.pair("kernel_size"),
    stride: module.pair("stride"),
    padding: evenPadding(module.pair("padding", 0)),
    ceil: module.oneOf("ceil_mode", [false, true]),
  };
}

/** Windows of equal size, if the size of the output divides the size of the map. */
function addAdaptive(builder: ChainBuilder, module: ModuleAttributes, kind: "average" | "max"): void {
  const [rows, columns] = module.pair("output_size");
  const { shape } = builder;
  if (typeof shape !== "object") throw module.fault("a map before it", "units");
  if (rows === 1 && columns === 1) {
    builder.globalPool(module.name, kind);
    return;
  }
  if (rows < 1 || columns < 1 || shape.rows % rows !== 0 || shape.columns % columns !== 0) {
    throw module.fault(`a size that divides ${shape.rows} × ${shape.columns}`, `${rows} × ${columns}`);
  }
  builder.pool2d(module.name, kind, { kernel: [shape.rows / rows, shape.columns / columns] });
}

function addNormalization(builder: ChainBuilder, module: ModuleAttributes, part: Part): void {
  const [mean, variance] = [part("running_mean"), part("running_var")];
  if (mean === undefined || variance === undefined) throw module.fault("running statistics", "none");
  const { shape } = builder;
  const features = typeof shape === "object" ? shape.channels : shape;
  const [gamma, beta] = [part("weight"), part("bias")];
  const isFitting = [mean, variance, gamma, beta].every(
    (array) => array === undefined || `${array.shape}` === `${features ?? mean.shape[0]}`,
  );
  if (!isFitting) throw module.fault(`${features} features`, `${mean.shape[0]}`);
  const { scale, shift } = batchNormalization({
    ...{ gamma: gamma?.data, beta: beta?.data, mean: mean.data, variance: variance.data },
    epsilon: module.number("eps"),
  });
  builder.normalize(module.name, scale, shift);
}
