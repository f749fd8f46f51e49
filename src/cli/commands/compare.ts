/** `batchwise compare`: compares two networks over the same images. */
import type { Command } from "commander";
import { grouped } from "#src/base/errors/define.js";
import type { FlagsOf } from "#src/base/options/table.js";
import { printable } from "#src/base/text.js";
import { progressText } from "#src/cli/terminal/displays.js";
import { type CompareOutcome, type ComparePlan, compare } from "#src/evaluate/compare/compare.js";
import type { CompareInput } from "#src/evaluate/compare/sides.js";
import { comparisonFormatOf, renderComparison } from "#src/reports/comparison.js";
import type { Context, RunWork, TextDisplay } from "./context.js";
import { downloadLine } from "./context.js";
import { createCommand } from "./options.js";
import { giveAnswer, openOutputs } from "./outputs.js";
import type { ComparisonFile } from "./report-file.js";

type CompareFlags = FlagsOf<"compare">;

const EXAMPLES = `
A and B are networks (a name, a file, a folder of .npy files), or the JSON of
results whose predictions were written with --predictions. A network beside a
result is evaluated over the images of the result.

Examples:
  batchwise compare book bundled --dataset mnist --report comparison.html
  batchwise --output before.json --predictions before.ndjson
  batchwise compare before.json trained.safetensors --format markdown`;

export function compareCommand(runWork: RunWork): Command {
  return createCommand("compare")
    .addHelpText("after", EXAMPLES)
    .action((a: string, b: string, flags: CompareFlags) =>
      runWork((context) => runCompare({ ...flags, a, b }, context)),
    );
}

async function runCompare(
  { format = "text", output, report, ...input }: CompareFlags & Pick<CompareInput, "a" | "b">,
  context: Context,
): Promise<readonly Error[]> {
  const outputs = await openOutputs(format, output, comparisonFormatOf);
  const page = report === undefined ? undefined : await openPage(report);
  const outcome = await compareShowingProgress(input, context);
  const { comparison, failure } = outcome;
  context.assume(comparison.assumptions);
  const { written = [], faults = [] } = (await page?.write(outcome)) ?? {};
  context.nameWritten(written);
  const unwritten = await giveAnswer(outputs, (one) => renderComparison(one, comparison), context);
  return [...(failure === undefined ? [] : [failure]), ...unwritten, ...faults];
}

/** Rejects a path that cannot be written, before any work. */
async function openPage(path: string): Promise<ComparisonFile> {
  const { ComparisonFile } = await import("./report-file.js");
  return ComparisonFile.open(path);
}

async function compareShowingProgress(
  input: CompareInput,
  { signal, log, note, showText }: Context,
): Promise<CompareOutcome> {
  let display: TextDisplay | undefined;
  let beganAt = 0;
  try {
    return await compare(input, {
      signal,
      log,
      onDownload: (notice) => note(downloadLine(notice)),
      onStart(plan) {
        beganAt = performance.now();
        display = showText(planText(plan));
      },
      onProgress: (progress) => display?.update(progressText(progress, performance.now() - beganAt)),
    });
  } finally {
    display?.stop();
  }
}

function planText({ dataset, networks, images }: ComparePlan): string {
  const names = networks.map((name) => printable(name));
  return `evaluating ${grouped(images)} images of ${printable(dataset)} with ${names.join(" and with ")}`;
}
