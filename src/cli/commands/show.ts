/** `batchwise show INDEX`: one image, its label, and what the network makes of it. */
import { Command } from "commander";
import type { ImageShape } from "#src/base/contracts/dataset.js";
import { shapeText } from "#src/base/errors/define.js";
import { DatasetError, UsageError } from "#src/base/errors.js";
import { classify } from "#src/engines/predict.js";
import { loadPair } from "#src/evaluate/open-inputs.js";
import { type EvaluateInput, resolveOptions } from "#src/evaluate/options.js";
import { writeFileWhole } from "#src/files/write-file.js";
import { digitWithBars } from "#src/reports/digit-with-bars.js";
import type { Context, RunWork } from "./context.js";
import { downloadOptions } from "./download-line.js";
import { addDataOptions, addNetworkOptions } from "./options.js";

type ShowFlags = EvaluateInput & { readonly png?: string };

export function showCommand(runWork: RunWork): Command {
  const command = new Command("show").description("show an image, its label and the network's probabilities");
  addNetworkOptions(addDataOptions(command.argument("<index>", "which image, from 0")))
    .option("--png <file>", "write the image as a grey PNG too")
    .action((index: string, flags: ShowFlags) => runWork((context) => runShow(index, flags, context)));
  return command;
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
  const pair = await loadPair(resolveOptions(flags, 1), downloadOptions(context));
  const { dataset, network, slabs } = pair;
  context.assume(pair.assumptions);
  const { total } = dataset;
  if (index >= total) throw new DatasetError("ERR_IMAGE_INDEX", { index, total });
  for await (const { pixels, labels, inputs } of slabs(1, { offset: index, limit: 1 })) {
    const { probabilities, predictions } = classify(network, pixels, () => index);
    const { data } = probabilities;
    const name = (label: number) => dataset.classNames?.[label] ?? String(label);
    const head = [
      `label: ${name(labels[0])}`,
      shapeText([inputs]),
      shapeText([dataset.shape.rows, dataset.shape.columns]),
      `prediction: ${name(predictions[0])}`,
    ];
    const image = digitWithBars(pixels, dataset.shape, data, name, await context.loadPaint());
    context.writeAnswer(`${[...head, "", ...image].join("\n")}\n`);
    if (png !== undefined) await writeFileWhole(png, await greyPng(pixels, dataset.shape));
  }
  return [];
}

/** 8-bit greyscale; ink is white on black, as in the data. */
async function greyPng(pixels: Uint8Array, { rows, columns }: ImageShape): Promise<Uint8Array> {
  const { encode } = await import("fast-png");
  // Copied out of shared memory, which the encoder's checksums do not take.
  return encode({ width: columns, height: rows, data: Uint8Array.from(pixels), depth: 8, channels: 1 });
}
