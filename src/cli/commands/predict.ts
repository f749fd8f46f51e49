/** Commands that show single images: `batchwise predict PICTURE.png…` and `batchwise show INDEX`. */
import type { Command } from "commander";
import { imageSizes } from "#src/base/contracts/dataset.js";
import { shapeText } from "#src/base/errors/define.js";
import { atLeast, BatchwiseError, DatasetError, UsageError } from "#src/base/errors.js";
import { type FlagsOf, OPTIONS } from "#src/base/options/table.js";
import { printable } from "#src/base/text.js";
import { assertClassCount, readClassNames } from "#src/data/labels.js";
import { countShapes } from "#src/data/pictures/shapes.js";
import { DIGIT_SIDE, toDigit } from "#src/data/pictures/to-digit.js";
import { viewPixels } from "#src/data/view-pixels.js";
import { classify } from "#src/engines/predict.js";
import { assertStated, loadPair } from "#src/evaluate/open-inputs.js";
import { resolveOptions } from "#src/evaluate/options.js";
import { readWholeFile } from "#src/files/read-file.js";
import { assertWritable, writeFileWhole } from "#src/files/write-file.js";
import { assertFitsImages } from "#src/networks/images.js";
import { matchOutputs } from "#src/networks/outputs.js";
import { readNetwork } from "#src/networks/registry.js";
import { digitWithBars } from "#src/reports/images.js";
import { type Context, downloadOptions, type RunWork } from "./context.js";
import { createCommand } from "./options.js";

type PredictFlags = FlagsOf<"predict">;

/** Loaded only where a picture is read or written. */
const loadPng = () => import("#src/data/pictures/read-png.js");

const SHAPE = { rows: DIGIT_SIDE, columns: DIGIT_SIDE, channels: 1 };
const EXAMPLES = `
A picture may have any size. Its ink may be dark on light, or light on dark.
- is standard input.

Examples:
  batchwise predict my-seven.png my-three.png
  batchwise predict - < my-seven.png`;

export function predictCommand(runWork: RunWork): Command {
  return createCommand("predict")
    .addHelpText("after", EXAMPLES)
    .action((paths: string[], flags: PredictFlags) =>
      runWork((context) => runPredict(paths, flags, context)),
    );
}

async function runPredict(
  paths: readonly string[],
  { format = "text", ...flags }: PredictFlags,
  context: Context,
): Promise<readonly Error[]> {
  const { classes, ...options } = resolveOptions(flags, 1);
  const given = await readNetwork(flags.weights ?? OPTIONS.weights.default, {
    ...options,
    ...downloadOptions(context),
  });
  const names = classes === undefined ? given.classNames : await readClassNames(classes);
  const network = matchOutputs(given, names);
  if (options.strict) assertStated(network.assumptions);
  context.assume(network.assumptions);
  assertFitsImages(network, network.name, SHAPE);
  const outputs = network.layers[network.layers.length - 1]!.outputs;
  if (names !== undefined) assertClassCount(names, outputs, { file: classes });
  const nameOf = (label: number) => names?.[label] ?? String(label);

  const answers = [];
  const faults: Error[] = [];
  for (const path of paths) {
    try {
      const { image, shapes } = await readDigit(path);
      viewPixels(image, SHAPE, options);
      const classified = classify(network, image, () => path);
      const data = classified.probabilities?.data;
      const [label] = atLeast(classified.predictions, 1);
      answers.push({
        path,
        label,
        name: nameOf(label),
        probability: data?.[label] ?? null,
        probabilities: data === undefined ? null : [...data],
        shapes,
        image,
      });
    } catch (error) {
      // The other pictures are answered all the same.
      if (!(error instanceof BatchwiseError) || error.exitStatus !== BAD_INPUT) throw error;
      faults.push(error);
    }
  }
  for (const { path, shapes } of answers) {
    if (shapes === 1) continue;
    context.hint(`${path} seems to hold ${shapes} digits, but is read as one; give a picture of each`);
  }
  if (answers.length === 0) return faults;
  if (format === "json") {
    const listed = answers.map(({ image: _, ...answer }) => answer);
    context.writeAnswer(`${JSON.stringify(listed, null, 2)}\n`);
    return faults;
  }
  const paint = await context.loadPaint();
  for (const { path, name, probability, probabilities, image } of answers) {
    const lines = digitWithBars(image, SHAPE, probabilities ?? [], nameOf, paint);
    const share = probability === null ? "" : ` (${probability.toFixed(4)})`;
    context.writeAnswer(`${[...lines, `${printable(path)}: ${name}${share}`].join("\n")}\n`);
  }
  return faults;
}

/** Exit status of a file that cannot be read, or is no picture. */
const BAD_INPUT = 3;

async function readDigit(path: string): Promise<{ readonly image: Uint8Array; readonly shapes: number }> {
  const [{ MAX_PICTURE_BYTES }, { greyPicture }] = await Promise.all([
    loadPng(),
    import("#src/data/pictures/frame.js"),
  ]);
  const picture = await greyPicture(await readWholeFile(path, MAX_PICTURE_BYTES), path);
  return { image: toDigit(picture, path), shapes: countShapes(picture, path) };
}

type ShowFlags = FlagsOf<"show">;

export function showCommand(runWork: RunWork): Command {
  return createCommand("show").action((index: string, flags: ShowFlags) =>
    runWork((context) => runShow(index, flags, context)),
  );
}

async function runShow(
  indexText: string,
  { png, ...flags }: ShowFlags,
  context: Context,
): Promise<readonly Error[]> {
  if (!/^\d+$/.test(indexText)) {
    const facts = { option: "INDEX", expected: "a whole number from 0", found: indexText };
    throw new UsageError("ERR_OPTION_VALUE", facts);
  }
  const index = Number(indexText);
  if (png !== undefined) await assertWritable(png);
  const pair = await loadPair(resolveOptions(flags, 1), downloadOptions(context));
  const { dataset, network, slabs } = pair;
  context.assume(pair.assumptions);
  const { total, shape, classNames } = dataset.facts;
  if (index >= total) throw new DatasetError("ERR_IMAGE_INDEX", { index, total });
  for await (const { pixels, labels, inputs } of slabs(
    { multiple: 1, lanes: 1 },
    { offset: index, limit: 1 },
  )) {
    const { probabilities, predictions } = classify(network, pixels, () => index);
    const data = probabilities?.data ?? [];
    const name = (label: number) => classNames?.[label] ?? String(label);
    const head = [
      `label: ${name(labels[0]!)}`,
      shapeText([inputs]),
      shapeText(imageSizes(shape)),
      `prediction: ${name(predictions[0]!)}`,
    ];
    const image = digitWithBars(pixels, shape, data, name, await context.loadPaint());
    context.writeAnswer(`${[...head, "", ...image].join("\n")}\n`);
    if (png === undefined) continue;
    await writeFileWhole(png, (await loadPng()).encodePng(pixels, shape));
    context.nameWritten([png]);
  }
  return [];
}
