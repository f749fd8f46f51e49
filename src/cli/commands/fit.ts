/** `batchwise fit`: gives weights the statistics of their training split, so that they read bytes from then on. */
import { extname } from "node:path";
import { Command } from "commander";
import { ACTIVATIONS, FITTED_NORMALIZATIONS } from "#src/base/contracts/network.js";
import { grouped } from "#src/base/errors/define.js";
import { UsageError } from "#src/base/errors.js";
import type { Fit, FitInput } from "#src/evaluate/fit.js";
import { assertWritable, writeFileWhole } from "#src/files/write-file.js";
import type { Context, RunWork } from "./context.js";
import { downloadOptions } from "./context.js";

type FitFlags = FitInput & { readonly output: string };

const ENDING = ".safetensors";

const EXAMPLES = `
The weights are those of a network that was trained on images preprocessed so, by whatever program.

Example:
  batchwise fit --normalize standardize --dataset path/to/mnist --weights trained.npz --output fitted.safetensors
  batchwise --dataset path/to/mnist --weights fitted.safetensors`;

export function fitCommand(runWork: RunWork): Command {
  return new Command("fit")
    .description("join weights and the preprocessing that they were trained under in one file")
    .requiredOption(
      "--normalize <how>",
      `what training images went through: ${FITTED_NORMALIZATIONS.join(", ")}`,
    )
    .requiredOption("--dataset <name|dir|file>", "the images of the training: a folder, or an IDX file")
    .requiredOption("--weights <file>", "the trained weights, which do not say their preprocessing")
    .requiredOption("--output <file>", "the safetensors file to write")
    .option("--epsilon <x>", "of whitening, as in the training (default: 0.1)")
    .option("--labels <file>", "labels, where --dataset is an image file")
    .option("--split <split>", "whose statistics: train or test", "train")
    .option(
      "--activation <name>",
      `of the hidden layers, where the file does not say: ${ACTIVATIONS.join(", ")}`,
    )
    .option("--strict", "refuse to write what was assumed")
    .option("--offline", "use what is in the cache, and download nothing")
    .addHelpText("after", EXAMPLES)
    .action((flags: FitFlags) => runWork((context) => runFit(flags, context)));
}

async function runFit({ output, ...input }: FitFlags, context: Context): Promise<readonly Error[]> {
  // The recipe stands in the file beside the weights, and this is the format that is written.
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

/** Numbers as they are, to the last digit: someone may want to compare them. */
function fittedText(fitted: Fit): string {
  if ("eigenvalues" in fitted) {
    const { eigenvalues } = fitted;
    const range = `${eigenvalues[0]} to ${eigenvalues[eigenvalues.length - 1]}`;
    return `${fitted.preprocessing.kind}, epsilon ${fitted.preprocessing.epsilon}, eigenvalues from ${range}`;
  }
  return `${fitted.preprocessing.kind}, mean ${fitted.preprocessing.mean}, standard deviation ${fitted.preprocessing.std}`;
}
