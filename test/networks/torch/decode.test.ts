/** PyTorch's networks, saved by PyTorch in each way: the same logits, or a refusal with the next step. */
import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { createEngine } from "#src/engines/registry.js";
import { loadNetwork } from "#src/index.js";
import { architectureTemplate } from "#src/networks/architecture/template.js";
import { foldPreprocessing } from "#src/networks/fold-maps.js";
import { inCase } from "../../helpers/in-case.js";
import { pythonWith, runPython } from "../../helpers/python.js";
import { needs } from "../../helpers/require.js";
import { temporaryFolder } from "../../helpers/temporary.js";

const python = pythonWith("torch");
const testTorch = needs("torch", python !== undefined);
const MODELS = readFileSync(new URL("test/networks/torch/models.py", PACKAGE_ROOT), "utf8");

interface Made {
  readonly pixels: readonly number[];
  /** Logits by file. */
  readonly models: Readonly<Record<string, readonly number[]>>;
}

function make(folder: string): Made {
  return runPython(python, MODELS, folder) as Made;
}

/** What is assumed of files that state everything else is the scale of the pixels. */
const ASSUMED: readonly (readonly [RegExp, RegExp])[] = [
  [
    /^mlp-two/,
    /^the same activation everywhere, although modules are named relu, tanh, relu between layers, pixels ÷ 255$/,
  ],
  [/^mlp-tanh/, /^tanh between layers, pixels ÷ 255$/],
  [
    /^mlp-norm/,
    /^batch normalization behind fc1, hidden, before the activation, ε 0\.00001 of batch normalizations, relu /,
  ],
  [/^mlp-model\.pt/, /^the network "model", not model_ema, relu between layers, pixels ÷ 255$/],
  [/^mlp/, /^relu between layers, pixels ÷ 255$/],
  [/^cnn-valid/, /^28 × 28 pictures, stride 1, padding 0 and a 2 × 2 max pool after conv1, conv2, relu/],
  [/^cnn-mnist/, /padding 0 and a 2 × 2 max pool after conv2 \(the simplest of 2 that fit\), relu/],
  [/^cnn-average/, /padding 2 of conv1, 0 of conv2 and a 2 × 2 average pool after conv1, conv2, tanh/],
  [/^cnn-relu-then-norm/, /batch normalization behind features\.0, features\.4, after the activation, ε/],
  [/^cnn-pool-then-norm/, /batch normalization behind features\.0, features\.4, after the pool, ε/],
  [/^cnn-lenet/, /padding 2 of conv1, 0 of conv2 and a 2 × 2 max pool after conv1, conv2, relu/],
  [/^cnn-pool-second/, /padding 1 and a 2 × 2 max pool after features\.2, relu/],
  [/^cnn-pool-first/, /padding 1 and a 2 × 2 max pool after features\.0, relu/],
  [/^cnn/, /^28 × 28 pictures, stride 1, padding .* relu between layers, pixels ÷ 255$/],
  [/^whole-(cnn|pools)/, /^28 × 28 pictures, pixels ÷ 255$/],
  [/^whole/, /^pixels ÷ 255$/],
];

const REFUSED: Readonly<Record<string, RegExp>> = {
  "refused-pools.pt":
    /ERR_NETWORK_ARCHITECTURE.*found several: padding 1 .* after conv2; or .* after conv1; .*export/,
  "refused-average.pt": /ERR_NETWORK_ARCHITECTURE.*found maps averaged/,
  "refused-color.pt": /ERR_NETWORK_ARCHITECTURE.*32 × 32 × 3 pictures.*found none/,
  "refused-size.pt": /ERR_NETWORK_ARCHITECTURE.*its 900 inputs, found none; /,
  "refused-no-linear.pt":
    /ERR_NETWORK_KEYS.*a fully connected layer behind the convolutions, found none; .*export/,
  "refused-branch.pt": /ERR_NETWORK_ORDER.*found left \(4, 1, 3, 3\)/,
  "refused-bare-norm.pt":
    /ERR_NETWORK_LAYER .*norm1: expected the numbers of a normalization, found none.*ONNX/,
  "refused-layer-norm.pt": /ERR_NETWORK_KEYS.*found norm\.weight \(28,\), norm\.bias \(28,\); .*export/,
  "refused-norm-first.pt": /ERR_NETWORK_ORDER.*found bn of 1; /,
  "refused-lists.pt": /ERR_NETWORK_ORDER.*found norms\.0 of 4; /,
  "refused-class.pt": /ERR_NETWORK_FORMAT.*torch\.nn\.modules\.linear\.Linear.*onnx\.export/,
  "refused-stride.pt":
    /ERR_NETWORK_LAYER.*0 \(Conv2d\): expected padding_mode to be "?zeros"?, found "?circular/,
  "refused-module.pt": /ERR_PICKLE_FORBIDDEN.*a whole PyTorch module.*Mish; nothing was run; .*onnx\.export/,
  "refused-unflattened.pt": /ERR_NETWORK_LAYER.*1 \(Linear\): expected nn\.Flatten/,
  "refused-code.pt": /ERR_PICKLE_FORBIDDEN.*io\.open; nothing was run; .*only for one that you trust/,
  "refused-code-legacy.pt": /ERR_PICKLE_FORBIDDEN.*io\.open; nothing was run/,
  "refused-expanded.pt": /ERR_PICKLE_LIMIT.*elements of tensors, as many as the file has bytes/,
  "refused-integers.pt": /ERR_ARRAY_DTYPE.*fc\.weight: expected elements of .*, found int64/,
  "refused-two.pt": /ERR_NETWORK_FORMAT.*state dict/,
  "refused-script.pt": /ERR_NETWORK_FORMAT.*TorchScript/,
};

testTorch("computes PyTorch's logits of every file, and names what it assumes", async (t) => {
  t.timeout(180_000);
  const folder = await temporaryFolder(t);
  const { pixels, models } = make(folder);
  let largest = 0;
  for (const [name, logits] of Object.entries(models)) {
    await inCase(t, name, async () => {
      const network = await loadNetwork(join(folder, name));
      const text = network.assumptions.map(({ what }) => what).join(", ");
      t.regex(text, ASSUMED.find(([pattern]) => pattern.test(name))?.[1] ?? /^$/);
      const found = await forward(foldPreprocessing(network), pixels, logits.length);
      const difference = Math.max(...logits.map((logit, n) => Math.abs(logit - found[n]!)));
      t.true(difference < 1e-5, `${difference}`);
      largest = Math.max(largest, difference);
    });
  }
  t.log(`largest difference of ${Object.keys(models).length} networks: ${largest.toExponential(1)}`);
  for (const [name, message] of Object.entries(REFUSED)) {
    await inCase(t, name, () => assertRefused(t, join(folder, name), message));
  }
  t.false(existsSync(join(folder, "was-run")));
  // An architecture does not say which of two networks it belongs to.
  const architecture = join(folder, "layers.json");
  await writeFile(architecture, await architectureTemplate(join(folder, "mlp-model.pt"), {}));
  const { assumptions } = await loadNetwork(join(folder, "mlp-model.pt"), {
    architecture,
    normalize: "scale",
  });
  t.deepEqual(
    assumptions.map(({ what }) => what),
    ['the network "model", not model_ema'],
  );
});

async function forward(
  layers: ReturnType<typeof foldPreprocessing>,
  pixels: readonly number[],
  count: number,
): Promise<Float64Array> {
  const engine = await createEngine("reference", layers);
  const logits = new Float64Array(count);
  await engine.forward(Uint8Array.from(pixels), pixels.length / 784, logits);
  return logits;
}

async function assertRefused(t: ExecutionContext, path: string, message: RegExp): Promise<void> {
  const error = await t.throwsAsync(loadNetwork(path));
  t.regex(`${error !== undefined && "code" in error ? error.code : ""} ${error?.message}`, message);
}
