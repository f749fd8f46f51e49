"""Networks as lists of layers, saved as arrays alone in each format, with the logits that PyTorch computes."""
import json, os, pickle, struct, sys
import h5py, numpy as np, torch, torch.nn.functional as F

folder = sys.argv[1]
torch.manual_seed(5)
ROWS, COLUMNS, COUNT = 12, 10, 4
pixels = torch.randint(0, 256, (COUNT, 1, ROWS, COLUMNS), dtype=torch.uint8)
result = {"pixels": pixels.flatten().tolist(), "files": []}


def pair(value):
    return list(value) if isinstance(value, list) else [value, value]


def sides(padding, size, kernel, stride, dilation):
    """Top, left, bottom, right."""
    if padding in (0, "valid"):
        return [0, 0, 0, 0]
    if padding == "same":
        total = [max(0, (-(-n // s) - 1) * s + (k - 1) * d + 1 - n)
                 for n, k, s, d in zip(size, kernel, stride, dilation)]
        return [total[0] // 2, total[1] // 2, total[0] - total[0] // 2, total[1] - total[1] // 2]
    if isinstance(padding, int):
        return [padding] * 4
    return padding if len(padding) == 4 else [padding[0], padding[1], padding[0], padding[1]]


def padded(x, layer, kernel, stride=None, value=0.0):
    dilation = pair(layer.get("dilation", 1))
    top, left, bottom, right = sides(layer.get("padding", 0), x.shape[2:], kernel, stride, dilation)
    return F.pad(x, (left, right, top, bottom), value=value)


def activated(layer, x, arrays):
    kind = layer["type"]
    if kind == "leaky-relu":
        return F.leaky_relu(x, layer.get("slope", 0.01))
    if kind == "prelu":
        slopes = layer["slopes"]
        return F.prelu(x, arrays[slopes] if isinstance(slopes, str) else torch.tensor(slopes, dtype=x.dtype))
    if kind == "elu":
        return F.elu(x, layer.get("alpha", 1.0))
    if kind == "hard-sigmoid":
        return torch.clamp(layer.get("alpha", 1 / 6) * x + layer.get("beta", 0.5), 0, 1)
    if kind == "hard-tanh":
        return F.hardtanh(x, layer.get("low", -1.0), layer.get("high", 1.0))
    if kind == "gelu-tanh":
        return F.gelu(x, approximate="tanh")
    plain = {"identity": lambda x: x, "sigmoid": torch.sigmoid, "relu": F.relu, "relu6": F.relu6,
             "tanh": torch.tanh, "selu": F.selu, "gelu": F.gelu, "silu": F.silu,
             "softplus": F.softplus, "softsign": F.softsign}
    return plain[kind](x)


def step(layer, x, arrays):
    kind = layer["type"]
    if kind == "conv2d":
        weights = arrays[layer["weights"]]
        stride = pair(layer.get("stride", 1))
        x = padded(x, layer, list(weights.shape[2:]), stride, layer.get("paddingValue", 0.0))
        return F.conv2d(x, weights, arrays.get(layer.get("bias")), stride=stride,
                        dilation=pair(layer.get("dilation", 1)), groups=layer.get("groups", 1))
    if kind == "dense":
        return F.linear(x, arrays[layer["weights"]], arrays.get(layer.get("bias")))
    if kind == "batch-normalization":
        return F.batch_norm(x, arrays[layer["mean"]], arrays[layer["variance"]], arrays.get(layer.get("weights")),
                            arrays.get(layer.get("bias")), eps=layer.get("epsilon", 1e-5))
    if kind in ("max-pool", "average-pool"):
        size = pair(layer["size"])
        stride = pair(layer.get("stride", size))
        if layer.get("padding") == "same":
            top, left, bottom, right = sides("same", x.shape[2:], size, stride, [1, 1])
            ones = F.pad(torch.ones_like(x), (left, right, top, bottom))
            if kind == "max-pool":
                return F.max_pool2d(F.pad(x, (left, right, top, bottom), value=-np.inf), size, stride)
            sums = F.avg_pool2d(F.pad(x, (left, right, top, bottom)), size, stride)
            return sums / F.avg_pool2d(ones, size, stride)
        more = {"padding": layer.get("padding", 0), "ceil_mode": layer.get("ceil", False)}
        if kind == "max-pool":
            return F.max_pool2d(x, size, stride, **more)
        return F.avg_pool2d(x, size, stride, count_include_pad=layer.get("countsPadding", True), **more)
    if kind == "global-max-pool":
        return x.amax((2, 3))
    if kind == "global-average-pool":
        return x.mean((2, 3))
    if kind == "flatten":
        return x.flatten(1)
    if kind == "pad":
        return padded(x, layer, [1, 1])
    if kind == "reshape":
        rows, columns, channels = layer["shape"]
        return x.reshape(len(x), channels, rows, columns)
    return activated(layer, x, arrays)


class Make:
    """Adds layers with arrays of random numbers."""

    def __init__(self, **facts):
        self.architecture = {**facts, "layers": []}
        self.arrays = {}

    def add(self, kind, **settings):
        self.architecture["layers"].append({"type": kind, **settings})
        return self

    def named(self, name, *shape, scale=1.0):
        fan = max(1, int(np.prod(shape[1:])))
        self.arrays[name] = torch.randn(shape) * scale / fan ** 0.5
        return name

    def conv(self, name, outputs, inputs, rows, columns, has_bias=True, **settings):
        bias = {"bias": self.named(f"{name}.bias", outputs)} if has_bias else {}
        return self.add("conv2d", weights=self.named(f"{name}.weight", outputs, inputs, rows, columns), **bias, **settings)

    def dense(self, name, outputs, inputs, has_bias=True):
        bias = {"bias": self.named(f"{name}.bias", outputs)} if has_bias else {}
        return self.add("dense", weights=self.named(f"{name}.weight", outputs, inputs), **bias)

    def norm(self, name, count, **settings):
        self.arrays[f"{name}.running_mean"] = torch.randn(count) / 3
        self.arrays[f"{name}.running_var"] = torch.rand(count) + 0.5
        return self.add("batch-normalization", weights=self.named(f"{name}.weight", count), bias=self.named(f"{name}.bias", count),
                        mean=f"{name}.running_mean", variance=f"{name}.running_var", **settings)

    def logits(self):
        x = pixels.double() / 255
        given = self.architecture.get("preprocessing", {})
        if given.get("kind") == "none":
            x = x * 255
        if given.get("kind") == "standardize":
            x = (x - given["mean"]) / given["std"]
        if isinstance(self.architecture.get("input"), int) or self.architecture.get("input") is None:
            x = x.flatten(1)
        arrays = {name: array.double() for name, array in self.arrays.items()}
        for layer in self.architecture["layers"]:
            x = step(layer, x, arrays)
        return x.flatten(1)


def convolutional():
    net = Make(input=[ROWS, COLUMNS], preprocessing={"kind": "standardize", "mean": 0.1307, "std": 0.3081}, output="log-softmax")
    net.conv("conv1", 4, 1, 3, 5, padding=[1, 2]).norm("bn1", 4, epsilon=0.001).add("leaky-relu", slope=0.2).add("max-pool", size=2)
    net.conv("conv2", 6, 2, 3, 2, has_bias=False, groups=2, stride=[1, 2], dilation=[2, 1], padding=[2, 1, 0, 1])
    net.add("prelu", slopes=net.named("slopes", 6)).add("average-pool", size=3, stride=2, padding=1, ceil=True)
    return net.add("flatten").dense("fc1", 7, size_of(net)).add("elu", alpha=0.5).dense("fc2", 5, 7, has_bias=False)


def size_of(net):
    return net.logits().shape[1]


def pools():
    net = Make(input=[ROWS, COLUMNS], preprocessing={"kind": "scale"}).add("pad", padding=[0, 1, 2, 0])
    net.conv("a", 3, 1, 2, 2, padding=[1, 0, 0, 2], paddingValue=0.5).add("gelu")
    net.add("average-pool", size=[3, 2], stride=[2, 1], padding=1, countsPadding=False).norm("n", 3)
    return net.conv("b", 5, 3, 1, 1).add("global-average-pool").dense("c", 4, 5)


def largest():
    net = Make(input=[ROWS, COLUMNS], preprocessing={"kind": "none"}, output="sigmoid").conv("a", 4, 1, 5, 5, stride=2).add("relu6")
    return net.add("global-max-pool").dense("c", 3, 4)


def every_activation():
    net = Make(preprocessing={"kind": "scale"}).dense("0", 6, ROWS * COLUMNS)
    kinds = [("identity", {}), ("sigmoid", {}), ("relu", {}), ("relu6", {}), ("tanh", {}), ("leaky-relu", {}), ("prelu", {"slopes": [0.1]}),
             ("elu", {}), ("selu", {}), ("gelu", {}), ("gelu-tanh", {}), ("silu", {}), ("softplus", {}), ("softsign", {}),
             ("hard-sigmoid", {}), ("hard-sigmoid", {"alpha": 0.2}), ("hard-tanh", {}), ("hard-tanh", {"low": -0.5, "high": 2})]
    for index, (kind, numbers) in enumerate(kinds):
        net.add(kind, **numbers).dense(f"{index + 1}", 6, 6)
    return net


def reshaped():
    net = Make(input=ROWS * COLUMNS, preprocessing={"kind": "scale"}).add("reshape", shape=[ROWS, COLUMNS, 1])
    net.conv("a", 4, 1, 3, 3, padding="same", stride=2).add("relu").add("max-pool", size=3, stride=2, padding="same")
    net.conv("b", 4, 1, 3, 3, padding=1, groups=4).conv("d", 8, 1, 2, 2, groups=4).add("average-pool", size=2, stride=2, padding="same").add("flatten")
    return net.dense("fc", 3, size_of(net))


def keras(net):
    """The same network in the order of Keras: names, arrays and architecture."""
    arrays = {}
    x = pixels.double()
    if isinstance(net.architecture.get("input"), int) or net.architecture.get("input") is None:
        x = x.flatten(1)
    flattened = None
    doubles = {name: array.double() for name, array in net.arrays.items()}
    for layer in net.architecture["layers"]:
        before, x = x.shape, step(layer, x, doubles)
        if layer["type"] == "flatten":
            flattened = before
        if layer["type"] == "conv2d":
            weights = net.arrays[layer["weights"]].permute(2, 3, 1, 0)
            groups = layer.get("groups", 1)
            if groups == before[1] > 1:
                weights = weights.reshape(*weights.shape[:2], groups, -1)
            arrays[layer["weights"]] = weights
        elif layer["type"] == "dense":
            weights = net.arrays[layer["weights"]]
            if flattened is not None:
                _, channels, rows, columns = flattened
                weights = weights.reshape(-1, channels, rows, columns).permute(0, 2, 3, 1).reshape(len(weights), -1)
                flattened = None
            arrays[layer["weights"]] = weights.T
    for name, array in net.arrays.items():
        arrays.setdefault(name, array)
    facts = {"flattening": "channels-last", "convWeights": "hwio", "denseWeights": "inputs-outputs"}
    return {**net.architecture, **facts}, arrays


def renamed(architecture, names):
    keys = ("weights", "bias", "mean", "variance", "slopes")
    def of(layer):
        return {key: names.get(value, value) if key in keys and isinstance(value, str) else value for key, value in layer.items()}
    return {**architecture, "layers": [of(layer) for layer in architecture["layers"]]}


def write(name, net):
    logits = net.logits().flatten().tolist()

    def written(file, architecture):
        path = f"{file}.architecture.json"
        with open(f"{folder}/{path}", "w") as out:
            json.dump(architecture, out)
        result["files"].append({"file": file, "architecture": path, "logits": logits})

    plain = {key: value.numpy() for key, value in net.arrays.items()}
    state = {**net.arrays, "bn.num_batches_tracked": torch.tensor(7)}
    torch.save({"model_state_dict": state, "epoch": 3}, f"{folder}/{name}.pt")
    np.savez(f"{folder}/{name}.npz", **plain, epochs=np.arange(3))
    with open(f"{folder}/{name}.pkl", "wb") as out:
        pickle.dump(plain, out)
    with open(f"{folder}/{name}.json", "w") as out:
        json.dump({key: value.tolist() for key, value in plain.items()}, out)
    os.mkdir(f"{folder}/{name}")
    for key, value in plain.items():
        np.save(f"{folder}/{name}/{key}.npy", np.asfortranarray(value))
    header, at, data = {}, 0, b""
    for key, value in plain.items():
        header[key] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [at, at + value.nbytes]}
        at += value.nbytes
        data += np.ascontiguousarray(value).tobytes()
    text = json.dumps(header).encode()
    with open(f"{folder}/{name}.safetensors", "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text + data)
    for ending in [".pt", ".npz", ".pkl", ".json", "", ".safetensors"]:
        written(name + ending, net.architecture)

    architecture, arrays = keras(net)
    with h5py.File(f"{folder}/{name}-3.weights.h5", "w") as file:
        names, counts = {}, {}
        for key, array in arrays.items():
            group = "layers/" + key.rsplit(".", 1)[0]
            index = counts[group] = counts.get(group, -1) + 1
            names[key] = f"{group}/vars/{index}"
            file[names[key]] = array.numpy()
        file["layers/dropout/seed_generator/vars/0"] = np.array([1, 2], np.uint32)
    written(f"{name}-3.weights.h5", renamed(architecture, names))
    with h5py.File(f"{folder}/{name}-2.weights.h5", "w") as file:
        names, groups = {}, {}
        for key, array in arrays.items():
            layer, part = key.rsplit(".", 1) if "." in key else (key, "alpha")
            groups.setdefault(layer, []).append(f"{layer}/{part}:0")
            names[key] = f"{layer}/{layer}/{part}:0"
            file[names[key]] = array.numpy()
        file.attrs["layer_names"] = [layer.encode() for layer in groups]
        for layer, paths in groups.items():
            file[layer].attrs["weight_names"] = [path.encode() for path in paths]
    written(f"{name}-2.weights.h5", renamed(architecture, names))


for name, net in [("cnn", convolutional()), ("pools", pools()), ("largest", largest()), ("activations", every_activation()),
                  ("reshaped", reshaped())]:
    write(name, net)

# Convolutions of Keras that one conventional architecture fits: no architecture is given.
pixels = torch.randint(0, 256, (2, 1, 28, 28), dtype=torch.uint8)
net = Make(input=[28, 28]).conv("conv2d", 4, 1, 3, 3).add("relu").add("max-pool", size=2).conv("conv2d_1", 5, 4, 3, 3).add("relu")
net.add("max-pool", size=2).add("flatten").dense("dense", 6, size_of(net)).add("relu").dense("dense_1", 10, 6)
_, arrays = keras(net)
listed = ["conv2d", "max_pooling2d", "conv2d_1", "max_pooling2d_1", "flatten", "dense", "dense_1"]
with h5py.File(f"{folder}/conventional-3.weights.h5", "w") as file:
    for name in listed:
        file.create_group(f"layers/{name}/vars")
    for key, array in arrays.items():
        layer, part = key.split(".")
        file[f"layers/{layer}/vars/{int(part == 'bias')}"] = array.numpy()
others = {"-average": "average_pooling2d", "-elu": "elu", "-rescaling": "rescaling_1"}
for ending, names in (("", listed), ("-fewer", [name for name in listed if name != "max_pooling2d"]),
                      *((ending, ["conv2d", other, *listed[1:]]) for ending, other in others.items())):
    with h5py.File(f"{folder}/conventional-2{ending}.weights.h5", "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in names]
        for name in names:
            parts = [part for part in ("kernel", "bias") if f"{name}.{part.replace('kernel', 'weight')}" in arrays]
            file.create_group(name).attrs["weight_names"] = [f"{name}/{part}:0".encode() for part in parts]
            for part in parts:
                file[f"{name}/{name}/{part}:0"] = arrays[f"{name}.{part.replace('kernel', 'weight')}"].numpy()
# Dense layers alone: the names of layers without arrays decide whether ReLU may be assumed.
for ending, other in (("", "re_lu"), ("-lambda", "lambda"), ("-leaky", "leaky_re_lu")):
    with h5py.File(f"{folder}/dense-2{ending}.h5", "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in ("flatten", "dense", other, "dense_1")]
        for name, shape in (("flatten", None), ("dense", (6, 4)), (other, None), ("dense_1", (4, 3))):
            file.create_group(name).attrs["weight_names"] = [f"{name}/kernel:0".encode()] if shape else np.array([], "S1")
            if shape:
                file[f"{name}/{name}/kernel:0"] = np.ones(shape, np.float32)
result["conventional"] = {"pixels": pixels.flatten().tolist(), "logits": net.logits().flatten().tolist()}
print(json.dumps(result))
