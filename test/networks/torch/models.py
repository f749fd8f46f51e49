"""Networks saved by PyTorch in each way that Batchwise reads, with the logits that PyTorch computes."""
import json, sys, warnings
import torch, torch.nn as nn, torch.nn.functional as F
from collections import OrderedDict

warnings.simplefilter("ignore")
folder = sys.argv[1]
torch.manual_seed(3)
COUNT = 5
pixels = torch.randint(0, 256, (COUNT, 1, 28, 28), dtype=torch.uint8)
x = pixels.float() / 255
result = {"pixels": pixels.flatten().tolist(), "models": {}}


def awake(model):
    """Statistics and slopes other than those of a new model."""
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
            if module.affine:
                module.weight.data.uniform_(-1, 2)
                module.bias.data.normal_(0, 0.3)
        if isinstance(module, nn.PReLU):
            module.weight.data.uniform_(-0.5, 0.5)
    return model.eval()


def save(name, model, what=lambda m: m.state_dict(), logits=None, **more):
    awake(model)
    with torch.no_grad():
        out = (logits or model)(x)
    torch.save(what(model), f"{folder}/{name}", **more)
    result["models"][name] = out.double().flatten().tolist()


class Net(nn.Module):
    """Modules by keyword in the order of registration, and a forward pass."""

    def __init__(self, forward, **modules):
        super().__init__()
        self.run = forward
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, x):
        return self.run(self, x)


def mlp(act=torch.relu, **more):
    def forward(m, x):
        return m.fc3(act(m.fc2(act(m.fc1(x.flatten(1))))))
    return Net(forward, fc1=nn.Linear(784, 12), fc2=nn.Linear(12, 9), fc3=nn.Linear(9, 10, bias=False), **more)


LEGACY = {"_use_new_zipfile_serialization": False}
save("mlp.pt", mlp())
save("mlp-legacy.pth", mlp(), **LEGACY)
save("mlp-protocol-4.pt", mlp(), pickle_protocol=4)
save("mlp-two-named.pt", mlp(relu=nn.ReLU(), tanh1=nn.Tanh()))
save("mlp-tanh-named.pt", mlp(torch.tanh, tanh=nn.Tanh(), dropout=nn.Dropout()))
save("mlp-model_state_dict.pt", mlp(), lambda m: {"epoch": 3, "model_state_dict": m.state_dict(), "optimizer_state_dict": {"state": {0: {"step": torch.tensor(1.0)}}}, "loss": 0.1})
save("mlp-state_dict.bin", mlp(), lambda m: {"state_dict": m.state_dict()}, **LEGACY)
save("mlp-model.pt", mlp(), lambda m: {"model": m.state_dict(), "model_ema": m.state_dict()})
save("mlp-loss.pt", mlp(), lambda m: {"model_state_dict": m.state_dict(), "loss": torch.tensor(0.1), "best": torch.tensor([98.1])})
save("mlp-averaged.pt", mlp(), lambda m: torch.optim.swa_utils.AveragedModel(m).state_dict())
save("mlp-net.pt", mlp(), lambda m: {"net": m.state_dict(), "acc": 98.1})
save("mlp-parallel.pt", mlp(), lambda m: OrderedDict(("module._orig_mod." + k, v) for k, v in m.state_dict().items()))
save("mlp-dict.pt", mlp(), lambda m: dict(m.state_dict()))
save("mlp-parameters.pt", mlp(), lambda m: dict(m.named_parameters()))
for name in ["half", "bfloat16", "double"]:
    model = mlp()
    for parameter in model.parameters():
        parameter.data = getattr(parameter.data, name)().float()
    save(f"mlp-{name}.pt", model, lambda m: OrderedDict((k, getattr(v, name)()) for k, v in m.state_dict().items()))
save("mlp-transposed.pt", mlp(), lambda m: OrderedDict((k, v.t().contiguous().t() if v.dim() == 2 else v) for k, v in m.state_dict().items()))


def views(m):
    flat = torch.cat([v.flatten() for v in m.state_dict().values()])
    views, at = OrderedDict(), 0
    for k, v in m.state_dict().items():
        views[k] = flat[at:at + v.numel()].view(v.shape)
        at += v.numel()
    return views


save("mlp-one-storage.pt", mlp(), views)
save("mlp-one-storage-legacy.pt", mlp(), views, **LEGACY)


def normalized(m, x):
    x = F.relu(m.bn1(m.fc1(x.flatten(1))))
    return m.fc2(F.relu(m.bn2(m.hidden(x))))


save("mlp-norm.pt", Net(normalized, fc1=nn.Linear(784, 12), bn1=nn.BatchNorm1d(12), hidden=nn.Linear(12, 12), bn2=nn.BatchNorm1d(12), fc2=nn.Linear(12, 10)))

# Convolutions: what follows them is what the reader has to find.
PADS = {"valid": 0, "same": 1}


def two(pad):
    def forward(m, x):
        x = F.max_pool2d(F.relu(m.conv1(x)), 2)
        x = F.max_pool2d(F.relu(m.conv2(x)), 2)
        return m.fc2(F.relu(m.fc1(x.flatten(1))))
    side = {0: 5, 1: 7}[pad]
    return Net(forward, conv1=nn.Conv2d(1, 4, 3, padding=pad), conv2=nn.Conv2d(4, 6, 3, padding=pad, bias=False), fc1=nn.Linear(6 * side * side, 16), fc2=nn.Linear(16, 10))


save("cnn-valid.pt", two(0))
save("cnn-same-legacy.pt", two(1), **LEGACY)
save("cnn-channels-last.pt", two(1).to(memory_format=torch.channels_last))


def mnist_example(m, x):
    x = F.max_pool2d(F.relu(m.conv2(F.relu(m.conv1(x)))), 2)
    return F.log_softmax(m.fc2(F.relu(m.fc1(x.flatten(1)))), 1)


example = Net(mnist_example, conv1=nn.Conv2d(1, 4, 3), conv2=nn.Conv2d(4, 6, 3), dropout1=nn.Dropout(), fc1=nn.Linear(6 * 144, 16), fc2=nn.Linear(16, 10))
save("cnn-mnist-example.pt", example, logits=lambda x: example.fc2(F.relu(example.fc1(F.max_pool2d(F.relu(example.conv2(F.relu(example.conv1(x)))), 2).flatten(1)))))


def lenet(m, x):
    x = F.max_pool2d(F.relu(m.conv1(x)), 2)
    x = F.max_pool2d(F.relu(m.conv2(x)), 2)
    return m.fc2(F.relu(m.fc1(x.flatten(1))))


def lenet_5(m, x):
    x = m.avgpool(m.tanh(m.conv2(m.avgpool(m.tanh(m.conv1(x))))))
    return m.fc2(m.tanh(m.fc1(x.flatten(1))))


save("cnn-average.pt", Net(lenet_5, conv1=nn.Conv2d(1, 3, 5, padding=2), avgpool=nn.AvgPool2d(2), conv2=nn.Conv2d(3, 4, 5), tanh=nn.Tanh(), fc1=nn.Linear(4 * 25, 16), fc2=nn.Linear(16, 10)))
save("cnn-lenet.pt", Net(lenet, conv1=nn.Conv2d(1, 3, 5, padding=2), conv2=nn.Conv2d(3, 4, 5), fc1=nn.Linear(4 * 25, 16), fc2=nn.Linear(16, 10)))


def norms(m, x):
    x = F.max_pool2d(F.relu(m.bn1(m.conv1(x))), 2)
    x = F.max_pool2d(F.relu(m.bn2(m.conv2(x))), 2)
    return m.fc2(F.relu(m.bn3(m.fc1(x.flatten(1)))))


save("cnn-norms-apart.pt", Net(norms, conv1=nn.Conv2d(1, 5, 3), conv2=nn.Conv2d(5, 5, 3), bn1=nn.BatchNorm2d(5), bn2=nn.BatchNorm2d(5), fc1=nn.Linear(125, 16), bn3=nn.BatchNorm1d(16), fc2=nn.Linear(16, 10)))


def features(*order, side):
    """Layers of two nn.Sequential, as state dicts show them: numbers alone."""
    net = Net(lambda m, x: m.classifier(m.features(x).flatten(1)), features=nn.Sequential(*order), classifier=nn.Sequential(nn.Dropout(), nn.Linear(6 * side * side, 16), nn.ReLU(), nn.Linear(16, 10)))
    return net


C, R, P = (lambda i, o: nn.Conv2d(i, o, 3, padding=1)), nn.ReLU, (lambda: nn.MaxPool2d(2))
save("cnn-pool-second.pt", features(C(1, 4), R(), C(4, 6), R(), P(), side=14))
save("cnn-pool-first.pt", features(C(1, 4), R(), P(), C(4, 6), R(), side=14))
save("cnn-norm-then-relu.pt", features(C(1, 4), nn.BatchNorm2d(4), R(), P(), C(4, 6), nn.BatchNorm2d(6), R(), P(), side=7))
save("cnn-relu-then-norm.pt", features(C(1, 4), R(), nn.BatchNorm2d(4), P(), C(4, 6), R(), nn.BatchNorm2d(6, affine=False), P(), side=7))
save("cnn-pool-then-norm.pt", features(C(1, 4), R(), P(), nn.BatchNorm2d(4), C(4, 6), R(), P(), nn.Dropout(), nn.BatchNorm2d(6), side=7))

# What several architectures explain.
refused = {
    "refused-pools.pt": Net(None, conv1=C(1, 4), conv2=C(4, 6), fc=nn.Linear(6 * 196, 10)),
    "refused-average.pt": Net(None, conv1=C(1, 4), fc=nn.Linear(4, 10)),
    "refused-color.pt": Net(None, conv1=C(3, 4), fc=nn.Linear(4 * 196, 10)),
    "refused-size.pt": Net(None, conv1=C(1, 4), fc=nn.Linear(4 * 225, 10)),
    "refused-no-linear.pt": Net(None, conv1=C(1, 4), conv2=C(4, 10)),
    "refused-branch.pt": Net(None, left=C(1, 4), right=nn.Conv2d(1, 4, 5), fc=nn.Linear(8 * 196, 10)),
    "refused-bare-norm.pt": Net(None, conv1=C(1, 4), norm1=nn.InstanceNorm2d(4), fc=nn.Linear(4 * 784, 10)),
    "refused-layer-norm.pt": Net(None, conv1=C(1, 4), norm=nn.LayerNorm(28), fc=nn.Linear(4 * 784, 10)),
    "refused-norm-first.pt": Net(None, bn=nn.BatchNorm2d(1), conv1=C(1, 4), fc=nn.Linear(4 * 784, 10)),
}
refused["refused-lists.pt"] = Net(None, convs=nn.ModuleList([C(1, 4), C(4, 4)]), norms=nn.ModuleList([nn.BatchNorm2d(4)]), fc=nn.Linear(4 * 49, 10))
for name, model in refused.items():
    torch.save(model.state_dict(), f"{folder}/{name}")

# Whole modules, in which every number stands.
whole = lambda m: m
save("whole-mlp.pt", nn.Sequential(nn.Flatten(), nn.Linear(784, 12), nn.Tanh(), nn.Linear(12, 9), nn.Sigmoid(), nn.Linear(9, 10)), whole)
save("whole-mlp-legacy.pt", nn.Sequential(nn.Flatten(), nn.Linear(784, 12), nn.ReLU(), nn.Linear(12, 10)), whole, **LEGACY)
save("whole-mlp-protocol-4.pt", nn.Sequential(nn.Flatten(), nn.Linear(784, 12), nn.ReLU(), nn.Linear(12, 10)), whole, pickle_protocol=4)
save("whole-in-checkpoint.pt", nn.Sequential(nn.Flatten(), nn.Linear(784, 12), nn.ReLU(), nn.Linear(12, 10)), lambda m: {"model": m})
save("whole-cnn.pt", nn.Sequential(OrderedDict(
    conv=nn.Conv2d(1, 4, (3, 5), stride=(2, 1), padding=(0, 3), bias=False), norm=nn.BatchNorm2d(4, eps=0.01), act=nn.LeakyReLU(0.2), pool=nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True),
    block=nn.Sequential(nn.Conv2d(4, 8, 3, padding="same", dilation=2, groups=2), nn.PReLU(8), nn.AvgPool2d(2, stride=2, padding=1, count_include_pad=False), nn.BatchNorm2d(8)),
    more=nn.Conv2d(8, 6, 2, padding="same"), elu=nn.ELU(0.7), average=nn.AdaptiveAvgPool2d(1), flat=nn.Flatten(), drop=nn.Dropout(), same=nn.Identity(), fc=nn.Linear(6, 10))), whole)
save("whole-pools.pt", nn.Sequential(nn.ZeroPad2d((1, 2, 0, 1)), nn.Conv2d(1, 3, 4), nn.GELU(), nn.AvgPool2d(2), nn.BatchNorm2d(3, affine=False), nn.Conv2d(3, 6, 3), nn.SiLU(), nn.AdaptiveMaxPool2d((11, 6)), nn.Flatten(), nn.Linear(396, 20), nn.BatchNorm1d(20), nn.PReLU(), nn.Linear(20, 10)), whole)
numbers = [nn.ReLU6(), nn.SELU(), nn.GELU(approximate="tanh"), nn.Softplus(), nn.Softsign(), nn.Hardsigmoid(), nn.Hardtanh(-0.3, 0.4), nn.PReLU()]
layers = [nn.Flatten()]
for n, act in enumerate(numbers):
    layers += [nn.Linear(784 if n == 0 else 12, 12), act]
save("whole-activations.pt", nn.Sequential(*layers, nn.Linear(12, 10)), whole)
for name, end in {"softmax": nn.Softmax(1), "log-softmax": nn.LogSoftmax(dim=-1), "sigmoid": nn.Sigmoid()}.items():
    body = nn.Sequential(nn.Flatten(), nn.Linear(784, 12), nn.ReLU(), nn.Linear(12, 10))
    save(f"whole-{name}.pt", nn.Sequential(*body, end), whole, logits=body)

for name, model in {
    "refused-class.pt": nn.Linear(784, 10),
    "refused-stride.pt": nn.Sequential(nn.Conv2d(1, 2, 3, padding_mode="circular"), nn.Flatten(), nn.Linear(1352, 10)),
    "refused-module.pt": nn.Sequential(nn.Flatten(), nn.Linear(784, 12), nn.Mish(), nn.Linear(12, 10)),
    "refused-unflattened.pt": nn.Sequential(nn.Conv2d(1, 2, 3), nn.Linear(26, 10)),
}.items():
    torch.save(model, f"{folder}/{name}")


class Code:
    """Would create a file when Python loads it."""

    def __reduce__(self):
        return (open, (f"{folder}/was-run", "w"))


linear = {"fc.weight": torch.zeros(10, 784)}
torch.save({**linear, "code": Code()}, f"{folder}/refused-code.pt")
torch.save({**linear, "code": Code()}, f"{folder}/refused-code-legacy.pt", **LEGACY)
torch.save({"fc.weight": torch.zeros(1).expand(10_000, 10_000)}, f"{folder}/refused-expanded.pt")
torch.save({"fc.weight": torch.zeros(10, 784, dtype=torch.int64)}, f"{folder}/refused-integers.pt")
torch.save({"generator": linear, "critic": linear}, f"{folder}/refused-two.pt")
torch.jit.script(nn.Sequential(nn.Flatten(), nn.Linear(784, 10))).save(f"{folder}/refused-script.pt")
print(json.dumps(result))
