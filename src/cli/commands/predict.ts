/** Commands that show single images: `batchwise predict PICTURE…` and `batchwise show INDEX`. */
import type { Command } from "commander";
import type { Assumption } from "#src/base/assumptions.js";
import {
  AS_STORED,
  type ImageShape,
  imageBytes,
  imageSizes,
  type PictureFit,
} from "#src/base/contracts/dataset.js";
import type { Network } from "#src/base/contracts/network.js";
import { grouped, shapeText } from "#src/base/errors/define.js";
import { atLeast, BatchwiseError, DatasetError, UsageError } from "#src/base/errors.js";
import { type FlagsOf, OPTIONS } from "#src/base/options/table.js";
import { printable } from "#src/base/text.js";
import { assertClassCount, readClassNames } from "#src/data/labels.js";
import { viewedShape } from "#src/data/view.js";
import { viewPixels } from "#src/data/view-pixels.js";
import { classify } from "#src/engines/predict.js";
import { assertStated, loadPair, networkFor } from "#src/evaluate/open-inputs.js";
import { resolveOptions } from "#src/evaluate/options.js";
import { readWholeFile } from "#src/files/read-file.js";
import { assertWritable, writeFileWhole } from "#src/files/write-file.js";
import { mapSizes } from "#src/networks/images.js";
import { matchOutputs } from "#src/networks/outputs.js";
import { readNetwork } from "#src/networks/registry.js";
import { digitWithBars } from "#src/reports/images.js";
import { type Context, downloadOptions, type RunWork } from "./context.js";
import { createCommand } from "./options.js";

type PredictFlags = FlagsOf<"predict">;

/** Loaded only where a picture is read or written. */
const loadPng = () => import("#src/data/pictures/read-png.js");

const DIGIT = { rows: 28, columns: 28, channels: 1 };
const EXAMPLES = `
A picture may have any size: it becomes an image of the network's size. For one
channel of 28 x 28, a drawing is centred as MNIST's digits are; its ink may be
dark on light, or light on dark. Others are resized, which --fit states.
- is standard input.

Examples:
  batchwise predict my-seven.png my-three.jpg
  batchwise predict cat.jpg --weights cifar.pt --fit pillow
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
  const matched = matchOutputs(given, names);
  const { shape, assumptions: assumed } = imagesOf(matched, options.imageShape);
  const { network, assumptions: read } = await networkFor(matched, shape);
  const assumptions = [...(network.assumptions ?? []), ...assumed, ...read];
  if (options.strict) assertStated(assumptions);
  const outputs = network.layers[network.layers.length - 1]!.outputs;
  if (names !== undefined) assertClassCount(names, outputs, { file: classes });
  const nameOf = (label: number) => names?.[label] ?? String(label);
  // The view comes after the picture is framed.
  const framed = viewedShape(shape, { ...AS_STORED, transpose: options.transpose });

  const answers = [];
  const faults: Error[] = [];
  /** Assumptions about pictures by their text, with the pictures. */
  const assumedOf = new Map<string, Assumption[]>();
  for (const path of paths) {
    try {
      const { image, shapes, ...found } = await readPicture(path, framed, options.fit);
      viewPixels(image, framed, options);
      const classified = classify(network, image, () => path);
      const data = classified.probabilities?.data;
      const [label] = atLeast(classified.predictions, 1);
      for (const one of found.assumptions) assumedOf.set(one.what, [...(assumedOf.get(one.what) ?? []), one]);
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
  for (const same of assumedOf.values()) {
    const [first] = atLeast(same, 1);
    const source = same.length === 1 ? first.source : `each of ${grouped(same.length)} pictures`;
    assumptions.push({ ...first, source });
  }
  if (options.strict) assertStated(assumptions);
  context.assume(assumptions);
  for (const { path, shapes } of answers) {
    if (shapes === null || shapes === 1) continue;
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
    const lines = digitWithBars(image, shape, probabilities ?? [], nameOf, paint);
    const share = probability === null ? "" : ` (${probability.toFixed(4)})`;
    context.writeAnswer(`${[...lines, `${printable(path)}: ${name}${share}`].join("\n")}\n`);
  }
  return faults;
}

/** Exit status of a file that cannot be read, or is no picture. */
const BAD_INPUT = 3;

async function readPicture(path: string, shape: ImageShape, fit: PictureFit | undefined) {
  const [{ MAX_PICTURE_BYTES }, { framedPicture }] = await Promise.all([
    loadPng(),
    import("#src/data/pictures/frame.js"),
  ]);
  return framedPicture(await readWholeFile(path, MAX_PICTURE_BYTES), path, shape, fit);
}

const SIZES = /^([1-9]\d{0,4})x([1-9]\d{0,4})(?:x([13]))?$/;

/** Shape of the images that a network reads: as its file or `--image-shape` states it; otherwise square ones are assumed. */
function imagesOf(
  { name, layers, imageSizes: stated }: Network,
  asked: string | undefined,
): { readonly shape: ImageShape; readonly assumptions: readonly Assumption[] } {
  const inputs = layers[0]?.inputs ?? 0;
  if (asked !== undefined) {
    const [, rows, columns, channels] = SIZES.exec(asked) ?? [];
    const places = Number(rows) * Number(columns);
    if (rows === undefined || columns === undefined) {
      const expected = "rows x columns of images, such as 28x28 or 32x32x3";
      throw new UsageError("ERR_OPTION_VALUE", { option: "--image-shape", expected, found: asked });
    }
    const implied = inputs === COLOURS * places ? COLOURS : 1;
    return {
      shape: { rows: Number(rows), columns: Number(columns), channels: Number(channels ?? implied) },
      assumptions: [],
    };
  }
  const [rows, columns, channels = 1] = stated ?? mapSizes(layers[0]) ?? [];
  if (rows !== undefined && columns !== undefined) {
    return { shape: { rows, columns, channels }, assumptions: [] };
  }
  for (const channels of [1, COLOURS]) {
    const side = Math.sqrt(inputs / channels);
    if (!Number.isInteger(side) || inputs === imageBytes(DIGIT)) continue;
    const shape = { rows: side, columns: side, channels };
    const what = `images of ${imageSizes(shape).join(" × ")} pixels`;
    return { shape, assumptions: [{ subject: "pixels", what, source: name, option: "--image-shape" }] };
  }
  return { shape: DIGIT, assumptions: [] };
}

/** Red, green and blue. */
const COLOURS = 3;

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
