/** `predict` with networks that read colours, or grey images of other sizes. */
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execPath } from "node:process";
import test from "ava";
import { encodeNpz } from "#src/networks/numpy.js";
import { CLI, runCli } from "../../helpers/cli.js";
import { pngOfSamples } from "../../helpers/png.js";
import { pythonWith, runPython } from "../../helpers/python.js";
import { randomNetwork } from "../../helpers/random.js";
import { needs } from "../../helpers/require.js";
import { temporaryFile, temporaryFolder } from "../../helpers/temporary.js";

const python = pythonWith("torch", "PIL");
const withTorch = needs("torch", python !== undefined);

/** A network of 3 × 32 × 32, pictures of several kinds, and PyTorch's probabilities with Pillow's pixels. */
const MAKE = `
import json, sys
import numpy as np, torch
from torch import nn
from PIL import Image
out = sys.argv[1]
torch.manual_seed(7)
net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 16 * 16, 10))
torch.save(net.state_dict(), out + "/cnn.pt")
y, x = np.mgrid[0:96, 0:128]
pixels = np.stack([127 + 100 * np.sin(x / 19), 127 + 90 * np.cos(y / 17), 127 + 80 * np.sin((x + y) / 21)], 2).astype("u1")
image = Image.fromarray(pixels)
image.save(out + "/a.png")
image.resize((32, 32)).save(out + "/same.png")
image.save(out + "/b.jpg", quality=90)
image.convert("L").save(out + "/grey.png")
mean = torch.tensor([0.4914, 0.4822, 0.4465]).reshape(3, 1, 1)
std = torch.tensor([0.247, 0.2435, 0.2616]).reshape(3, 1, 1)
answers = {}
for name in ("a.png", "same.png", "b.jpg", "grey.png"):
    opened = Image.open(out + "/" + name).convert("RGB").resize((32, 32), Image.BILINEAR)
    planes = torch.tensor(np.asarray(opened).transpose(2, 0, 1) / 255, dtype=torch.float32)
    answers[name] = net(((planes - mean) / std)[None]).softmax(1)[0].tolist()
print(json.dumps(answers))`;

withTorch(
  "predicts pictures in colour as PyTorch does, resized by Pillow, beside a bad one and from stdin",
  async (t) => {
    const folder = await temporaryFolder(t);
    const answers = runPython(python, MAKE, folder) as Readonly<Record<string, readonly number[]>>;
    const names = Object.keys(answers);
    const paths = names.map((name) => join(folder, name));
    const network = [
      "--weights",
      join(folder, "cnn.pt"),
      "--mean",
      "0.4914,0.4822,0.4465",
      "--std",
      "0.247,0.2435,0.2616",
    ];
    const { status, stdout, stderr } = await runCli([
      "predict",
      ...paths,
      "package.json",
      ...network,
      "--format",
      "json",
    ]);
    t.is(status, 3);
    t.regex(stderr, /^batchwise: ERR_PICTURE_FORMAT: package\.json/m);
    t.regex(stderr, /resized by Pillow's .* \(each of 3 pictures does not state it\)/);
    t.regex(stderr, /grey pictures as colours.* \(.*grey\.png does not state it\)/);
    const found = JSON.parse(stdout);
    t.is(found.length, names.length);
    for (const [n, name] of names.entries()) {
      t.is(found[n].shapes, null);
      // Pixels of a JPEG differ by up to 3 between decoders.
      const most = name.endsWith("jpg") ? 1e-3 : 1e-6;
      for (const [label, probability] of answers[name]!.entries()) {
        t.true(Math.abs(found[n].probabilities[label] - probability) < most, name);
      }
    }

    const input = await readFile(join(folder, "b.jpg"));
    const piped = spawnSync(execPath, [CLI, "predict", "-", ...network, "--format", "json"], {
      input,
      encoding: "utf8",
    });
    t.is(piped.status, 0, piped.stderr);
    t.deepEqual(JSON.parse(piped.stdout)[0].probabilities, found[names.indexOf("b.jpg")].probabilities);

    // The network's own facts, and the resizing.
    const layers = [
      { type: "conv2d", weights: "0.weight", bias: "0.bias", padding: 1 },
      { type: "relu" },
      { type: "max-pool", size: 2 },
      { type: "flatten" },
      { type: "dense", weights: "4.weight", bias: "4.bias" },
    ];
    const architecture = await temporaryFile(
      t,
      JSON.stringify({ input: [32, 32, 3], layers }),
      "layers.json",
    );
    const strict = ["--strict", ...network, "--architecture", architecture];
    const refused = await runCli(["predict", join(folder, "a.png"), ...strict]);
    t.is(refused.status, 3);
    t.regex(refused.stderr, /ERR_ASSUMED: .*resized by Pillow/);
    t.is((await runCli(["predict", join(folder, "same.png"), ...strict])).status, 0);
    t.is((await runCli(["predict", join(folder, "a.png"), ...strict, "--fit", "pillow"])).status, 0);
    const centred = await runCli(["predict", join(folder, "a.png"), ...network, "--fit", "mnist"]);
    t.is(centred.status, 2);
    t.regex(
      centred.stderr,
      /ERR_USAGE: --fit mnist makes grey images of 28x28, and the network reads 32x32x3/,
    );
  },
);

test("reads images of the size that the option states, or square ones as an assumption", async (t) => {
  const picture = await temporaryFile(
    t,
    pngOfSamples(
      { width: 4, height: 3, colourType: 2 },
      3,
      Array.from({ length: 36 }, (_, n) => 7 * n),
    ),
    "colours.png",
  );
  const weightsOf = (inputs: number) =>
    temporaryFile(t, encodeNpz(randomNetwork([inputs, 3]), "float64"), "network.npz");
  const run = async (inputs: number, ...more: readonly string[]) =>
    runCli(["predict", picture, "--weights", await weightsOf(inputs), "--normalize", "scale", ...more]);
  const stated = await run(36, "--image-shape", "3x4");
  t.is(stated.status, 0, stated.stderr);
  t.notRegex(stated.stderr, /resized/);
  const square = await run(48);
  t.is(square.status, 0, square.stderr);
  t.regex(square.stderr, /images of 4 × 4 × 3 pixels.*; set .*--image-shape/s);
  const grey = await run(64, "--fit", "keras");
  t.is(grey.status, 0, grey.stderr);
  t.regex(grey.stderr, /images of 8 × 8 pixels/);
  t.notRegex(grey.stderr, /resized/);
  const digit = await run(784, "--fit", "pillow", "--format", "json");
  t.is(JSON.parse(digit.stdout)[0].shapes, null);
  for (const [inputs, more, status, says] of [
    [36, ["--image-shape", "3x4x1"], 3, /ERR_NETWORK_INPUTS/],
    [36, ["--image-shape", "4"], 2, /ERR_OPTION_VALUE: --image-shape: expected rows x columns of images/],
    [35, [], 3, /ERR_NETWORK_INPUTS/],
  ] as const) {
    const refused = await run(inputs, ...more);
    t.is(refused.status, status);
    t.regex(refused.stderr, says);
  }
});

test("paints colours as they are where the terminal has them, and wide images within 80 cells", async (t) => {
  const WIDE = 90;
  const samples = Array.from({ length: WIDE * 4 }, () => [10, 20, 230]).flat();
  const picture = await temporaryFile(
    t,
    pngOfSamples({ width: WIDE, height: 4, colourType: 2 }, 3, samples),
    "blue.png",
  );
  const weights = await temporaryFile(
    t,
    encodeNpz(randomNetwork([WIDE * 4 * 3, 3]), "float64"),
    "network.npz",
  );
  const args = [
    CLI,
    "predict",
    picture,
    "--weights",
    weights,
    "--normalize",
    "scale",
    "--image-shape",
    `4x${WIDE}`,
  ];
  const run = (colour: string) =>
    spawnSync(execPath, args, {
      encoding: "utf8",
      env: { ...process.env, NO_COLOR: "", FORCE_COLOR: colour },
    }).stdout;
  t.true(run("3").includes("\u001b[38;2;10;20;230m\u001b[48;2;10;20;230m▀"));
  const lines = run("0").split("\n");
  t.true(lines.every((line) => [...line].length <= 80));
  t.regex(lines[0] ?? "", / {3}0 /);
});
