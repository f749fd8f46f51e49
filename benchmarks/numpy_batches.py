"""NumPy's time for the same forward pass at several batch sizes: reads images, weights and sizes on stdin, answers JSON."""
import json
import sys
import time

import numpy as np

request = json.load(sys.stdin)
images = np.fromfile(request["pixels"], np.uint8).reshape(-1, request["layers"][0])
sizes = request["layers"]
flat = np.fromfile(request["weights"], np.float64)
layers = []
for inputs, outputs in zip(sizes, sizes[1:]):
    w, flat = flat[: inputs * outputs].reshape(inputs, outputs), flat[inputs * outputs :]
    b, flat = flat[:outputs], flat[outputs:]
    layers.append((w, b))


def predict(x):
    for n, (w, b) in enumerate(layers):
        x = x @ w + b
        if n < len(layers) - 1:
            x = 1 / (1 + np.exp(-x))
    return x.argmax(axis=1)


def one_pass(size):
    began = time.perf_counter()
    p = np.concatenate([predict(images[i : i + size].astype(np.float64)) for i in range(0, len(images), size)])
    return 1000 * (time.perf_counter() - began), p


answer = {"numpy": np.__version__, "medianMs": {}}
for size in request["batchSizes"]:
    one_pass(size)
    times = [one_pass(size) for _ in range(request["rounds"])]
    answer["medianMs"][size] = float(np.median([t for t, _ in times]))
    answer["predictions"] = times[0][1].tolist()
json.dump(answer, sys.stdout)
