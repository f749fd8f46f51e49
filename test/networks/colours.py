"""Networks of coloured images in several formats, with PyTorch's log-probabilities in float32.

python3 test/networks/colours.py FOLDER KERAS_LAYOUTS writes images in CIFAR's binary version and the networks, and prints the
log-probabilities by the names of the files.
"""
import json
import sys

import numpy as np
import torch
from torch import nn

folder, layouts_folder = sys.argv[1:]
sys.path.insert(0, layouts_folder)
import layouts  # noqa: E402

torch.manual_seed(17)
random = np.random.default_rng(17)
COUNT = 24
images = random.integers(0, 256, (COUNT, 32, 32, 3), dtype=np.uint8)
labels = random.integers(0, 10, COUNT, dtype=np.uint8)
records = np.concatenate([labels[:, None], images.transpose(0, 3, 1, 2).reshape(COUNT, -1)], 1)
records.astype(np.uint8).tofile(f"{folder}/test_batch.bin")

x = torch.tensor(images.transpose(0, 3, 1, 2).astype(np.float32))
MEAN, STD = torch.tensor([0.4914, 0.4822, 0.4465]), torch.tensor([0.2470, 0.2435, 0.2616])
standardized = (x / 255 - MEAN[:, None, None]) / STD[:, None, None]
answers = {}


def note(name, logits):
    answers[name] = torch.log_softmax(logits.double(), 1).reshape(-1).tolist()


class Dense(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(3072, 24), nn.Linear(24, 10)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x.flatten(1))))


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 5, 3, padding=1), nn.Conv2d(5, 6, 3, padding=1)
        self.fc1 = nn.Linear(6 * 8 * 8, 10)

    def forward(self, x):
        x = torch.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = torch.max_pool2d(torch.relu(self.conv2(x)), 2)
        return self.fc1(x.flatten(1))


class Whole(nn.Module):
    """A network that standardizes bytes by itself."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner((x / 255 - MEAN[:, None, None]) / STD[:, None, None])


def export(name, model, shape):
    torch.onnx.export(model.eval(), torch.zeros(1, *shape), f"{folder}/{name}", input_names=["x"], output_names=["y"],
                      dynamic_axes={"x": {0: "N"}, "y": {0: "N"}}, opset_version=13)


dense, cnn = Dense(), Cnn()
rows = nn.Sequential(nn.BatchNorm1d(3072), nn.Linear(3072, 10)).eval()
rows[0].running_mean.uniform_(-1, 1)
rows[0].running_var.uniform_(0.5, 2)
with torch.no_grad():
    for name, model in {"dense": dense, "cnn": cnn}.items():
        torch.save(model.state_dict(), f"{folder}/{name}.pt")
        note(f"{name}.pt", model(standardized))
        export(f"{name}.onnx", model, (3, 32, 32))
        note(f"{name}.onnx", model(standardized))
    export("rows.onnx", rows, (3072,))
    note("rows.onnx", rows(standardized.flatten(1)))
    export("flat.onnx", dense, (3072,))
    note("flat.onnx", dense(standardized))
    export("bytes.onnx", Whole(cnn), (3, 32, 32))
    note("bytes.onnx", cnn(standardized))
    arrays = {"W1": dense.fc1.weight.T, "b1": dense.fc1.bias, "W2": dense.fc2.weight.T, "b2": dense.fc2.bias}
    np.savez(f"{folder}/plain.npz", **{name: array.numpy() for name, array in arrays.items()})
    # Plain arrays are read as channels last.
    last = standardized.permute(0, 2, 3, 1).flatten(1)
    note("plain.npz", dense(last))


def numbers(*shape):
    return random.normal(0, 0.2, shape).astype(np.float32)


def layer(kind, config=None, weights=()):
    return {"class": kind, "config": config or {}, "weights": list(weights)}


def keras(name, layers, images):
    for index, one in enumerate(layers):
        one["name"] = f"{layouts.snake(one['class'])}_{index}"
    layouts.save_h5(f"{folder}/{name}", layers, "2.10")
    note(name, layouts.forward(torch, layers, images).reshape(COUNT, -1))


image = layer("InputLayer", {"batch_shape": [None, 32, 32, 3]})
conv = layer("Conv2D", {"filters": 4, "kernel_size": [5, 5], "strides": [2, 2], "padding": "same", "use_bias": True,
                        "activation": "relu", "data_format": "channels_last"},
             [("kernel", numbers(5, 5, 3, 4)), ("bias", numbers(4))])
head = layer("Dense", {"units": 10, "activation": "softmax", "use_bias": False}, [("kernel", numbers(1024, 10) / 4)])
bytes_last = torch.tensor(images.astype(np.float32))
keras("keras-cnn.h5", [image, conv, layer("Flatten"), head], bytes_last / 255)
normalization = layer("Normalization", {"axis": [-1], "mean": None, "variance": None},
                      [("mean", np.float32([125.3, 122.9, 113.8])), ("variance", np.float32([3967.0, 3855.0, 4450.0]))])
keras("keras-bytes.h5", [image, normalization, conv, layer("Flatten"), head], bytes_last)
flat = layer("Dense", {"units": 10, "activation": "linear", "use_bias": False}, [("kernel", numbers(3072, 10) / 8)])
keras("keras-dense.h5", [image, layer("Flatten"), flat], bytes_last / 255)
row = layer("InputLayer", {"batch_shape": [None, 3072]})
keras("keras-row.h5", [row, flat], (bytes_last / 255).flatten(1))

json.dump(answers, sys.stdout)
