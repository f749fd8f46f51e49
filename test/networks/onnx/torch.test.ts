/** Networks that PyTorch exports: each operator and attribute, logits against PyTorch's own. */
import { join } from "node:path";
import type { ActivationLayer } from "#src/base/contracts/network.js";
import { createEngine } from "#src/engines/registry.js";
import { foldPreprocessing } from "#src/networks/fold-maps.js";
import { loadNetwork } from "#src/networks/registry.js";
import { inCase } from "../../helpers/in-case.js";
import { largestDifference } from "../../helpers/preprocess.js";
import { pythonWith, runPython } from "../../helpers/python.js";
import { needs } from "../../helpers/require.js";
import { temporaryFolder } from "../../helpers/temporary.js";

const python = pythonWith("torch", "onnx");
const withTorch = needs("torch", python !== undefined);
/** Of float32, relative to the largest logit. */
const TOLERANCE = 1e-5;

/** Exports each model with random weights, and computes its logits for two images of bytes. */
const SCRIPT = `
import json, sys, warnings, io
warnings.filterwarnings("ignore")
import torch
from torch import nn
import torch.nn.functional as F
torch.manual_seed(3)

class Fn(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f
    def forward(self, x):
        return self.f(x)

def norm(channels, kind=nn.BatchNorm2d):
    layer = kind(channels)
    layer.running_mean = torch.randn(channels) / 4
    layer.running_var = torch.rand(channels) + 0.5
    layer.weight.data = torch.rand(channels) + 0.5
    layer.bias.data = torch.randn(channels) / 4
    return layer

def cnn(*middle, channels=1, size=(9, 8), last=()):
    body = nn.Sequential(*middle)
    with torch.no_grad():
        width = body.eval()(torch.zeros(1, channels, *size)).flatten(1).shape[1]
    return nn.Sequential(body, nn.Flatten(), nn.Linear(width, 5), *last), (channels, *size)

def act(layer):
    return cnn(nn.Conv2d(1, 4, 3), layer)

conv = lambda *a, **k: nn.Conv2d(*a, **k)
M = {
  "stride, padding, dilation": cnn(conv(1, 4, 3, stride=2, padding=(1, 2), dilation=(2, 1)), nn.ReLU()),
  "groups": cnn(conv(1, 4, 3), nn.ReLU(), conv(4, 8, 3, groups=2), nn.ReLU(), conv(8, 8, 3, groups=8)),
  "no biases": cnn(conv(1, 4, 3, bias=False), nn.ReLU()),
  "three channels": cnn(conv(3, 4, 3), nn.ReLU(), channels=3),
  "max pool": cnn(conv(1, 4, 3), nn.MaxPool2d(3, 2, padding=1)),
  "max pool, ceil": cnn(conv(1, 4, 2), nn.MaxPool2d(3, 2, ceil_mode=True)),
  "max pool, ceil and padding": cnn(conv(1, 4, 2), nn.MaxPool2d(2, 2, padding=1, ceil_mode=True)),
  "average pool": cnn(conv(1, 4, 3), nn.AvgPool2d(2)),
  "average pool that counts its padding": cnn(conv(1, 4, 3), nn.AvgPool2d(3, 2, padding=1)),
  "average pool that does not": cnn(conv(1, 4, 3), nn.AvgPool2d(3, 2, padding=1, count_include_pad=False)),
  "adaptive average pool": cnn(conv(1, 4, 3), nn.AdaptiveAvgPool2d(1)),
  "adaptive max pool": cnn(conv(1, 4, 3), nn.AdaptiveMaxPool2d(1)),
  "mean over places": cnn(conv(1, 4, 3), Fn(lambda x: x.mean((2, 3)))),
  "mean over places, kept": cnn(conv(1, 4, 3), Fn(lambda x: x.mean((2, 3), keepdim=True))),
  "largest of places": cnn(conv(1, 4, 3), Fn(lambda x: x.amax((2, 3)))),
  "batch normalization": cnn(conv(1, 4, 3), norm(4), nn.ReLU(), conv(4, 4, 3), nn.ReLU(), norm(4)),
  "batch normalization first": cnn(norm(1), conv(1, 4, 3, padding=1), nn.ReLU()),
  "batch normalization of units": (nn.Sequential(nn.Flatten(), nn.Linear(72, 6), norm(6, nn.BatchNorm1d), nn.ReLU(), norm(6, nn.BatchNorm1d), nn.Linear(6, 5)), (1, 9, 8)),
  "zero padding": cnn(nn.ZeroPad2d((1, 2, 0, 1)), conv(1, 4, 3), nn.ReLU()),
  "zero padding before a pool": cnn(conv(1, 4, 3), nn.ZeroPad2d((1, 0, 1, 0)), nn.MaxPool2d(2)),
  "zero padding alone": cnn(conv(1, 4, 3), nn.ReLU(), nn.ZeroPad2d(1)),
  "dropout": cnn(conv(1, 4, 3), nn.Dropout2d(0.5), nn.ReLU(), nn.Dropout(0.5), nn.Identity()),
  "per-channel constants": cnn(conv(1, 4, 3), Fn(lambda x: x * torch.arange(1.0, 5.0).view(4, 1, 1) + torch.arange(4.0).view(1, 4, 1, 1) - 1), nn.ReLU()),
  "one minus": cnn(conv(1, 4, 3), nn.ReLU(), Fn(lambda x: (1 - x) / 3)),
  "standardized within": cnn(Fn(lambda x: (x - 0.1307) / 0.3081), conv(1, 4, 3, padding=1), nn.ReLU()),
  "view": (nn.Sequential(conv(1, 4, 3), nn.ReLU(), Fn(lambda x: x.view(x.size(0), -1)), nn.Linear(168, 5)), (1, 9, 8)),
  "view of known width": (nn.Sequential(conv(1, 4, 3), nn.ReLU(), Fn(lambda x: x.view(-1, 168)), nn.Linear(168, 5)), (1, 9, 8)),
  "view of computed width": (nn.Sequential(conv(1, 4, 3), nn.ReLU(), Fn(lambda x: x.reshape(x.shape[0], x.shape[1] * x.shape[2] * x.shape[3])), nn.Linear(168, 5)), (1, 9, 8)),
  "flat pixels": (nn.Sequential(Fn(lambda x: x.view(-1, 1, 9, 8)), conv(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(168, 5)), (72,)),
  "rows and columns": (nn.Sequential(Fn(lambda x: x.unsqueeze(1)), conv(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(168, 5)), (9, 8)),
  "channels last": (nn.Sequential(Fn(lambda x: x.permute(0, 3, 1, 2)), conv(1, 4, 3), nn.ReLU(), Fn(lambda x: x.permute(0, 2, 3, 1)), nn.Flatten(), nn.Linear(168, 5)), (9, 8, 1)),
  "squeeze": (nn.Sequential(conv(1, 4, 3), nn.AdaptiveAvgPool2d(1), Fn(lambda x: x.squeeze(3).squeeze(2)), nn.Linear(4, 5)), (1, 9, 8)),
  "convolutions to the end": (nn.Sequential(conv(1, 4, 3), nn.ReLU(), conv(4, 5, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()), (1, 9, 8)),
  "double": cnn(conv(1, 4, 3), nn.ReLU()),
  "Softmax": cnn(conv(1, 4, 3), nn.ReLU(), last=(nn.Softmax(1),)),
  "LogSoftmax": cnn(conv(1, 4, 3), nn.ReLU(), last=(nn.LogSoftmax(1),)),
  "final Sigmoid": cnn(conv(1, 4, 3), nn.Sigmoid(), last=(nn.Sigmoid(),)),
  "activations first": (nn.Sequential(nn.Flatten(), nn.Sigmoid(), nn.Linear(72, 5)), (1, 9, 8)),
  "two activations": act(nn.Sequential(nn.ReLU(), nn.Tanh())),
}
for name, layer in {
  "relu": nn.ReLU(), "sigmoid": nn.Sigmoid(), "tanh": nn.Tanh(), "relu6": nn.ReLU6(), "leaky-relu": nn.LeakyReLU(0.2),
  "prelu": nn.PReLU(4), "elu": nn.ELU(0.7), "selu": nn.SELU(), "gelu": nn.GELU(), "gelu-tanh": nn.GELU(approximate="tanh"),
  "silu": nn.SiLU(), "softplus": nn.Softplus(), "softsign": nn.Softsign(), "hard-sigmoid": nn.Hardsigmoid(),
  "hard-tanh": nn.Hardtanh(-0.4, 0.6),
}.items():
    M["activation " + name] = act(layer)
M["one slope"] = act(nn.PReLU())

out = []
for n, (name, (model, shape)) in enumerate(M.items()):
    model = model.eval()
    kind = torch.float64 if name == "double" else torch.float32
    model = model.to(kind)
    images = torch.randint(0, 256, (2, *shape), dtype=torch.uint8)
    for opset in (9, 11, 13, 17):
        fixed = opset == 11
        file = f"{sys.argv[1]}/{n}-{opset}.onnx"
        try:
            torch.onnx.export(model, torch.zeros(1 if fixed else 2, *shape, dtype=kind), file, opset_version=opset,
                input_names=["x"], output_names=["y"], dynamic_axes=None if fixed else {"x": {0: "N"}, "y": {0: "N"}})
        except Exception as error:
            out.append({"name": name, "opset": opset, "failed": str(error)[:80]})
            continue
        head = model
        ends = {nn.Softmax: "softmax", nn.LogSoftmax: "log-softmax", nn.Sigmoid: "sigmoid"}.get(type(model[-1]))
        if ends: head = model[:-1]
        with torch.no_grad():
            logits = head(images.to(kind) / 255)
        # Our images have their channels last.
        pixels = images.permute(0, 2, 3, 1) if name == "three channels" else images
        out.append({"name": name, "opset": opset, "file": file, "ends": ends, "pixels": pixels.flatten().tolist(),
            "logits": logits.flatten().tolist()})
json.dump(out, sys.stdout)
`;

interface Exported {
  readonly name: string;
  readonly opset: number;
  readonly failed?: string;
  readonly file: string;
  readonly ends: ActivationLayer["ends"] | null;
  readonly pixels: readonly number[];
  readonly logits: readonly number[];
}

withTorch("reads what PyTorch exports, and computes its logits", async (t) => {
  t.timeout(600_000);
  const folder = await temporaryFolder(t);
  const exported = runPython(python, SCRIPT, join(folder, "")) as Exported[];
  const read = exported.filter(({ failed }) => failed === undefined);
  let largest = 0;
  for (const { name, opset, file, ends, pixels, logits } of read) {
    await inCase(t, `reads ${name}, opset ${opset}`, async () => {
      const network = await loadNetwork(file, { normalize: "scale" });
      t.is(network.layers.at(-1)?.ends, ends ?? undefined);
      const engine = await createEngine("reference", foldPreprocessing(network));
      const found = new Float64Array(logits.length);
      await engine.forward(Uint8Array.from(pixels), 2, found);
      const difference = largestDifference(found, logits) / Math.max(1, ...logits.map(Math.abs));
      t.true(difference < TOLERANCE, `${name}, opset ${opset}: ${difference}`);
      largest = Math.max(largest, difference);
    });
  }
  // Some opsets lack an operator; most exports work.
  t.log(`${read.length} of ${exported.length} models; largest difference ${largest.toExponential(1)}`);
  t.true(read.length > 0.9 * exported.length);
});
