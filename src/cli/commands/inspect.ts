/** `batchwise inspect`: shapes of data and layers, for one image and for a batch, with parameters and multiply-adds. */

import type { Command } from "commander";
import { assumedText } from "#src/base/assumptions.js";
import { hashFields, hashOf } from "#src/base/contracts/dataset.js";
import { grouped, shapeText } from "#src/base/errors/define.js";
import type { FlagsOf } from "#src/base/options/table.js";
import { printable } from "#src/base/text.js";
import { type DataAndNetwork, loadPair } from "#src/evaluate/open-inputs.js";
import { resolveOptions } from "#src/evaluate/options.js";
import { layerSizes } from "#src/networks/chain.js";
import { preprocessingText } from "#src/reports/report.js";
import type { Context, RunWork } from "./context.js";
import { downloadOptions } from "./context.js";
import { createCommand } from "./options.js";

type InspectFlags = FlagsOf<"inspect">;

export function inspectCommand(runWork: RunWork): Command {
  return createCommand("inspect").action((flags: InspectFlags) =>
    runWork((context) => runInspect(flags, context)),
  );
}

async function runInspect(
  { format = "text", ...flags }: InspectFlags,
  context: Context,
): Promise<readonly Error[]> {
  const options = resolveOptions(flags, 1);
  const pair = await loadPair(options, downloadOptions(context));
  context.assume(pair.assumptions);
  const facts = await factsOf(pair, options.batchSize);
  context.writeAnswer(format === "json" ? `${JSON.stringify(facts, null, 2)}\n` : textOf(facts));
  return [];
}

type Facts = Awaited<ReturnType<typeof factsOf>>;

async function factsOf({ dataset, network, assumptions }: DataAndNetwork, batchSize: number) {
  const { rows, columns } = dataset.facts.shape;
  const sizes = layerSizes(network);
  return {
    assumptions,
    dataset: {
      name: dataset.facts.name,
      split: dataset.facts.split,
      ...hashFields(dataset.facts, await dataset.sha256()),
      images: [dataset.facts.total, rows, columns],
      flattened: [dataset.facts.total, rows * columns],
      labels: [dataset.facts.total],
    },
    network: {
      name: network.name,
      sha256: network.sha256,
      normalize: network.preprocessing.kind,
      preprocessing: network.preprocessing,
      layers: network.layers.map(({ inputs, outputs, activation }, n) => ({
        kind: "dense" as const,
        input: [inputs],
        output: [outputs],
        weights: { name: `W${n + 1}`, shape: [inputs, outputs] },
        biases: { name: `b${n + 1}`, shape: [outputs] },
        activation,
        parameters: inputs * outputs + outputs,
        multiplyAdds: inputs * outputs,
      })),
      parameters: sum(network.layers.map(({ inputs, outputs }) => inputs * outputs + outputs)),
      /** Multiplications with their additions, for one image. */
      multiplyAdds: sum(network.layers.map(({ inputs, outputs }) => inputs * outputs)),
    },
    oneImage: sizes.map((size) => [size]),
    batch: sizes.map((size) => [batchSize, size]),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function textOf({ assumptions, dataset, network, oneImage, batch }: Facts): string {
  const layers = network.layers.flatMap(({ weights, biases, activation }) => [
    `${weights.name} ${shapeText(weights.shape)}`,
    `${biases.name} ${shapeText(biases.shape)} ${activation === "identity" ? "softmax" : activation}`,
  ]);
  return `${[
    `data set   ${printable(dataset.name)}, ${dataset.split}`,
    `  images   ${shapeText(dataset.images)} → ${shapeText(dataset.flattened)}`,
    `  labels   ${shapeText(dataset.labels)}`,
    dataset.sha256 === null ? `  sampled-sha256 ${hashOf(dataset)}` : `  sha256   ${dataset.sha256}`,
    `network    ${printable(network.name)}, ${preprocessingText(network.preprocessing)}`,
    ...layers.map((line) => `  ${line}`),
    `  ${grouped(network.parameters)} parameters, ${grouped(network.multiplyAdds)} multiply-adds per image`,
    `  sha256   ${network.sha256}`,
    ...(assumptions.length === 0 ? [] : [`assumed    ${assumedText(assumptions)}`]),
    `one image  ${oneImage.map(shapeText).join(" → ")}`,
    `a batch    ${batch.map((shape) => shape.join(" × ")).join(" → ")}`,
  ].join("\n")}\n`;
}
