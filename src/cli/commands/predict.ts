/** `batchwise predict PICTURE.png…`: what a network makes of drawings of one's own. */
import { Command } from "commander";
import { assertClassCount, readClassNames } from "#src/data/class-names.js";
import { DIGIT_SIDE, toDigit } from "#src/data/pictures/to-digit.js";
import { viewPixels } from "#src/data/view.js";
import { classify } from "#src/engines/predict.js";
import { assertStated } from "#src/evaluate/open-inputs.js";
import { type EvaluateInput, oneOf, resolveOptions } from "#src/evaluate/options.js";
import { readNetwork } from "#src/networks/registry.js";
import { assertFitsImages } from "#src/networks/validate.js";
import { digitWithBars } from "#src/reports/digit-with-bars.js";
import type { Context, RunWork } from "./context.js";
import { downloadOptions } from "./download-line.js";
import { addNetworkOptions, PLAIN_FORMATS } from "./options.js";

type PredictFlags = Omit<EvaluateInput, "weights"> & { readonly weights: string; readonly format: string };

const SHAPE = { rows: DIGIT_SIDE, columns: DIGIT_SIDE };
const EXAMPLES = `
The picture may have any size; dark ink on light paper and light on dark are told apart.

Example:
  batchwise predict my-seven.png`;

export function predictCommand(runWork: RunWork): Command {
  const command = new Command("predict").description("say which digit a picture shows");
  return addNetworkOptions(command.argument("<picture...>", "PNG files, one digit each"))
    .option("--classes <file>", "names of the classes, one a line")
    .option("--invert", "give the network dark ink on a bright ground")
    .option("--transpose", "swap rows and columns for the network")
    .option("--format <format>", `of the answer: ${PLAIN_FORMATS.join(", ")}`, "text")
    .addHelpText("after", EXAMPLES)
    .action((paths: string[], flags: PredictFlags) =>
      runWork((context) => runPredict(paths, flags, context)),
    );
}

async function runPredict(
  paths: readonly string[],
  flags: PredictFlags,
  context: Context,
): Promise<readonly Error[]> {
  const format = oneOf("format", PLAIN_FORMATS, flags.format);
  const { classes, ...options } = resolveOptions(flags, 1);
  const network = await readNetwork(flags.weights, { ...options, ...downloadOptions(context) });
  if (options.strict) assertStated(network.assumptions);
  context.assume(network.assumptions);
  assertFitsImages(network, network.name, SHAPE);
  const names = classes === undefined ? undefined : await readClassNames(classes);
  const outputs = network.layers[network.layers.length - 1].outputs;
  if (names !== undefined) assertClassCount(names, outputs, classes ?? "");
  const nameOf = (label: number) => names?.[label] ?? String(label);

  const { readPng } = await import("#src/data/pictures/read-png.js");
  const answers = [];
  for (const path of paths) {
    const image = toDigit(await readPng(path), path);
    viewPixels(image, SHAPE, options);
    const classified = classify(network, image, () => path);
    const { data } = classified.probabilities;
    const [label] = classified.predictions;
    answers.push({
      path,
      label,
      name: nameOf(label),
      probability: data[label],
      probabilities: [...data],
      image,
    });
  }
  if (format === "json") {
    const listed = answers.map(({ image: _, ...answer }) => answer);
    context.writeAnswer(`${JSON.stringify(listed, null, 2)}\n`);
    return [];
  }
  const paint = await context.loadPaint();
  for (const { path, name, probability, probabilities, image } of answers) {
    const lines = digitWithBars(image, SHAPE, probabilities, nameOf, paint);
    context.writeAnswer(`${[...lines, `${path}: ${name} (${probability.toFixed(4)})`].join("\n")}\n`);
  }
  return [];
}
