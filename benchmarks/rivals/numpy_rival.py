"""NumPy's forward pass, at any batch size: a line of JSON says where images and weights are, each further line asks for a pass."""
import json
import sys
import time

import numpy as np

setup = json.loads(sys.stdin.readline())
sizes = setup["layers"]
dtype = np.dtype(setup["dtype"])
images = np.fromfile(setup["pixels"], np.uint8).reshape(-1, sizes[0])
flat = np.fromfile(setup["weights"], np.float64)
layers = []
for inputs, outputs in zip(sizes, sizes[1:]):
    w, flat = flat[: inputs * outputs].reshape(inputs, outputs), flat[inputs * outputs :]
    b, flat = flat[:outputs], flat[outputs:]
    layers.append((w.astype(dtype), b.astype(dtype)))


def predict(x):
    for n, (w, b) in enumerate(layers):
        x = x @ w + b
        if n < len(layers) - 1:
            x = 1 / (1 + np.exp(-x))
    return x.argmax(axis=1)


def one_pass(size):
    began = time.perf_counter()
    p = np.concatenate([predict(images[i : i + size].astype(dtype)) for i in range(0, len(images), size)])
    return {"elapsedMs": 1000 * (time.perf_counter() - began), "predictions": p.tolist()}


print(json.dumps({"numpy": np.__version__}), flush=True)
for line in sys.stdin:
    print(json.dumps(one_pass(json.loads(line)["batchSize"])), flush=True)
