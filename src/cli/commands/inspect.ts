/** `batchwise inspect`: shapes of data and layers, for one image and for a batch, with parameters and multiply-adds. */

import type { Command } from "commander";
import { assumedText } from "#src/base/assumptions.js";
import { hashFields, hashOf, imageBytes, imageSizes } from "#src/base/contracts/dataset.js";
import type { Conv2dLayer, DenseLayer, Layer, MapShape, Pool2dLayer } from "#src/base/contracts/network.js";
import { grouped, shapeText } from "#src/base/errors/define.js";
import type { FlagsOf } from "#src/base/options/table.js";
import { printable } from "#src/base/text.js";
import { type DataAndNetwork, loadPair } from "#src/evaluate/open-inputs.js";
import { resolveOptions } from "#src/evaluate/options.js";
import { productsOfLayer } from "#src/networks/chain.js";
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
  { format = "text", architectureTemplate: isTemplate = false, ...flags }: InspectFlags,
  context: Context,
): Promise<readonly Error[]> {
  const options = resolveOptions(flags, 1);
  if (isTemplate && typeof options.weights === "string") {
    const { architectureTemplate } = await import("#src/networks/architecture/template.js");
    const request = { ...options, ...downloadOptions(context) };
    context.writeAnswer(await architectureTemplate(options.weights, request));
    return [];
  }
  const pair = await loadPair(options, downloadOptions(context));
  context.assume(pair.assumptions);
  const facts = await factsOf(pair, options.batchSize);
  context.writeAnswer(format === "json" ? `${JSON.stringify(facts, null, 2)}\n` : textOf(facts));
  return [];
}

type Facts = Awaited<ReturnType<typeof factsOf>>;

async function factsOf({ dataset, network, assumptions }: DataAndNetwork, batchSize: number) {
  const { shape, total } = dataset.facts;
  const layers = network.layers.map(layerFacts);
  const shapes = [...layers.slice(0, 1).map(({ input }) => input), ...layers.map(({ output }) => output)];
  return {
    assumptions,
    dataset: {
      name: dataset.facts.name,
      split: dataset.facts.split,
      ...hashFields(dataset.facts, await dataset.sha256()),
      images: [total, ...imageSizes(shape)],
      flattened: [total, imageBytes(shape)],
      labels: [total],
    },
    network: {
      name: network.name,
      sha256: network.sha256,
      normalize: network.preprocessing.kind,
      preprocessing: network.preprocessing,
      layers,
      parameters: sum(layers.map(({ parameters }) => parameters)),
      /** Multiplications with their additions, for one image. */
      multiplyAdds: sum(layers.map(({ multiplyAdds }) => multiplyAdds)),
    },
    oneImage: shapes,
    batch: shapes.map((shape) => [batchSize, ...shape]),
  };
}

interface NamedShape {
  readonly name: string;
  readonly shape: readonly number[];
}

/** A layer with its shapes: (units), or (rows, columns, channels). */
interface LayerFacts {
  readonly kind: Layer["kind"];
  readonly input: readonly number[];
  readonly output: readonly number[];
  readonly weights?: NamedShape;
  readonly biases?: NamedShape;
  readonly kernel?: readonly number[];
  readonly stride?: readonly number[];
  /** Top, left, bottom, right. */
  readonly padding?: readonly number[];
  readonly dilation?: readonly number[];
  readonly groups?: number;
  readonly activation: string;
  readonly activationNumbers?: readonly number[];
  readonly ends?: string;
  readonly parameters: number;
  /** Multiplications with their additions, for one image. */
  readonly multiplyAdds: number;
}

function layerFacts(layer: Layer, index: number): LayerFacts {
  const isWindowed = layer.kind !== "dense" && layer.kind !== "activation";
  const weighted = "weights" in layer ? weightFacts(layer, index) : {};
  return {
    kind: layer.kind,
    input: isWindowed ? shapeOf(layer.input) : [layer.inputs],
    output: isWindowed ? shapeOf(layer.output) : [layer.outputs],
    ...weighted,
    ...(isWindowed ? windowFacts(layer) : {}),
    activation: layer.activation,
    ...(layer.activationNumbers === undefined ? {} : { activationNumbers: [...layer.activationNumbers] }),
    ...(layer.ends === undefined ? {} : { ends: layer.ends }),
    parameters:
      ("weights" in layer ? layer.weights.length + layer.biases.length : 0) +
      (layer.activation === "prelu" ? (layer.activationNumbers?.length ?? 1) : 0),
    multiplyAdds: productsOfLayer(layer),
  };
}

function shapeOf({ rows, columns, channels }: MapShape): number[] {
  return [rows, columns, channels];
}

function weightFacts(layer: DenseLayer | Conv2dLayer, index: number) {
  const { kernel, input, groups } =
    layer.kind === "dense" ? { kernel: [], input: { channels: layer.inputs }, groups: 1 } : layer;
  const shape = [...kernel, input.channels / groups, layer.biases.length];
  return {
    weights: { name: `W${index + 1}`, shape },
    biases: { name: `b${index + 1}`, shape: [layer.biases.length] },
  };
}

function windowFacts(layer: Conv2dLayer | Pool2dLayer) {
  const { kernel, stride, padding } = layer;
  const { top, left, bottom, right } = padding;
  return {
    kernel,
    stride,
    padding: [top, left, bottom, right],
    ...(layer.kind === "conv2d" ? { dilation: layer.dilation, groups: layer.groups } : {}),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function textOf({ assumptions, dataset, network, oneImage, batch }: Facts): string {
  return `${[
    `data set   ${printable(dataset.name)}, ${dataset.split}`,
    `  images   ${shapeText(dataset.images)} → ${shapeText(dataset.flattened)}`,
    `  labels   ${shapeText(dataset.labels)}`,
    dataset.sha256 === null ? `  sampled-sha256 ${hashOf(dataset)}` : `  sha256   ${dataset.sha256}`,
    `network    ${printable(network.name)}, ${preprocessingText(network.preprocessing)}`,
    ...layerTable(network.layers),
    `  ${grouped(network.parameters)} parameters, ${grouped(network.multiplyAdds)} multiply-adds per image`,
    `  sha256   ${network.sha256}`,
    ...(assumptions.length === 0 ? [] : [`assumed    ${assumedText(assumptions)}`]),
    `one image  ${oneImage.map(shapeText).join(" → ")}`,
    `a batch    ${batch.map((shape) => shape.join(" × ")).join(" → ")}`,
  ].join("\n")}\n`;
}

/** A line for each layer: what it is, shape of its weights, its outputs, its activation, its size. */
function layerTable(layers: readonly LayerFacts[]): string[] {
  const head = ["layer", "weights", "output", "activation", "parameters", "multiply-adds"];
  const rows = layers.map((layer, n) => [
    titleOf(layer),
    layer.weights === undefined ? "" : `${layer.weights.name} ${shapeText(layer.weights.shape)}`,
    shapeText(layer.output),
    endOf(layer, n === layers.length - 1),
    grouped(layer.parameters),
    grouped(layer.multiplyAdds),
  ]);
  const table = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  return table.map((row) => {
    const cells = row.map((text, column) =>
      column < 4 ? text.padEnd(widths[column]!) : text.padStart(widths[column]!),
    );
    return `  ${cells.join(" ")}`.trimEnd();
  });
}

/** `conv2d 3×3 /2 +1`: kernel, then the stride and the padding if there are any. */
function titleOf({ kind, kernel, stride, padding, dilation }: LayerFacts): string {
  if (kernel === undefined || stride === undefined || padding === undefined) return kind;
  const strides = new Set(kind === "conv2d" ? [1, ...stride] : [kernel[0], ...kernel, ...stride]);
  const paddings = new Set(padding);
  return [
    kind,
    kernel.join("×"),
    ...(strides.size === 1 ? [] : [`/${stride.join("×")}`]),
    ...(paddings.size === 1 && padding[0] === 0 ? [] : [`+${[...paddings].join(",")}`]),
    ...(dilation === undefined || (dilation[0] === 1 && dilation[1] === 1) ? [] : [`~${dilation.join("×")}`]),
  ].join(" ");
}

/** The activation. Outputs of the last layer are logits, of which softmax makes probabilities. */
function endOf({ activation, ends }: LayerFacts, isLast: boolean): string {
  const end = ends ?? "softmax";
  if (activation === "identity") return isLast ? end : "";
  return isLast ? `${activation}, ${end}` : activation;
}
