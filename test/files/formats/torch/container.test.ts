/** PyTorch's files, made by PyTorch: every type, order, stride and offset, as a ZIP and as before version 1.6. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isMap } from "#src/base/realm.js";
import { openTorch, readTensors } from "#src/files/formats/torch/container.js";
import { TorchTensor } from "#src/files/formats/torch/values.js";
import { inCase } from "../../../helpers/in-case.js";
import { pythonWith, runPython } from "../../../helpers/python.js";
import { needs } from "../../../helpers/require.js";
import { temporaryFolder } from "../../../helpers/temporary.js";

const python = pythonWith("torch");
const testTorch = needs("torch", python !== undefined);

const MAKE = `
import json, sys, torch
from collections import OrderedDict
base = torch.arange(24, dtype=torch.float32) / 8
shared = base.reshape(4, 6)
tensors = OrderedDict([
  ("float", shared), ("transposed", shared.t()), ("row", shared[2]), ("columns", shared[:, 1:6:2]),
  ("expanded", torch.tensor([1.5, -2.0]).unsqueeze(1).expand(2, 3)),
  ("map", torch.arange(24, dtype=torch.float32).reshape(1, 2, 3, 4).to(memory_format=torch.channels_last)),
  ("double", base[:3].double()), ("half", base[:9].half()), ("bfloat", base[:5].bfloat16()),
  ("parameter", torch.nn.Parameter(base[3:7].clone())), ("scalar", torch.tensor(2.5)), ("empty", torch.zeros(0, 3)),
])
others = {"epoch": 3, "size": base.shape, "type": torch.float32, "device": torch.device("cpu"), "tags": {"a"},
  "optimizer": {"state": {0: {"step": torch.tensor(1), "exp_avg": base}}, "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.999)}]}}
for name, more in {"zip": {}, "zip4": {"pickle_protocol": 4}, "legacy": {"_use_new_zipfile_serialization": False}}.items():
  torch.save({"model": tensors, **others}, sys.argv[1] + "/" + name, **more)
print(json.dumps({k: [list(v.shape), v.double().contiguous().flatten().tolist()] for k, v in tensors.items()}))
`;

testTorch("reads each tensor as PyTorch has it, of every type, stride and offset", async (t) => {
  t.timeout(120_000);
  const folder = await temporaryFolder(t);
  const expected = runPython(python, MAKE, folder);
  for (const name of ["zip", "zip4", "legacy"]) {
    await inCase(t, name, async () => {
      const path = join(folder, name);
      const file = await openTorch(path, await readFile(path));
      const model = isMap(file.root) ? file.root.get("model") : undefined;
      const tensors = new Map(
        isMap(model)
          ? [...model].flatMap(([key, item]) => (item instanceof TorchTensor ? [[key, item]] : []))
          : [],
      );
      const arrays = await readTensors(file, tensors);
      const found = [...arrays].map(([key, { shape, data }]) => [key, [shape, [...data]]]);
      t.deepEqual(Object.fromEntries(found), expected);
    });
  }
});
