/** Networks once around: written by us, read and written again by the format's own library, read by us, and still the same. */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import type { Network } from "#src/base/contracts/network.js";
import { atLeast } from "#src/base/errors.js";
import { loadNetwork } from "#src/networks/registry.js";
import { encodeNetwork, type NetworkEnding } from "#src/networks/writers.js";
import { loadDense } from "../helpers/dense.js";
import { runPython } from "../helpers/python.js";
import { numpy, onnx, safetensors, withNumpy, withOnnx, withSafetensors } from "../helpers/python-writers.js";
import { randomNetwork } from "../helpers/random.js";
import { temporaryFolder } from "../helpers/temporary.js";

const NETWORK: Network = {
  ...randomNetwork([12, 9, 5], "relu", 3),
  preprocessing: { kind: "standardize", mean: 0.13, std: 0.31 },
};

/** What the file says beyond its arrays must have gone around too, where the format has room for it. */
async function comesBack(t: ExecutionContext, path: string, expected: Partial<Network>): Promise<void> {
  const { layers, preprocessing } = await loadNetwork(path);
  t.deepEqual(
    layers.map((layer) => ({ ...layer })),
    NETWORK.layers.map((layer) => ({ ...layer })),
  );
  t.deepEqual(preprocessing, expected.preprocessing);
}

async function written(t: ExecutionContext, ending: NetworkEnding, deflated = false) {
  const folder = await temporaryFolder(t);
  const path = join(folder, `ours${ending}`);
  // A .npz has no place for the numbers of a standardization.
  const network: Network = ending === ".npz" ? { ...NETWORK, preprocessing: { kind: "scale" } } : NETWORK;
  await writeFile(path, encodeNetwork(ending, network, { type: "float64", deflated }).bytes);
  return { path, again: join(folder, `again${ending}`) };
}

withNumpy("a .npz goes around NumPy, and Python's zipfile finds no fault in ours", async (t) => {
  for (const deflated of [false, true]) {
    const { path, again } = await written(t, ".npz", deflated);
    const script = `
import sys, zipfile, numpy as np
assert zipfile.ZipFile(sys.argv[1]).testzip() is None
arrays = np.load(sys.argv[1], allow_pickle=False)
np.savez_compressed(sys.argv[2], **arrays)
print(len(arrays))`;
    t.is(runPython(numpy, script, path, again), 4);
    const { layers } = await loadNetwork(again, { activation: "relu" });
    t.deepEqual(
      layers.map((layer) => ({ ...layer })),
      NETWORK.layers.map((layer) => ({ ...layer })),
    );
  }
});

withOnnx("an ONNX model goes around onnx, with its preprocessing and activations", async (t) => {
  const { path, again } = await written(t, ".onnx");
  const script = `
import sys, onnx
model = onnx.load(sys.argv[1])
onnx.save(onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True), sys.argv[2])
print(len(model.graph.initializer))`;
  runPython(onnx, script, path, again);
  t.notDeepEqual(await readFile(again), await readFile(path));
  await comesBack(t, again, NETWORK);
});

withSafetensors("a safetensors file goes around safetensors, with its metadata", async (t) => {
  const { path, again } = await written(t, ".safetensors");
  const script = `
import sys
from safetensors import safe_open
from safetensors.numpy import save_file
with safe_open(sys.argv[1], framework="numpy") as file:
    save_file({name: file.get_tensor(name) for name in file.keys()}, sys.argv[2], metadata=file.metadata())
    print(len(file.metadata()))`;
  t.true(Number(runPython(safetensors, script, path, again)) > 0);
  await comesBack(t, again, NETWORK);
});

withSafetensors("reads what safetensors writes, in each float type", async (t) => {
  const folder = await temporaryFolder(t);
  const script = `
import sys, numpy as np
from safetensors.numpy import save_file
for dtype in ("f2", "f4", "f8"):
    save_file({"W1": (np.arange(6, dtype=dtype) / 4).reshape(3, 2), "b1": np.ones(2, dtype=dtype)}, f"{sys.argv[1]}/{dtype}")
print(1)`;
  runPython(safetensors, script, folder);
  for (const dtype of ["f2", "f4", "f8"]) {
    const [{ weights, biases }] = atLeast((await loadDense(join(folder, dtype))).layers, 1);
    t.deepEqual([...weights], [0, 0.25, 0.5, 0.75, 1, 1.25], dtype);
    t.deepEqual([...biases], [1, 1], dtype);
  }
});

withNumpy("reads what this machine's pickle writes, in every protocol", async (t) => {
  const folder = await temporaryFolder(t);
  const script = `
import json, pickle, sys, numpy as np
for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
    with open(f"{sys.argv[1]}/{protocol}.pkl", "wb") as file:
        pickle.dump({"W1": (np.arange(6, dtype="f4") / 4).reshape(3, 2), "b1": np.ones(2)}, file, protocol)
print(pickle.HIGHEST_PROTOCOL)`;
  const highest = Number(runPython(numpy, script, folder));
  t.true(highest >= 5);
  for (let protocol = 0; protocol <= highest; protocol++) {
    const [{ weights, biases }] = atLeast((await loadDense(join(folder, `${protocol}.pkl`))).layers, 1);
    t.deepEqual([...weights], [0, 0.25, 0.5, 0.75, 1, 1.25], `protocol ${protocol}`);
    t.deepEqual([...biases], [1, 1]);
  }
});

withNumpy("reads every version of .npy that NumPy writes", async (t) => {
  const folder = await temporaryFolder(t);
  const script = `
import os, sys, numpy as np
for major in (1, 2, 3):
    os.mkdir(f"{sys.argv[1]}/{major}")
    for name, array in (("W1", np.eye(2)), ("b1", np.ones(2))):
        with open(f"{sys.argv[1]}/{major}/{name}.npy", "wb") as file:
            np.lib.format.write_array(file, array, version=(major, 0))
print(3)`;
  runPython(numpy, script, folder);
  for (const version of ["1", "2", "3"]) {
    const [{ weights }] = atLeast((await loadDense(join(folder, version))).layers, 1);
    t.deepEqual([...weights], [1, 0, 0, 1], version);
  }
});
