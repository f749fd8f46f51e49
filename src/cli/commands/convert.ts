/** Commands that write network files: `batchwise convert` and `batchwise fit`. */

import { createHash } from "node:crypto";
import { basename, extname } from "node:path";
import type { Command } from "commander";
import type { Layer, Network } from "#src/base/contracts/network.js";
import { grouped } from "#src/base/errors/define.js";
import { UsageError } from "#src/base/errors.js";
import type { FlagsOf } from "#src/base/options/table.js";
import { printable } from "#src/base/text.js";
import type { Fit } from "#src/evaluate/fit.js";
import { assertStated } from "#src/evaluate/open-inputs.js";
import { resolveReading } from "#src/evaluate/options.js";
import type { ReadBack } from "#src/evaluate/read-back.js";
import { assertWritable, writeFileWhole } from "#src/files/write-file.js";
import { DEFAULT_ACTIVATION } from "#src/networks/assemble.js";
import { layerSizes } from "#src/networks/chain.js";
import { annotateOnnx } from "#src/networks/onnx/preprocessing.js";
import { assertStatable, matchOutputs } from "#src/networks/outputs.js";
import { DEFAULT_NORMALIZATION } from "#src/networks/recipe.js";
import { readNetwork, readOnnxFile } from "#src/networks/registry.js";
import { hiddenActivation } from "#src/networks/tensors.js";
import { encodeNetwork, networkEndingOf } from "#src/networks/writers.js";
import { preprocessingText } from "#src/reports/report.js";
import { type Context, downloadOptions, type RunWork } from "./context.js";
import { createCommand } from "./options.js";

type ConvertFlags = FlagsOf<"convert">;

const EXAMPLES = `
Examples:
  batchwise convert sample_weight.pkl network.safetensors
  batchwise convert model.onnx network.npz --dtype float32 --compress

An ONNX model that is no chain of layers keeps its bytes. Its preprocessing is
added to its metadata:
  batchwise convert cnn.onnx stated.onnx --mean 0.1307 --std 0.3081`;

export function convertCommand(runWork: RunWork): Command {
  return createCommand("convert")
    .addHelpText("after", EXAMPLES)
    .action((input: string, output: string, flags: ConvertFlags) =>
      runWork((context) => runConvert(input, output, flags, context)),
    );
}

async function runConvert(
  input: string,
  output: string,
  flags: ConvertFlags,
  context: Context,
): Promise<readonly Error[]> {
  const ending = networkEndingOf(output);
  const { dtype: type, compress = false } = flags;
  const { activation, architecture, ...asked } = resolveReading(flags);
  if (compress && ending !== ".npz") {
    throw new UsageError("ERR_OPTION_VALUE", { option: "--compress", expected: "a .npz", found: ending });
  }
  await assertWritable(output);
  const isAsked = asked.normalize !== undefined || asked.mean !== undefined;
  if (
    ending === ".onnx" &&
    isAsked &&
    type === undefined &&
    activation === undefined &&
    architecture === undefined
  ) {
    const file = await readOnnxFile(input, { ...downloadOptions(context), offline: flags.offline });
    const annotated = file && annotateOnnx(file.path, file.bytes, asked);
    if (annotated !== undefined) {
      await writeFileWhole(output, annotated.bytes);
      context.nameWritten([output]);
      const network = `${printable(basename(input))}, ${preprocessingText(annotated.preprocessing)}`;
      context.writeAnswer(textOf(network, output, "as it was but for its properties", annotated.bytes));
      return [];
    }
  }

  const named = await readNetwork(input, {
    ...downloadOptions(context),
    offline: flags.offline,
    activation,
    architecture,
    ...asked,
  });
  const network = matchOutputs(named, undefined);
  assertStatable(network);
  if (flags.strict) assertStated(network.assumptions);
  context.assume(network.assumptions);
  const written = encodeNetwork(ending, network, { type, deflated: compress });
  const forgotten = ending === ".npz" ? optionsFor(network) : "";
  const { compareWritten } = await import("#src/evaluate/read-back.js");
  const readBack = await compareWritten(output, ending, network, written);
  await writeFileWhole(output, written.bytes);
  context.nameWritten([output]);
  if (written.largestChange > 0) {
    const percent = `${(written.largestChange * 100).toPrecision(2)} %`;
    context.note(
      `${output}: float32 is less exact than what was read; no weight changed by more than ${percent}`,
    );
  }
  if (forgotten !== "") context.note(`${output}: a .npz holds arrays alone; evaluate it with${forgotten}`);
  const sizes = `${printable(network.name)}, ${layerSizes(network).join(" → ")}`;
  context.writeAnswer(textOf(sizes, output, written.type, written.bytes, readBackText(readBack)));
  return [];
}

/** Returns the options that a .npz needs, because it cannot state what differs from our assumptions. */
function optionsFor({ layers, preprocessing }: Network): string {
  const activation = activationsOf(layers);
  // Whitening is folded into these weights: they read bytes.
  const normalize = "folded" in preprocessing ? "none" : preprocessing.kind;
  return [
    layers.length > 1 && activation !== DEFAULT_ACTIVATION ? ` --activation ${activation}` : "",
    normalize === DEFAULT_NORMALIZATION ? "" : ` --normalize ${normalize}`,
  ].join("");
}

/** One activation of the hidden layers, or one for each, which `--activation` can state. */
function activationsOf(layers: readonly Layer[]): string {
  const hidden = layers.slice(0, -1).map(({ activation }) => activation);
  const isStatable = layers.every(({ activationNumbers }) => activationNumbers === undefined);
  const isLastPlain = layers.at(-1)?.activation === "identity" && layers.at(-1)?.ends !== "sigmoid";
  if (!isStatable || !isLastPlain || new Set(hidden).size < 2) return hiddenActivation(layers);
  return hidden.join(",");
}

function readBackText({ difference, largest, images }: ReadBack): string {
  const [found, most] = [difference, largest].map((value) => value.toPrecision(2));
  return `read     back, ${images}: logits differ by at most ${found} (the largest is ${most})`;
}

function textOf(network: string, output: string, how: string, bytes: Uint8Array, more?: string): string {
  return `${[
    `network  ${network}`,
    `written  ${printable(basename(output))}, ${how}, ${grouped(bytes.length)} bytes`,
    ...(more === undefined ? [] : [more]),
    `sha256   ${createHash("sha256").update(bytes).digest("hex")}`,
  ].join("\n")}\n`;
}

type FitFlags = FlagsOf<"fit">;

const ENDING = ".safetensors";

const FIT_EXAMPLES = `
The network was trained, by any program, on images with this preprocessing.

Example:
  batchwise fit --normalize standardize --dataset path/to/mnist \\
    --weights trained.npz --output fitted.safetensors
  batchwise --dataset path/to/mnist --weights fitted.safetensors`;

export function fitCommand(runWork: RunWork): Command {
  return createCommand("fit")
    .addHelpText("after", FIT_EXAMPLES)
    .action((flags: FitFlags) => runWork((context) => runFit(flags, context)));
}

async function runFit({ output, ...input }: FitFlags, context: Context): Promise<readonly Error[]> {
  // This format holds the preprocessing beside the weights.
  if (extname(output).toLowerCase() !== ENDING) {
    throw new UsageError("ERR_OPTION_VALUE", {
      option: "--output",
      expected: `a ${ENDING} file (convert writes --mean and --std into an .onnx)`,
      found: output,
    });
  }
  await assertWritable(output);
  const { fitPreprocessing } = await import("#src/evaluate/fit.js");
  const fitted = await fitPreprocessing(input, downloadOptions(context));
  context.assume(fitted.assumptions);
  await writeFileWhole(output, fitted.file);
  context.nameWritten([output]);
  context.writeAnswer(`${output}: ${fittedText(fitted)}, fitted to ${grouped(fitted.images)} images\n`);
  return [];
}

/** Prints every digit, so that the numbers can be compared. */
function fittedText(fitted: Fit): string {
  if ("eigenvalues" in fitted) {
    const { eigenvalues } = fitted;
    const range = `${eigenvalues[0]} to ${eigenvalues[eigenvalues.length - 1]}`;
    return `${fitted.preprocessing.kind}, epsilon ${fitted.preprocessing.epsilon}, eigenvalues from ${range}`;
  }
  return `${fitted.preprocessing.kind}, mean ${fitted.preprocessing.mean}, standard deviation ${fitted.preprocessing.std}`;
}
