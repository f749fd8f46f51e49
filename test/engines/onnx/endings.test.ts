/** What a model's end means, held against NumPy, and what is said where the optional peer is absent or broken. */

import { join } from "node:path";
import test from "ava";
import { atLeast } from "#src/base/errors.js";
import { loadModel } from "#src/engines/load-model.js";
import { probabilitiesInPlace } from "#src/engines/logits.js";
import { loadRuntime } from "#src/engines/onnx/runtime.js";
import { evaluate } from "#src/evaluate/evaluate.js";
import { spawnCli } from "../../helpers/cli.js";
import { cnnModel, SIDE } from "../../helpers/cnn.js";
import { hasOnnxruntime } from "../../helpers/engines.js";
import {
  fields,
  int64s,
  intAttribute,
  model,
  node,
  type TestModel,
  type TestNode,
  tensor,
  value,
} from "../../helpers/onnx.js";
import { pythonWith, runPython } from "../../helpers/python.js";
import { needs } from "../../helpers/require.js";
import { temporaryFile, temporaryFolder } from "../../helpers/temporary.js";
import { codedAsync } from "../../networks/coded.js";

const withOnnx = needs("onnxruntime", hasOnnxruntime);
const python = hasOnnxruntime ? pythonWith("numpy", "onnx") : undefined;
const withBoth = needs(hasOnnxruntime ? "python-onnx" : "onnxruntime", python !== undefined);

/**
 * Writes images (200, 6, 6) and their labels as IDX, and models z = x ÷ 255 · w + b with an end each; prints what NumPy
 * makes of the probabilities that the end stands for.
 */
const SCRIPT = `
import json, os, struct, sys
import numpy as np, onnx
from onnx import TensorProto as TP, helper as h, numpy_helper as nh
os.chdir(sys.argv[1])
r = np.random.default_rng(12)
x = r.integers(0, 256, (200, 6, 6), np.uint8)
t = r.integers(0, 4, 200).astype(np.uint8)
open("images", "wb").write(struct.pack(">IIII", 0x803, *x.shape) + x.tobytes())
open("labels", "wb").write(struct.pack(">II", 0x801, len(t)) + t.tobytes())
w = r.normal(size=(36, 4)).astype("f4"); b = r.normal(size=4).astype("f4")
f = x.reshape(200, 36).astype("f4") / np.float32(255)
z = f.astype(float) @ w + b
soft = lambda v: (lambda e: e / e.sum(1, keepdims=True))(np.exp(v - v.max(1, keepdims=True)))
sig = lambda v: 1 / (1 + np.exp(-v))
N = lambda op, i, o, **a: h.make_node(op, i, o, **a)
GEMM = [N("Gemm", ["x", "w", "b"], ["z"])]
CONV = [N("Reshape", ["x", "image"], ["i"]), N("Conv", ["i", "k", "b"], ["c"])]
CASES = {
  "logits": (GEMM[:-1] + [N("Gemm", ["x", "w", "b"], ["y"])], soft(z), z),
  "relu": (GEMM + [N("Relu", ["z"], ["y"])], soft(np.maximum(z, 0)), np.maximum(z, 0)),
  "scaled logits": (GEMM + [N("Mul", ["z", "two"], ["y"])], soft(2 * z), z),
  "softmax": (GEMM + [N("Softmax", ["z"], ["y"], axis=1)], soft(z), z),
  "softmax of opset 11, whose axis is 1": (GEMM + [N("Softmax", ["z"], ["y"])], soft(z), z, 11),
  "sharp softmax, which float32 rounds to 0 and 1": (GEMM + [N("Mul", ["z", "much"], ["m"]), N("Softmax", ["m"], ["y"])], soft(100 * z), z),
  "softmax before Flatten": (CONV + [N("Softmax", ["c"], ["s"], axis=1), N("Flatten", ["s"], ["y"])], soft(z), z),
  "softmax behind Squeeze, before Identity": (CONV + [N("Squeeze", ["c", "axes"], ["q"]), N("Softmax", ["q"], ["s"], axis=-1), N("Identity", ["s"], ["y"])], soft(z), z),
  "softmax behind Transpose": (CONV + [N("Transpose", ["c"], ["q"], perm=[0, 2, 3, 1]), N("Softmax", ["q"], ["s"], axis=-1), N("Reshape", ["s", "rows"], ["y"])], soft(z), z),
  "softmax in parts": (GEMM + [N("ReduceMax", ["z"], ["m"], axes=[1]), N("Sub", ["z", "m"], ["d"]), N("Exp", ["d"], ["e"]), N("ReduceSum", ["e", "one"], ["s"]), N("Div", ["e", "s"], ["y"])], soft(z), z),
  "softmax of a softmax": (GEMM + [N("Softmax", ["z"], ["s"]), N("Softmax", ["s"], ["y"])], soft(soft(z)), z),
  "log softmax": (GEMM + [N("LogSoftmax", ["z"], ["y"], axis=1)], soft(z), z),
  "the logarithm of a softmax": (GEMM + [N("Softmax", ["z"], ["s"]), N("Log", ["s"], ["y"])], soft(z), z),
  "log softmax in parts": (GEMM + [N("ReduceLogSumExp", ["z"], ["s"], axes=[1]), N("Sub", ["z", "s"], ["y"])], soft(z), z),
  "log softmax of a softmax": (GEMM + [N("Softmax", ["z"], ["s"]), N("LogSoftmax", ["s"], ["y"])], soft(soft(z)), z),
  "sigmoid": (GEMM + [N("Sigmoid", ["z"], ["y"])], sig(z) / sig(z).sum(1, keepdims=True), z),
  "sharp sigmoid": (GEMM + [N("Mul", ["z", "much"], ["m"]), N("Sigmoid", ["m"], ["y"])], None, z),
  "?softmax: the mean of two": (GEMM + [N("Softmax", ["z"], ["s"]), N("Neg", ["z"], ["n"]), N("Softmax", ["n"], ["u"]), N("Mean", ["s", "u"], ["y"])], (soft(z) + soft(-z)) / 2, soft(z) + soft(-z)),
  "?sigmoid: cut off": (GEMM + [N("HardSigmoid", ["z"], ["y"])], None, None),
}
truth = {}
for n, (name, (nodes, p, rank, *opset)) in enumerate(CASES.items()):
  init = dict(w=w, b=b, k=w.T.reshape(4, 1, 6, 6).copy(), image=np.array([-1, 1, 6, 6]), axes=np.array([2, 3]), one=np.array([1]), rows=np.array([-1, 4]), two=np.array(2, "f4"), much=np.array(100, "f4"))
  used = {i for node in nodes for i in node.input}
  g = h.make_graph(nodes, "g", [h.make_tensor_value_info("x", TP.FLOAT, ["N", 36])], [h.make_tensor_value_info("y", TP.FLOAT, ["N", 4])], [nh.from_array(v, k) for k, v in init.items() if k in used])
  m = h.make_model(g, opset_imports=[h.make_opsetid("", (opset or [13])[0])]); m.ir_version = 8
  onnx.checker.check_model(m); onnx.save(m, f"{n}.onnx")
  truth[name] = dict(file=f"{n}.onnx")
  if p is not None:
    hit = p[np.arange(200), t]
    truth[name].update(logLoss=float(-np.log(np.clip(hit, 2.0**-52, 1)).mean()), brierScore=float(((p - np.eye(4)[t]) ** 2).sum(1).mean()))
  if rank is not None: truth[name].update(correct=int((rank.argmax(1) == t).sum()))
print(json.dumps(truth))
`;

interface Truth {
  readonly file: string;
  readonly logLoss?: number;
  readonly brierScore?: number;
  readonly correct?: number;
}

withBoth("each end of a model gives NumPy's log loss and Brier score, and the logits' classes", async (t) => {
  const folder = await temporaryFolder(t);
  const cases = Object.entries(runPython(python, SCRIPT, folder) as Record<string, Truth>);
  t.true(cases.length > 15);
  for (const [name, truth] of cases) {
    const weights = join(folder, truth.file);
    const model = await loadModel(weights, { normalize: "scale" });
    if ("layers" in model) return t.fail();
    const { result } = await evaluate({
      dataset: join(folder, "images"),
      labels: join(folder, "labels"),
      weights,
      normalize: "scale",
      engine: "onnx",
      threads: 0,
      calibration: true,
    });
    const { scores } = result;
    if (truth.correct !== undefined) t.is(result.correct, truth.correct, name);
    for (const key of ["logLoss", "brierScore"] as const) {
      const expected = truth[key];
      if (expected === undefined) continue;
      const found = scores?.[key] ?? Number.NaN;
      t.true(Math.abs(found - expected) < 1e-5, `${name}: ${key} ${found}, NumPy has ${expected}`);
    }
    const [, guess] = /^\?([\w-]+):/.exec(name) ?? [];
    t.deepEqual(
      model.assumptions.map(({ subject, what }) => [subject, what]),
      guess === undefined ? [] : [["outputs", `${guess} as outputs`]],
      name,
    );
    const kinds = ["log softmax", "logarithm", "softmax", "sigmoid"];
    if (guess === undefined && kinds.some((kind) => name.includes(kind))) {
      t.is(model.output.holds, "logits", `${name} is ranked by its logits`);
    }
  }
});

test("sigmoids become their shares, and their limit where all are 0", (t) => {
  const shares = (...logits: number[]) => {
    const values = Float64Array.from(logits);
    probabilitiesInPlace("sigmoid", values, 0, values.length);
    return [...values];
  };
  const sigmoids = [0, 2, -1].map((z) => 1 / (1 + Math.exp(-z)));
  const sum = sigmoids.reduce((a, b) => a + b);
  shares(0, 2, -1).forEach((share, n) => {
    t.true(Math.abs(share - sigmoids[n]! / sum) < 1e-15);
  });
  // σ(z) → e^z, so that σ(−2000) ÷ σ(−2001) → e.
  const [first, second] = atLeast(shares(-2000, -2001), 2);
  t.true(Math.abs(first / second - Math.E) < 1e-12);
  t.deepEqual(shares(2000, 3000), [0.5, 0.5]);
});

// A file may have several outputs that can be the classes. It does not state which one is.

/** x (N,4) · w (4,2) = y (N,2), but for what is changed. */
function table(changes: Partial<TestModel>): Buffer {
  const w = tensor("w", [4, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
  return model({ nodes: [MATMUL], tensors: [w], inputs: [value("x", ["N", 4])], ...changes });
}
const MATMUL: TestNode = { op: "MatMul", inputs: ["x", "w"], output: "y" };

withOnnx("names the output that it takes of several, unless they are made of the same logits", async (t) => {
  const other: TestNode = { op: "MatMul", inputs: ["x", "w"], output: "other" };
  const softmax: TestNode = {
    op: "Softmax",
    inputs: ["y"],
    output: "p",
    attributes: [intAttribute("axis", 1)],
  };
  const [y, wider] = [value("y", ["N", 2]), value("other", ["N", 2])];
  const cases: readonly (readonly [what: string, changes: Partial<TestModel>, named: readonly string[]])[] = [
    ["one output", { outputs: [y] }, []],
    [
      "another output first",
      { nodes: [MATMUL, other], outputs: [wider, y] },
      ["other as output (of other, y)"],
    ],
    ["another output behind", { nodes: [MATMUL, other], outputs: [y, wider] }, ["y as output (of y, other)"]],
    ["logits and softmax", { nodes: [MATMUL, softmax], outputs: [y, value("p", ["N", 2])] }, []],
    ["softmax and logits", { nodes: [MATMUL, softmax], outputs: [value("p", ["N", 2]), y] }, []],
  ];
  for (const [what, changes, named] of cases) {
    const path = await temporaryFile(t, table(changes), "m.onnx");
    const { assumptions = [] } = await loadModel(path, { normalize: "scale" });
    t.deepEqual(
      assumptions.map((assumption) => assumption.what),
      named,
      what,
    );
    t.true(assumptions.every(({ subject, option }) => subject === "outputs" && option === null));
  }
});

withOnnx("takes outputs of 0 to 1 for sigmoids only if white images give no others", async (t) => {
  for (const [scale, kind] of [
    [0.05, "sigmoid"],
    [0.1, "logits"],
  ] as const) {
    // A white image gives 16 and 20, noise of at most half white less than 8 and 10.
    const nodes = [
      MATMUL,
      { op: "Mul", inputs: ["y", "s"], output: "m" },
      { op: "Abs", inputs: ["m"], output: "a" },
    ];
    const w = tensor("w", [4, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
    const changes = { nodes, tensors: [w, tensor("s", [], [scale])], outputs: [value("a", ["N", 2])] };
    const loaded = await loadModel(await temporaryFile(t, table(changes), "m.onnx"), { normalize: "scale" });
    t.like("output" in loaded && loaded.output, { kind, holds: kind });
    t.deepEqual(
      loaded.assumptions?.map(({ what }) => what),
      [`${kind} as outputs`],
    );
  }
});

withOnnx(
  "refuses outputs that rank the classes, and what a softmax or a sigmoid makes of them",
  async (t) => {
    const axis = intAttribute("axis", 1);
    // The helper's nodes have one output. Parts of a message that is there twice are merged, and its lists joined.
    const sorted = fields([1, "y"], [1, "k"], [2, "best"], [2, "classes"], [4, "TopK"], [5, axis]);
    const product = [7, fields([1, node(MATMUL)])] as const;
    const two = tensor("w", [4, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
    for (const end of [undefined, "Softmax", "LogSoftmax", "Sigmoid"]) {
      const output = end === undefined ? "best" : "p";
      const nodes = end === undefined ? [] : [{ op: end, inputs: ["best"], output }];
      const outputs = [value(output, ["N", 2])];
      const rest = table({ nodes, tensors: [two, int64s("k", [2])], outputs });
      const bytes = Buffer.concat([fields(product, [7, fields([1, sorted])]), rest]);
      const error = await codedAsync(
        t,
        loadModel(await temporaryFile(t, bytes, "m.onnx"), {}),
        "ERR_ONNX_GRAPH",
      );
      t.regex(
        error.message,
        /an output \(N, classes\) of floats, found (best|p), which ranks the classes/,
        end,
      );
    }
  },
);

// The optional peer: what is said where it is absent or broken, and that nothing else needs it.

const cnn = cnnModel({ shape: ["N", 1, SIDE, SIDE] });

/** Resolving the peer fails in a process with these NODE_OPTIONS, whether it is installed or not. */
function withoutPeer(code: string): Record<string, string> {
  const hooks = `export const resolve = (specifier, context, next) => {
    if (specifier !== "onnxruntime-node") return next(specifier, context);
    throw Object.assign(new Error("no such\\npackage"), { code: "${code}" });
  };`;
  const url = (source: string) => `data:text/javascript,${encodeURIComponent(source)}`;
  const register = `import { register } from "node:module"; register(${JSON.stringify(url(hooks))});`;
  return { NODE_OPTIONS: `--import=${url(register)}` };
}

for (const threads of ["0", "2"]) {
  test(`names the one command that installs the peer where it is absent, with ${threads} threads`, async (t) => {
    const env = withoutPeer("ERR_MODULE_NOT_FOUND");
    const path = await temporaryFile(t, cnn, "cnn.onnx");
    for (const weights of ["bundled", path]) {
      const args = ["--engine", "onnx", "--threads", threads, "--weights", weights];
      const { status, stdout, stderr } = await spawnCli(args, { env });
      t.is(status, 4);
      t.is(stdout, "");
      t.is(
        stderr,
        'batchwise: ERR_ENGINE_PEER: expected the package onnxruntime-node for the engine "onnx", found none; install it with: ' +
          "npm install --save-dev --ignore-scripts onnxruntime-node@1\n",
      );
    }
  });
}

test("names the command that installs the peer beside a model that is no chain", async (t) => {
  const nodes = [{ op: "LSTM", inputs: ["x"], output: "y" }];
  const path = await temporaryFile(t, model({ nodes, tensors: [] }), "lstm.onnx");
  const { status, stderr } = await spawnCli(["--weights", path], {
    env: withoutPeer("ERR_MODULE_NOT_FOUND"),
  });
  t.is(status, 3);
  t.regex(
    stderr,
    /found LSTM; --engine onnx .*; install its package with: npm install .*onnxruntime-node@1\n$/,
  );
});

test("says why a peer that is there cannot be loaded, and other engines never ask for it", async (t) => {
  const env = withoutPeer("ERR_DLOPEN_FAILED");
  const broken = await spawnCli(["--engine", "onnx"], { env });
  t.is(broken.status, 4);
  t.regex(
    broken.stderr,
    /^batchwise: ERR_ENGINE_PEER: .* found one that cannot be loaded: no such package; install it/,
  );
  t.is((await spawnCli(["--limit", "100", "--quiet"], { env })).status, 0);
});

(hasOnnxruntime ? test.skip : test)("loading the absent peer is an error with a code", async (t) => {
  const error = await codedAsync(t, loadRuntime(), "ERR_ENGINE_PEER");
  t.is(error.exitStatus, 4);
});
