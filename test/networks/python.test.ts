/** What we write, held against the libraries that others read it with, and what they write, read by us. */

import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { atLeast } from "#src/base/errors.js";
import { openDataset } from "#src/data/registry.js";
import { encodeNpy } from "#src/networks/numpy.js";
import { loadNetwork } from "#src/networks/registry.js";
import { tensorsOf } from "#src/networks/tensors.js";
import { encodeNetwork, type NetworkEnding } from "#src/networks/writers.js";
import { ONE_BY_ONE } from "../helpers/all-of.js";
import { loadDense } from "../helpers/dense.js";
import { runPython } from "../helpers/python.js";
import { numpy, onnx, safetensors, withNumpy, withOnnx, withSafetensors } from "../helpers/python-writers.js";
import { randomNetwork } from "../helpers/random.js";
import { temporaryFolder } from "../helpers/temporary.js";

const TYPES = ["float32", "float64"] as const;
type Type = (typeof TYPES)[number];

/** Prints of each array of each file its dtype, its shape, and the SHA-256 of its elements in row-major order. */
const DESCRIBE = `
import hashlib, json, sys
import numpy as np
def described(arrays):
    return {name: [a.dtype.str, list(a.shape), hashlib.sha256(np.ascontiguousarray(a).tobytes()).hexdigest()]
            for name, a in arrays.items()}
def describe(read):
    print(json.dumps([described(read(path)) for path in sys.argv[1:]]))
`;

const network = randomNetwork([7, 5, 4, 3]);

/** What DESCRIBE prints of our network. */
function described(type: Type): Record<string, unknown> {
  return Object.fromEntries(
    tensorsOf(network).map(({ name, shape, data }) => {
      const elements = type === "float32" ? Float32Array.from(data) : Float64Array.from(data);
      const sha256 = createHash("sha256").update(new Uint8Array(elements.buffer)).digest("hex");
      return [name, [type === "float32" ? "<f4" : "<f8", shape, sha256]];
    }),
  );
}

async function written(
  t: ExecutionContext,
  ending: NetworkEnding,
  type: Type,
  deflated = false,
): Promise<string> {
  const path = join(await temporaryFolder(t), `network${ending}`);
  await writeFile(path, encodeNetwork(ending, network, { type, deflated }).bytes);
  return path;
}

const EXPECTED = TYPES.map(described);

withNumpy("NumPy reads our .npz and .npy, equal to the bit", async (t) => {
  for (const deflated of [false, true]) {
    const paths = await Promise.all(TYPES.map((type) => written(t, ".npz", type, deflated)));
    const script = `${DESCRIBE}describe(lambda path: np.load(path, allow_pickle=False))`;
    t.deepEqual(runPython(numpy, script, ...paths), EXPECTED, `deflated: ${deflated}`);
  }
  const [tensor] = atLeast(tensorsOf(network), 1);
  const folder = await temporaryFolder(t);
  const paths = TYPES.map((type) => join(folder, `${type}.npy`));
  for (const [n, path] of paths.entries()) await writeFile(path, encodeNpy("W1", tensor, TYPES[n]!));
  const script = `${DESCRIBE}describe(lambda path: {"W1": np.load(path, allow_pickle=False)})`;
  t.deepEqual(
    runPython(numpy, script, ...paths),
    EXPECTED.map(({ W1 }) => ({ W1 })),
  );
});

withOnnx("onnx accepts our models, and has their tensors equal to the bit", async (t) => {
  const script = `${DESCRIBE}
import onnx, onnx.numpy_helper
def read(path):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert [i.name for i in model.graph.input] == ["images"] and [o.name for o in model.graph.output] == ["logits"]
    assert {p.key: p.value for p in model.metadata_props}["batchwise.normalize"] == "scale"
    return {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
describe(read)`;
  const paths = await Promise.all(TYPES.map((type) => written(t, ".onnx", type)));
  t.deepEqual(runPython(onnx, script, ...paths), EXPECTED);
});

withSafetensors("safetensors reads our files, equal to the bit", async (t) => {
  const script = `${DESCRIBE}
from safetensors.numpy import load_file
describe(load_file)`;
  const paths = await Promise.all(TYPES.map((type) => written(t, ".safetensors", type)));
  t.deepEqual(runPython(safetensors, script, ...paths), EXPECTED);
});

/** W1 (3, 4), b1 (4), W2 (4, 2), b2 (2); every number exact in float16. */
const MAKE = `
import sys, numpy as np
def make(shape, dtype, order):
    n = int(np.prod(shape))
    return np.asarray(((np.arange(n) * 37 % 64) - 31) / 16, dtype=dtype).reshape(shape).copy(order=order)
def arrays(dtype, order):
    return {"W1": make((3, 4), dtype, order), "b1": make((4,), dtype, order),
            "W2": make((4, 2), dtype, order), "b2": make((2,), dtype, order)}
`;
const made = (length: number) => Array.from({ length }, (_, n) => (((n * 37) % 64) - 31) / 16);

withNumpy("reads what NumPy writes in each float type: savez, savez_compressed and save", async (t) => {
  const root = await temporaryFolder(t);
  const dtypes = ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8"];
  const script = `${MAKE}
import os
for number, dtype in enumerate(sys.argv[2:]):
    folder = f"{sys.argv[1]}/{number}"
    os.mkdir(folder)
    for order in "CF":
        np.savez(f"{folder}/stored-{order}.npz", **arrays(dtype, order))
        np.savez_compressed(f"{folder}/deflated-{order}.npz", **arrays(dtype, order))
        os.mkdir(f"{folder}/folder-{order}")
        for name, array in arrays(dtype, order).items(): np.save(f"{folder}/folder-{order}/{name}.npy", array)
print(len(os.listdir(sys.argv[1])))`;
  t.is(runPython(numpy, script, root, ...dtypes), dtypes.length);
  for (const [number, dtype] of dtypes.entries()) {
    for (const kind of [
      "stored-C.npz",
      "stored-F.npz",
      "deflated-C.npz",
      "deflated-F.npz",
      "folder-C",
      "folder-F",
    ]) {
      const { layers } = await loadDense(join(root, `${number}`, kind));
      t.deepEqual(
        layers.map(({ inputs, outputs, weights, biases }) => [inputs, outputs, [...weights], [...biases]]),
        [
          [3, 4, made(12), made(4)],
          [4, 2, made(8), made(2)],
        ],
        `${dtype}, ${kind}`,
      );
    }
  }
});

withNumpy("refuses the Python objects that NumPy pickles into an archive", async (t) => {
  const path = join(await temporaryFolder(t), "objects.npz");
  const script = `${MAKE}np.savez(sys.argv[1], W1=np.array([{}], dtype=object), b1=np.zeros(1)); print(1)`;
  runPython(numpy, script, path);
  t.like(await t.throwsAsync(loadNetwork(path)), { code: "ERR_NPY_DTYPE" });
});

withNumpy("opens a data set that NumPy writes in Keras' layout, with labels of int64", async (t) => {
  const folder = await temporaryFolder(t);
  const script = `${MAKE}
x = (np.arange(6 * 28 * 28) * 7 % 256).astype(np.uint8).reshape(6, 28, 28)
parts = dict(x_train=x[:4], y_train=np.arange(4), x_test=x[4:], y_test=np.array([9, 1], dtype=np.int64))
np.savez(f"{sys.argv[1]}/stored.npz", **parts)
np.savez_compressed(f"{sys.argv[1]}/deflated.npz", **parts)
print(1)`;
  runPython(numpy, script, folder);
  for (const name of ["stored.npz", "deflated.npz"]) {
    const set = await openDataset({ dataset: join(folder, name), split: "test" });
    t.like(set.facts, { total: 2, shape: { rows: 28, columns: 28 } });
    for await (const slab of set.slabs({ offset: 0, limit: 2 }, ONE_BY_ONE)) {
      const first = 4 * 28 * 28;
      t.deepEqual([...slab.labels], [9, 1]);
      t.deepEqual(
        [...slab.pixels],
        Array.from({ length: 2 * 28 * 28 }, (_, n) => ((first + n) * 7) % 256),
      );
    }
  }
});

withOnnx(
  "reads what onnx.helper writes: Gemm with transB, MatMul and Add, raw and typed tensors",
  async (t) => {
    const folder = await temporaryFolder(t);
    const script = `${MAKE}
import onnx
from onnx import helper, numpy_helper, TensorProto
a = arrays("<f4", "C")
def tensor(name, array, raw):
    if raw: return numpy_helper.from_array(array, name)
    kind = helper.NP_TYPE_TO_TENSOR_TYPE[array.dtype] if hasattr(helper, "NP_TYPE_TO_TENSOR_TYPE") else onnx.mapping.NP_TYPE_TO_TENSOR_TYPE[array.dtype]
    return helper.make_tensor(name, kind, array.shape, array.flatten().tolist())
def save(file, nodes, tensors):
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, 3])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 2])], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]), f"{sys.argv[1]}/{file}")
node = helper.make_node
for raw in (False, True):
    save(f"gemm-{raw}.onnx", [
        node("Flatten", ["x"], ["f"]),
        node("Gemm", ["f", "W1", "b1"], ["1"], transB=1), node("Relu", ["1"], ["2"]),
        node("Gemm", ["2", "W2", "b2"], ["3"], alpha=1.0, beta=1.0), node("Softmax", ["3"], ["y"])],
        [tensor("W1", np.ascontiguousarray(a["W1"].T), raw)] + [tensor(n, a[n], raw) for n in ("b1", "W2", "b2")])
    save(f"matmul-{raw}.onnx", [
        node("Constant", [], ["s"], value=tensor("s", np.array([-1, 3]), raw)), node("Reshape", ["x", "s"], ["f"]),
        node("Constant", [], ["c"], value=tensor("c", np.array(255, dtype=np.float32), raw)), node("Div", ["f", "c"], ["d"]),
        node("MatMul", ["d", "W1"], ["0"]), node("Add", ["0", "b1"], ["1"]), node("Relu", ["1"], ["2"]),
        node("MatMul", ["2", "W2"], ["3"]), node("Add", ["b2", "3"], ["y"])],
        [tensor(n, v, raw) for n, v in a.items()])
    half = arrays("<f2", "C")
    save(f"half-{raw}.onnx", [
        node("Flatten", ["x"], ["f"]), node("Gemm", ["f", "W1", "b1"], ["1"]), node("Relu", ["1"], ["2"]),
        node("Gemm", ["2", "W2", "b2"], ["y"])], [tensor(n, v, raw) for n, v in half.items()])
print(1)`;
    runPython(onnx, script, folder);
    for (const name of ["gemm", "matmul", "half"]) {
      for (const raw of ["False", "True"]) {
        const { layers, preprocessing } = await loadDense(join(folder, `${name}-${raw}.onnx`));
        t.deepEqual(preprocessing, { kind: "scale" });
        t.deepEqual(
          layers.map(({ activation, weights, biases }) => [activation, [...weights], [...biases]]),
          [
            ["relu", made(12), made(4)],
            ["identity", made(8), made(2)],
          ],
          `${name}-${raw}`,
        );
      }
    }
  },
);

withSafetensors("reads what safetensors writes of a PyTorch model", async (t) => {
  const path = join(await temporaryFolder(t), "model.safetensors");
  const script = `${MAKE}
from safetensors.numpy import save_file
a = arrays("<f4", "C")
save_file({"net.0.weight": np.ascontiguousarray(a["W1"].T), "net.0.bias": a["b1"],
           "net.2.weight": np.ascontiguousarray(a["W2"].T), "net.2.bias": a["b2"]}, sys.argv[1])
print(1)`;
  runPython(safetensors, script, path);
  const { layers } = await loadDense(path);
  t.deepEqual(
    layers.map(({ weights, biases }) => [[...weights], [...biases]]),
    [
      [made(12), made(4)],
      [made(8), made(2)],
    ],
  );
});
