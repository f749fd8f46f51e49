"""Predictions of strangers' networks, built in PyTorch from their arrays as their makers' programs do. In float64."""
import gzip, json, os, struct, sys
import numpy as np, torch, torch.nn.functional as F

wild, mnist = sys.argv[1:3]


def images():
    path = f"{mnist}/t10k-images-idx3-ubyte"
    data = open(path, "rb").read() if os.path.exists(path) else gzip.open(path + ".gz").read()
    return torch.tensor(np.frombuffer(data, np.uint8)[16:].reshape(-1, 1, 28, 28).copy()).double()


def arrays(path):
    path = f"{wild}/{path}"
    if path.endswith(".pth"):
        return {name: value.double() for name, value in torch.load(path, map_location="cpu").items()}
    data = open(path, "rb").read()
    if path.endswith(".json"):
        return {name: torch.tensor(value).double() for name, value in json.loads(data).items()}
    begin = 8 + struct.unpack("<Q", data[:8])[0]
    entries = {name: entry for name, entry in json.loads(data[8:begin]).items() if entry.get("dtype") == "F32"}
    def tensor(entry):
        first, last = entry["data_offsets"]
        return torch.tensor(np.frombuffer(data[begin + first:begin + last], "<f4").reshape(entry["shape"]).copy())
    return {name: tensor(entry).double() for name, entry in entries.items()}


def conv(x, a, name, padding=0):
    return F.conv2d(x, a[f"{name}.weight"], a[f"{name}.bias"], padding=padding)


def norm(x, a, name):
    return F.batch_norm(x, *(a[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")), eps=1e-5)


def linear(x, a, name):
    return F.linear(x.flatten(1), a[f"{name}.weight"], a[f"{name}.bias"])


def choimagon(x, a):
    return linear(F.max_pool2d(F.relu(conv(x / 255, a, "conv.0")), 2), a, "fc")


def karelnagel(x, a):
    for first, second, last in ((0, 2, 4), (6, 8, 10)):
        x = F.relu(conv(F.relu(conv(x, a, f"layers.{first}")), a, f"layers.{second}"))
        x = F.max_pool2d(norm(x, a, f"layers.{last}"), 2)
    return linear(x, a, "layers.13")


def sanyexieai(x, a):
    x = (x / 255 - 0.1307) / 0.3081
    for number in "123":
        x = F.relu(norm(F.max_pool2d(conv(x, a, f"conv{number}", padding=1), 2), a, f"bn{number}"))
    return linear(x, a, "fc")


def sadblack(x, a):
    x = x / 255
    for name in ("0.0", "1.0", "2.0"):
        x = F.relu(linear(x, a, name))
    return linear(x, a, "3")


def t1ckbase(x, a):
    return linear(F.max_pool2d(F.relu(conv(x / 255, a, "conv_layer.0", padding=2)), 2), a, "fc_layer")


x = images()
predictions = {}
for path, (network, limit) in json.loads(sys.argv[3]).items():
    a = arrays(path)
    with torch.no_grad():
        parts = [globals()[network](part, a).argmax(1) for part in x[:limit].split(500)]
    predictions[path] = torch.cat(parts).tolist()
print(json.dumps(predictions))
