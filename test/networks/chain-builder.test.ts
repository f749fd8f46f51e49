/** Chains of layers: PyTorch computes the same numbers in float64, and each exact engine the same bits. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import type { Engine } from "#src/base/contracts/engine.js";
import { ACTIVATIONS, type Activation, type Layer, type Padding } from "#src/base/contracts/network.js";
import type { ErrorCode } from "#src/base/errors.js";
import { createEngine } from "#src/engines/registry.js";
import { ChainBuilder } from "#src/networks/chain-builder.js";
import { foldPreprocessing } from "#src/networks/fold-maps.js";
import { batchNormalization } from "#src/networks/normalization.js";
import { convWeights } from "#src/networks/weight-order.js";
import { pythonWith, runPython } from "../helpers/python.js";
import { seeded } from "../helpers/random.js";
import { needs } from "../helpers/require.js";
import { temporaryFolder } from "../helpers/temporary.js";
import { coded } from "./coded.js";

const ROWS = 9;
const COLUMNS = 7;
const IMAGES = 5;

/** One step of a network, as PyTorch names it; numbers in PyTorch's order. */
type Step =
  | { op: "conv"; w: Numbers; b: Numbers; stride: Two; padding: Two; dilation: Two; groups: number }
  | { op: "linear"; w: Numbers; b: Numbers }
  | { op: "norm"; gamma: Numbers; beta: Numbers; mean: Numbers; variance: Numbers }
  | { op: "max"; kernel: Two; stride: Two; padding: Two; ceil: boolean }
  | { op: "average"; kernel: Two; stride: Two; padding: Two; ceil: boolean; counts: boolean }
  | { op: "global" | "flatten" }
  | { op: "pad"; padding: Padding }
  | { op: "activation"; name: Activation; numbers?: readonly number[] };

type Two = readonly [number, number];
interface Numbers {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

const random = seeded(31);
const numbers = (...shape: number[]): Numbers => ({
  shape,
  data: Array.from({ length: shape.reduce((product, size) => product * size, 1) }, () => random() - 0.5),
});
const positive = (n: number): Numbers => ({
  shape: [n],
  data: Array.from({ length: n }, () => 0.3 + random()),
});

const conv = (
  inputs: number,
  outputs: number,
  {
    kernel = [3, 3],
    stride = [1, 1],
    padding = [0, 0],
    dilation = [1, 1],
    groups = 1,
  }: {
    kernel?: Two;
    stride?: Two;
    padding?: Two;
    dilation?: Two;
    groups?: number;
  } = {},
): Step => ({
  op: "conv",
  w: numbers(outputs, inputs / groups, ...kernel),
  b: numbers(outputs),
  ...{ stride, padding, dilation, groups },
});
const linear = (inputs: number, outputs: number): Step => ({
  op: "linear",
  w: numbers(outputs, inputs),
  b: numbers(outputs),
});
const norm = (n: number): Step => ({
  op: "norm",
  ...{ gamma: numbers(n), beta: numbers(n), mean: numbers(n), variance: positive(n) },
});
const act = (name: Activation, numbers?: readonly number[]): Step =>
  numbers === undefined ? { op: "activation", name } : { op: "activation", name, numbers };
const pool = (op: "max" | "average", kernel: Two, rest: object = {}): Step =>
  ({ op, kernel, stride: kernel, padding: [0, 0], ceil: false, counts: true, ...rest }) as Step;
const FLATTEN: Step = { op: "flatten" };

const NETWORKS: readonly (readonly [name: string, steps: readonly Step[]])[] = [
  [
    "a convolution, a pool, two dense layers",
    [conv(1, 4), act("relu"), pool("max", [2, 2]), FLATTEN, linear(24, 6), act("tanh"), linear(6, 3)],
  ],
  [
    "strides, uneven kernels and padding",
    [
      conv(1, 3, { kernel: [2, 3], stride: [2, 1], padding: [1, 2] }),
      conv(3, 2, { kernel: [1, 4], padding: [0, 1] }),
      FLATTEN,
      linear(2 * 5 * 8, 3),
    ],
  ],
  ["dilation", [conv(1, 3, { dilation: [2, 3], padding: [1, 2] }), FLATTEN, linear(3 * 7 * 5, 3)]],
  [
    "groups, and a depthwise convolution",
    [
      conv(1, 4),
      conv(4, 6, { groups: 2, padding: [1, 1] }),
      act("relu"),
      conv(6, 12, { groups: 6, kernel: [2, 2] }),
      FLATTEN,
      linear(12 * 6 * 4, 3),
    ],
  ],
  ["normalization after a convolution", [conv(1, 4), norm(4), act("relu"), FLATTEN, linear(140, 3), norm(3)]],
  [
    "normalization before a padded convolution",
    [conv(1, 4), act("relu"), norm(4), conv(4, 2, { padding: [1, 1] }), FLATTEN, linear(70, 3)],
  ],
  [
    "normalization before a convolution with groups",
    [conv(1, 4), act("tanh"), norm(4), conv(4, 2, { groups: 2 }), FLATTEN, linear(30, 3)],
  ],
  [
    "normalization of the pixels before a padded convolution",
    [norm(1), conv(1, 3, { padding: [1, 1] }), FLATTEN, linear(189, 3)],
  ],
  [
    "normalization before a pool",
    [conv(1, 4), act("relu"), norm(4), pool("max", [2, 2]), norm(4), act("relu"), FLATTEN, linear(24, 3)],
  ],
  [
    "normalization of units after a flatten",
    [conv(1, 4), act("relu"), FLATTEN, norm(140), linear(140, 5), act("relu"), norm(5), linear(5, 3)],
  ],
  [
    "normalization twice, and at the end",
    [conv(1, 2), act("relu"), norm(2), norm(2), FLATTEN, linear(70, 3), act("relu"), norm(3)],
  ],
  [
    "activations after pools and before all layers",
    [act("sigmoid"), conv(1, 3), pool("max", [2, 2]), act("relu"), act("tanh"), FLATTEN, linear(18, 3)],
  ],
  [
    "pools with padding and overlap",
    [
      conv(1, 3),
      pool("max", [3, 3], { stride: [2, 2], padding: [1, 1] }),
      pool("average", [3, 2], { stride: [1, 1], padding: [1, 1] }),
      FLATTEN,
      linear(3 * 4 * 4, 3),
    ],
  ],
  [
    "averages without the padding",
    [
      conv(1, 3),
      pool("average", [3, 3], { stride: [2, 2], padding: [1, 1], counts: false }),
      FLATTEN,
      linear(36, 3),
    ],
  ],
  [
    "pools that round up",
    [
      conv(1, 3, { kernel: [2, 2] }),
      pool("max", [3, 3], { stride: [2, 2], ceil: true }),
      pool("average", [2, 2], { stride: [3, 3], padding: [1, 1], ceil: true }),
      FLATTEN,
      linear(12, 3),
    ],
  ],
  [
    "averages that round up, without the padding",
    [pool("average", [2, 2], { padding: [1, 1], ceil: true, counts: false }), FLATTEN, linear(20, 3)],
  ],
  ["a global average", [conv(1, 5), act("relu"), { op: "global" }, FLATTEN, linear(5, 3)]],
  [
    "padding of its own",
    [
      { op: "pad", padding: { top: 1, left: 0, bottom: 2, right: 3 } },
      conv(1, 2),
      { op: "pad", padding: { top: 1, left: 1, bottom: 1, right: 1 } },
      pool("max", [2, 2]),
      FLATTEN,
      linear(2 * 6 * 5, 3),
    ],
  ],
  [
    "slopes for each channel",
    [
      conv(1, 3),
      act("prelu", [0.1, -0.5, 2]),
      FLATTEN,
      linear(105, 4),
      act("prelu", [0.1, 0.2, 0.3, 0.4]),
      linear(4, 3),
    ],
  ],
  ["dense layers alone", [FLATTEN, linear(63, 8), act("relu"), norm(8), linear(8, 3)]],
  [
    "all layers without activation",
    [conv(1, 3), norm(3), conv(3, 3), norm(3), FLATTEN, linear(45, 3), norm(3)],
  ],
  ...ACTIVATIONS.map(
    (name) => [`the activation ${name}`, [FLATTEN, linear(63, 30), act(name), linear(30, 3)]] as const,
  ),
  [
    "activations with numbers of their own",
    [
      conv(1, 3),
      act("leaky-relu", [0.3]),
      conv(3, 3),
      act("elu", [0.7]),
      FLATTEN,
      linear(45, 9),
      act("hard-sigmoid", [0.2, 0.5]),
      linear(9, 6),
      act("hard-tanh", [-0.2, 0.4]),
      linear(6, 3),
    ],
  ],
];

function build(steps: readonly Step[]): readonly Layer[] {
  const builder = new ChainBuilder("test", { rows: ROWS, columns: COLUMNS, channels: 1 }, "channels-first");
  for (const [n, step] of steps.entries()) add(builder, `${n} ${step.op}`, step);
  return builder.finish().layers;
}

function add(builder: ChainBuilder, name: string, step: Step): void {
  const around = ([rows, columns]: Two): Padding => ({
    top: rows,
    left: columns,
    bottom: rows,
    right: columns,
  });
  switch (step.op) {
    case "conv": {
      const [channels = 0, , rows = 0, columns = 0] = step.w.shape;
      const { stride, dilation, groups } = step;
      builder.conv2d(name, {
        weights: convWeights(step.w.data, step.w.shape),
        biases: step.b.data,
        ...{ channels, kernel: [rows, columns], stride, dilation, groups, padding: around(step.padding) },
      });
      break;
    }
    case "linear": {
      const [outputs = 0, inputs = 0] = step.w.shape;
      const weights = Float64Array.from(
        step.w.data,
        (_, n) => step.w.data[(n % outputs) * inputs + Math.floor(n / outputs)]!,
      );
      builder.dense(name, { weights, outputs, biases: step.b.data });
      break;
    }
    case "norm": {
      const { gamma, beta, mean, variance } = step;
      const { scale, shift } = batchNormalization({
        gamma: gamma.data,
        beta: beta.data,
        mean: mean.data,
        variance: variance.data,
        epsilon: 1e-5,
      });
      builder.normalize(name, scale, shift);
      break;
    }
    case "max":
      builder.pool2d(name, "max", { ...step, padding: around(step.padding) });
      break;
    case "average":
      builder.pool2d(name, "average", { ...step, padding: around(step.padding), countsPadding: step.counts });
      break;
    case "global":
      builder.globalPool(name, "average");
      break;
    case "flatten":
      builder.flatten(name);
      break;
    case "pad":
      builder.pad(name, step.padding);
      break;
    case "activation":
      builder.activation(name, step.name, step.numbers);
  }
}

const SCRIPT = `
import json, sys
import torch, torch.nn.functional as F
task = json.load(open(sys.argv[1]))
T = lambda n: torch.tensor(n["data"], dtype=torch.float64).reshape(n["shape"])
ACT = {"sigmoid": torch.sigmoid, "relu": F.relu, "tanh": torch.tanh, "identity": lambda x: x, "relu6": F.relu6, "selu": F.selu,
  "gelu": F.gelu, "gelu-tanh": lambda x: F.gelu(x, approximate="tanh"), "silu": F.silu, "softplus": lambda x: F.softplus(x, threshold=1e9), "softsign": F.softsign,
  "leaky-relu": lambda x, a=0.01: F.leaky_relu(x, a), "elu": lambda x, a=1.0: F.elu(x, a),
  "hard-sigmoid": lambda x, a=1/6, b=0.5: (a * x + b).clamp(0, 1), "hard-tanh": lambda x, a=-1.0, b=1.0: F.hardtanh(x, a, b),
  "prelu": lambda x, *a: F.prelu(x, torch.tensor(a or [0.25], dtype=torch.float64))}
def run(x, s):
    op = s["op"]
    if op == "conv": return F.conv2d(x, T(s["w"]), T(s["b"]), s["stride"], s["padding"], s["dilation"], s["groups"])
    if op == "linear": return F.linear(x, T(s["w"]), T(s["b"]))
    if op == "norm": return F.batch_norm(x, T(s["mean"]), T(s["variance"]), T(s["gamma"]), T(s["beta"]), False, 0.0, 1e-5)
    if op == "max": return F.max_pool2d(x, s["kernel"], s["stride"], s["padding"], ceil_mode=s["ceil"])
    if op == "average": return F.avg_pool2d(x, s["kernel"], s["stride"], s["padding"], s["ceil"], s["counts"])
    if op == "global": return F.adaptive_avg_pool2d(x, 1)
    if op == "flatten": return x.flatten(1)
    if op == "pad": p = s["padding"]; return F.pad(x, (p["left"], p["right"], p["top"], p["bottom"]))
    return ACT[s["name"]](x, *s.get("numbers", []))
out = []
x0 = torch.tensor(task["pixels"], dtype=torch.float64).reshape(-1, 1, ${ROWS}, ${COLUMNS})
for steps in task["networks"]:
    x = (x0 / 255 - task["mean"]) / task["std"]
    for s in steps: x = run(x, s)
    out.append(x.flatten().tolist())
print(json.dumps(out))`;

const torch = pythonWith("torch", "numpy");

needs("torch", torch !== undefined)(
  "gives PyTorch's logits for every layer, and the same bits with every exact engine",
  async (t) => {
    const [mean, std] = [0.25, 0.4];
    const pixels = Uint8Array.from(
      { length: IMAGES * ROWS * COLUMNS },
      () => Math.floor(random() * 256) * (random() < 0.4 ? 0 : 1),
    );
    const task = { mean, std, pixels: [...pixels], networks: NETWORKS.map(([, steps]) => steps) };
    const path = join(await temporaryFolder(t), "task.json");
    await writeFile(path, JSON.stringify(task));
    const expected = runPython(torch, SCRIPT, path) as number[][];
    for (const [n, [name, steps]] of NETWORKS.entries()) {
      const layers = foldPreprocessing({
        layers: build(steps),
        preprocessing: { kind: "standardize", mean, std },
      });
      const reference = await logitsOf(await createEngine("reference", layers), pixels);
      const difference = Math.max(...reference.map((logit, at) => Math.abs(logit - expected[n]![at]!)));
      t.true(difference < 1e-9, `${name}: ${difference}`);
      for (const engine of ["ml-matrix", "simd"] as const) {
        const made = await createEngine(engine, layers);
        if (engine === "simd" && made.predict !== undefined) {
          const classes = new Uint16Array(IMAGES);
          await made.predict(pixels, IMAGES, classes);
          t.deepEqual([...classes], classesOf(reference), name);
        } else {
          t.deepEqual(await logitsOf(made, pixels), reference, `${name}, ${engine}`);
        }
      }
    }
  },
);

async function logitsOf(engine: Engine, pixels: Uint8Array): Promise<Float64Array> {
  const logits = new Float64Array(IMAGES * 3);
  await engine.forward(pixels, IMAGES, logits);
  return logits;
}

function classesOf(logits: Float64Array): number[] {
  return Array.from({ length: IMAGES }, (_, n) => {
    const row = [...logits.subarray(n * 3, n * 3 + 3)];
    return row.indexOf(Math.max(...row));
  });
}

const MAP = { rows: 4, columns: 4, channels: 2 };
const W = { weights: new Float64Array(2 * 9 * 3), channels: 3, kernel: [3, 3] as const };

test("refuses layers that do not fit, by their names", (t) => {
  const cases: readonly (readonly [string, (builder: ChainBuilder) => unknown, code?: ErrorCode])[] = [
    [
      "weights of another size",
      (b) => b.conv2d("c", { ...W, weights: new Float64Array(3) }),
      "ERR_NETWORK_CHAIN",
    ],
    [
      "a kernel larger than the map",
      (b) => b.conv2d("c", { weights: new Float64Array(2 * 25 * 3), channels: 3, kernel: [5, 5] }),
    ],
    ["a stride of zero", (b) => b.conv2d("c", { ...W, stride: [0, 1] })],
    ["groups that do not divide the channels", (b) => b.conv2d("c", { ...W, groups: 3 })],
    ["a map that is too large", (b) => b.pad("p", { top: 1e9, left: 0, bottom: 0, right: 0 })],
    ["biases of another size", (b) => b.conv2d("c", { ...W, biases: [1] }), "ERR_NETWORK_CHAIN"],
    [
      "a convolution of units",
      (b) => {
        b.flatten("f");
        b.conv2d("c", W);
      },
    ],
    [
      "dense weights of another size",
      (b) => {
        b.flatten("f");
        b.dense("d", { weights: new Float64Array(3), outputs: 3 });
      },
      "ERR_NETWORK_CHAIN",
    ],
    ["a normalization of another size", (b) => b.normalize("n", [1, 2, 3], [1, 2, 3]), "ERR_NETWORK_CHAIN"],
    ["a number that is not finite", (b) => b.normalize("n", [Number.NaN], [0]), "ERR_NETWORK_NOT_FINITE"],
    ["a reshape that moves elements", (b) => b.reshape("r", { rows: 2, columns: 8, channels: 2 })],
    [
      "a layer after the last",
      (b) => {
        b.conv2d("c", W);
        b.end("s", "softmax");
        b.activation("d", "relu");
      },
    ],
    [
      "two last operations",
      (b) => {
        b.end("s", "softmax");
        b.end("s", "softmax");
      },
    ],
    [
      "pixels after a layer",
      (b) => {
        b.conv2d("c", W);
        b.pixels("p", 1, 0);
      },
    ],
    ["no layer", (b) => b.finish(), "ERR_NETWORK_LAYER"],
    [
      "a map as classes",
      (b) => {
        b.conv2d("c", W);
        b.finish();
      },
    ],
  ];
  for (const [name, run, code = "ERR_NETWORK_LAYER"] of cases) {
    const error = coded(t, () => run(new ChainBuilder("m.h5", MAP, "channels-first")), code);
    t.regex(error.message, /^m\.h5: /, name);
  }
});

test("names the layer, and the way to another engine", (t) => {
  const builder = new ChainBuilder("m.h5", MAP, "channels-first");
  const error = coded(t, () => builder.conv2d("conv2", { ...W, groups: 3 }), "ERR_NETWORK_LAYER");
  t.is(
    error.message,
    "m.h5: conv2: expected 3 groups of equal size, found 2 → 3 channels; export the model to ONNX, and use --engine onnx",
  );
});

test("states the preprocessing that the file computes from bytes", (t) => {
  const stated = (...steps: readonly (readonly [number, number])[]) => {
    const builder = new ChainBuilder("m.keras", 4, "channels-last");
    for (const [scale, shift] of steps) builder.pixels("rescaling", scale, shift);
    builder.dense("d", { weights: new Float64Array(8), outputs: 2 });
    return builder.finish().preprocessing;
  };
  t.is(stated(), undefined);
  t.deepEqual(stated([1 / 255, 0]), { kind: "scale" });
  t.deepEqual(stated([1, 0]), { kind: "none" });
  t.deepEqual(stated([1 / 127.5, -1]), { kind: "standardize", mean: 0.5, std: 0.5 });
  t.deepEqual(stated([1 / 255, 0], [4, -1]), { kind: "standardize", mean: 0.25, std: 0.25 });
});
