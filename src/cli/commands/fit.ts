/** `batchwise fit`: gives weights the statistics of their training split, so that they read bytes from then on. */
import { extname } from "node:path";
import type { Command } from "commander";
import { grouped } from "#src/base/errors/define.js";
import { UsageError } from "#src/base/errors.js";
import type { FlagsOf } from "#src/base/options/table.js";
import type { Fit } from "#src/evaluate/fit.js";
import { assertWritable, writeFileWhole } from "#src/files/write-file.js";
import type { Context, RunWork } from "./context.js";
import { downloadOptions } from "./context.js";
import { createCommand } from "./options.js";

type FitFlags = FlagsOf<"fit">;

const ENDING = ".safetensors";

const EXAMPLES = `
The network was trained, by any program, on images with this preprocessing.

Example:
  batchwise fit --normalize standardize --dataset path/to/mnist \\
    --weights trained.npz --output fitted.safetensors
  batchwise --dataset path/to/mnist --weights fitted.safetensors`;

export function fitCommand(runWork: RunWork): Command {
  return createCommand("fit")
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
