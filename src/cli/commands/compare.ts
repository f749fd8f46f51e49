/** `batchwise compare`: two networks over the same images. */
import { Command } from "commander";
import { ENGINES } from "#src/base/contracts/network.js";
import { grouped } from "#src/base/errors/define.js";
import { printable } from "#src/base/text.js";
import { progressText } from "#src/cli/terminal/displays.js";
import { type CompareOutcome, type ComparePlan, compare } from "#src/evaluate/compare/compare.js";
import type { CompareInput } from "#src/evaluate/compare/sides.js";
import { oneOf } from "#src/evaluate/options.js";
import { COMPARISON_FORMATS, comparisonFormatOf, renderComparison } from "#src/reports/comparison.js";
import type { Context, RunWork, TextDisplay } from "./context.js";
import { downloadLine } from "./context.js";
import { addDataOptions, addNetworkFacts, collect } from "./options.js";
import { giveAnswer, openOutputs } from "./outputs.js";
import type { ComparisonFile } from "./report-file.js";

interface CompareFlags extends Omit<CompareInput, "a" | "b" | "timeoutSeconds"> {
  readonly timeout: string;
  readonly format: string;
  readonly output?: readonly string[];
  readonly report?: string;
}

const EXAMPLES = `
A and B are each a network (a name, a file, a folder of .npy files), or the JSON of a result whose predictions were
written with --predictions: a network beside a result is evaluated over the result's images.

Examples:
  batchwise compare book bundled --dataset mnist --report comparison.html
  batchwise --output before.json --predictions before.ndjson
  batchwise compare before.json trained.safetensors --format markdown`;

export function compareCommand(runWork: RunWork): Command {
  const command = new Command("compare").description("compare two networks over the same images");
  addNetworkFacts(addDataOptions(command.argument("<a>").argument("<b>")))
    .option("--threads <n>", "worker threads; 0 computes on the main thread (default: one a core)")
    .option("--batch-size <n>", "images a batch", "100")
    .option("--engine <name>", ENGINES.join(", "), "ml-matrix")
    .option("--offset <n>", "begin at this image")
    .option("--limit <n>", "compare over at most so many images")
    .option("--timeout <seconds>", "of one task: a batch, with simd some hundred", "30")
    .option("--retries <n>", "how often a failed batch is run again", "2")
    .option("--format <format>", `of the answer on stdout: ${COMPARISON_FORMATS.join(", ")}`, "text")
    .option(
      "--output <file>",
      "write the answer here too, by its ending: .txt, .json, .md (repeatable)",
      collect,
    )
    .option("--report <file>", "write a page with charts and images too, one .html file")
    .addHelpText("after", EXAMPLES)
    .action((a: string, b: string, flags: CompareFlags) => {
      // A result's own data take the place of the defaults.
      const given = <T>(name: string, value: T) =>
        command.getOptionValueSource(name) === "default" ? undefined : value;
      const data = { dataset: given("dataset", flags.dataset), split: given("split", flags.split) };
      return runWork((context) => runCompare({ ...flags, ...data, a, b }, context));
    });
  return command;
}

async function runCompare(
  { format: named, output, report, timeout, ...input }: CompareFlags & Pick<CompareInput, "a" | "b">,
  context: Context,
): Promise<readonly Error[]> {
  const format = oneOf("format", COMPARISON_FORMATS, named);
  const outputs = await openOutputs(format, output, comparisonFormatOf);
  const page = report === undefined ? undefined : await openPage(report);
  const outcome = await compareShowingProgress({ ...input, timeoutSeconds: timeout }, context);
  const { comparison, failure } = outcome;
  context.assume(comparison.assumptions);
  const { written = [], faults = [] } = (await page?.write(outcome)) ?? {};
  context.nameWritten(written);
  const unwritten = await giveAnswer(outputs, (one) => renderComparison(one, comparison), context);
  return [...(failure === undefined ? [] : [failure]), ...unwritten, ...faults];
}

/** Refuses at once what surely cannot be written. */
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
