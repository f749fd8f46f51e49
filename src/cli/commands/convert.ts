/** `batchwise convert`: a network from any format that we read to one that we write. */
import { createHash } from "node:crypto";
import { basename } from "node:path";
import { Command } from "commander";
import { ACTIVATIONS, type Network } from "#src/base/contracts/network.js";
import { grouped } from "#src/base/errors/define.js";
import { UsageError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import { assertStated } from "#src/evaluate/open-inputs.js";
import { oneOf, resolvePreprocessing } from "#src/evaluate/options.js";
import { assertWritable, writeFileWhole } from "#src/files/write-file.js";
import { layerSizes } from "#src/networks/chain.js";
import { annotateOnnx } from "#src/networks/onnx/preprocessing.js";
import { DEFAULT_NORMALIZATION } from "#src/networks/recipe.js";
import { DEFAULT_ACTIVATION, readNetwork, readOnnxFile } from "#src/networks/registry.js";
import { hiddenActivation, WRITTEN_TYPES } from "#src/networks/tensors.js";
import { encodeNetwork, NETWORK_ENDINGS, networkEndingOf } from "#src/networks/writers.js";
import { preprocessingText } from "#src/reports/report.js";
import type { Context, RunWork } from "./context.js";
import { downloadOptions } from "./context.js";
import { addNetworkFacts } from "./options.js";

interface ConvertFlags {
  readonly activation?: string;
  readonly normalize?: string;
  readonly mean?: string;
  readonly std?: string;
  readonly strict?: boolean;
  readonly dtype?: string;
  readonly compress: boolean;
  readonly offline?: boolean;
}

const EXAMPLES = `
Examples:
  batchwise convert sample_weight.pkl network.safetensors
  batchwise convert model.onnx network.npz --dtype float32 --compress

An ONNX model of any operators keeps all its bytes, and states what its pixels go through:
  batchwise convert cnn.onnx stated.onnx --mean 0.1307 --std 0.3081`;

export function convertCommand(runWork: RunWork): Command {
  const command = new Command("convert")
    .description("read a network and write it in another format, by the ending of OUT")
    .argument("<in>", "a name, a file, or a folder of .npy files")
    .argument("<out>", `a file: ${NETWORK_ENDINGS.join(", ")}`);
  return addNetworkFacts(command)
    .option(
      "--dtype <type>",
      `of the numbers: ${WRITTEN_TYPES.join(", ")} (default: float32; in a .npz, whatever loses nothing)`,
    )
    .option("--compress", "deflate the arrays of a .npz", false)
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
  const type = flags.dtype === undefined ? undefined : oneOf("dtype", WRITTEN_TYPES, flags.dtype);
  const activation =
    flags.activation === undefined ? undefined : oneOf("activation", ACTIVATIONS, flags.activation);
  const asked = resolvePreprocessing(flags);
  if (flags.compress && ending !== ".npz") {
    throw new UsageError("ERR_OPTION_VALUE", { option: "--compress", expected: "a .npz", found: ending });
  }
  await assertWritable(output);
  const isAsked = asked.normalize !== undefined || asked.mean !== undefined;
  if (ending === ".onnx" && isAsked && type === undefined && activation === undefined) {
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

  const network = await readNetwork(input, {
    ...downloadOptions(context),
    offline: flags.offline,
    activation,
    ...asked,
  });
  if (flags.strict) assertStated(network.assumptions);
  context.assume(network.assumptions);
  const written = encodeNetwork(ending, network, { type, deflated: flags.compress });
  await writeFileWhole(output, written.bytes);
  context.nameWritten([output]);
  if (written.largestChange > 0) {
    const percent = `${(written.largestChange * 100).toPrecision(2)} %`;
    context.note(
      `${output}: float32 is less exact than what was read; no weight changed by more than ${percent}`,
    );
  }
  const forgotten = ending === ".npz" ? optionsFor(network) : "";
  if (forgotten !== "") context.note(`${output}: a .npz holds arrays alone; evaluate it with${forgotten}`);
  const sizes = `${printable(network.name)}, ${layerSizes(network).join(" → ")}`;
  context.writeAnswer(textOf(sizes, output, written.type, written.bytes));
  return [];
}

/** What a .npz does not say, where it is not what we assume. */
function optionsFor({ layers, preprocessing }: Network): string {
  const activation = hiddenActivation(layers);
  // Weights that whitening is folded into read bytes.
  const normalize = "folded" in preprocessing ? "none" : preprocessing.kind;
  return [
    layers.length > 1 && activation !== DEFAULT_ACTIVATION ? ` --activation ${activation}` : "",
    normalize === DEFAULT_NORMALIZATION ? "" : ` --normalize ${normalize}`,
  ].join("");
}

function textOf(network: string, output: string, how: string, bytes: Uint8Array): string {
  return `${[
    `network  ${network}`,
    `written  ${printable(basename(output))}, ${how}, ${grouped(bytes.length)} bytes`,
    `sha256   ${createHash("sha256").update(bytes).digest("hex")}`,
  ].join("\n")}\n`;
}
