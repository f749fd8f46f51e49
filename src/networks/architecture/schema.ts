/** Schema of an architecture: the layers of a network whose file holds arrays alone. Defaults are PyTorch's. */
import * as z from "zod";
import {
  ACTIVATIONS,
  NORMALIZATIONS,
  OUTPUT_KINDS,
  type Padding,
  type Pair,
} from "#src/base/contracts/network.js";
import { atLeast, NetworkError } from "#src/base/errors.js";
import { EPSILON_LIMITS, MEAN_LIMITS, STD_LIMITS } from "#src/base/options/network.js";
import { listed, printable, valueText } from "#src/base/text.js";
import { placeOf } from "#src/files/read-document.js";

/** What a template has in place of a value that it does not know. */
export const UNKNOWN = "?";
/** Largest size that a setting may have. */
const MAX_SIZE = 2 ** 25;
/** Most layers, activations included. */
const MAX_LAYERS = 2_000;
/** Most arrays that may be left out. */
const MAX_IGNORED = 10_000;
/** Longest name of an array. */
const MAX_NAME = 1_000;

const COUNT = `a whole number from 1 to ${MAX_SIZE}`;
const size = z.int(COUNT).min(1, COUNT).max(MAX_SIZE, COUNT);
const edge = z.int().min(0).max(MAX_SIZE);
/** One number for rows and columns, or both. */
const pair = z.union([size, z.tuple([size, size])], `${COUNT}, or [rows, columns] of such numbers`);
const NAME = "the name of an array";
const name = z
  .string(NAME)
  .min(1, NAME)
  .max(MAX_NAME, NAME)
  .refine((text) => text !== UNKNOWN, NAME);
const number = z.number("a number");
const decimal = ([low, high]: readonly [number, number]) => {
  const expected = `a number from ${low} to ${high}`;
  return z.number(expected).min(low, expected).max(high, expected);
};
/** One number, or one for each channel. */
const perChannel = (limits: readonly [number, number]) => {
  const expected = `a number from ${limits.join(" to ")}, or a list of them`;
  return z.union([decimal(limits), z.array(decimal(limits)).min(1, expected).readonly()], expected);
};
const isSet = z.boolean("true or false").optional();

const padding = z
  .union(
    [edge, z.tuple([edge, edge]), z.tuple([edge, edge, edge, edge]), z.enum(["same", "valid"])],
    "a whole number from 0, [rows, columns], [top, left, bottom, right], same or valid",
  )
  .describe(
    "Zeros around the map: a number; [rows, columns]; [top, left, bottom, right]; same (TensorFlow's, and PyTorch's with stride 1) or valid (none). Default 0.",
  );
const bias = name.optional().describe("Name of the array of biases. Default: no biases.");

const conv2d = z.strictObject({
  type: z.literal("conv2d"),
  weights: name.describe("Name of the array, in the order that `convWeights` states."),
  bias,
  stride: pair.optional().describe("Distance between two windows. Default 1."),
  padding: padding.optional(),
  dilation: pair.optional().describe("Distance between two elements of a window. Default 1."),
  groups: size.optional().describe("Groups of channels. Default 1."),
  paddingValue: number.optional().describe("Number in the padding. Default 0."),
});

const dense = z.strictObject({
  type: z.literal("dense"),
  weights: name.describe("Name of the array, in the order that `denseWeights` states."),
  bias,
});

const batchNormalization = z.strictObject({
  type: z.literal("batch-normalization"),
  weights: name.optional().describe("Name of the array of factors γ. Default: ones."),
  bias: name.optional().describe("Name of the array of summands β. Default: zeros."),
  mean: name.describe("Name of the array of running means."),
  variance: name.describe("Name of the array of running variances."),
  epsilon: decimal([0, 1]).optional().describe("Summand of the variance. Default 0.00001."),
});

const window = {
  size: pair.describe("Rows and columns of a window."),
  stride: pair.optional().describe("Distance between two windows. Default: the size."),
  padding: padding.optional(),
  ceil: isSet.describe("Whether a last window may reach beyond the padding. Default false."),
};
const maxPool = z.strictObject({ type: z.literal("max-pool"), ...window });
const averagePool = z.strictObject({
  type: z.literal("average-pool"),
  ...window,
  countsPadding: isSet.describe(
    "Whether an average counts the zeros of the padding. Default true; with padding same, false.",
  ),
});

const plain = z.strictObject({ type: z.enum(["global-max-pool", "global-average-pool", "flatten"]) });

/** Activations without numbers. */
const activation = z.strictObject({
  type: z.enum([
    ...(["identity", "sigmoid", "relu", "relu6", "tanh", "selu", "gelu", "gelu-tanh"] as const),
    ...(["silu", "softplus", "softsign"] as const),
  ]),
});

const leaky = z.strictObject({
  type: z.literal("leaky-relu"),
  slope: number.optional().describe("Slope below zero. Default 0.01."),
});
const prelu = z.strictObject({
  type: z.literal("prelu"),
  slopes: z
    .union([name, z.array(number).min(1).max(MAX_SIZE)], `${NAME}, or a list of numbers`)
    .describe("Slopes below zero, one or one per channel: name of the array, or a list of numbers."),
});
const elu = z.strictObject({
  type: z.literal("elu"),
  alpha: number.optional().describe("Factor below zero. Default 1."),
});
const hardSigmoid = z.strictObject({
  type: z.literal("hard-sigmoid"),
  alpha: number.optional().describe("Factor. Default 1/6; Keras 2 has 0.2."),
  beta: number.optional().describe("Summand. Default 0.5."),
});
const hardTanh = z.strictObject({
  type: z.literal("hard-tanh"),
  low: number.optional().describe("Lower bound. Default -1."),
  high: number.optional().describe("Upper bound. Default 1."),
});

const pad = z.strictObject({
  type: z.literal("pad"),
  padding: padding.describe("Zeros around the map: a number, [rows, columns] or [top, left, bottom, right]."),
});
const reshape = z.strictObject({
  type: z.literal("reshape"),
  shape: z.tuple([size, size, size], "[rows, columns, channels]").describe("Rows, columns and channels."),
});

const TYPES = `one of conv2d, dense, batch-normalization, max-pool, average-pool, global-max-pool, global-average-pool, flatten, reshape, pad, ${ACTIVATIONS.join(", ")}`;
const layer = z.discriminatedUnion(
  "type",
  [
    conv2d,
    ...[dense, batchNormalization],
    ...[maxPool, averagePool, plain, reshape, pad],
    ...[activation, leaky, prelu, elu, hardSigmoid, hardTanh],
  ],
  TYPES,
);

const preprocessing = z.discriminatedUnion(
  "kind",
  [
    z.strictObject({ kind: z.enum(["none", "scale"]) }),
    z.strictObject({
      kind: z.literal("standardize"),
      mean: perChannel(MEAN_LIMITS).describe("Mean of pixels ÷ 255, or one for each channel."),
      std: perChannel(STD_LIMITS).describe("Standard deviation of pixels ÷ 255, or one for each channel."),
    }),
    z.strictObject({
      kind: z.enum(["whiten-zca", "whiten-pca"]),
      epsilon: decimal(EPSILON_LIMITS),
      folded: z.literal(true, "true").describe("The first layer whitens raw bytes itself."),
    }),
  ],
  `one of ${NORMALIZATIONS.join(", ")}`,
);

const LAYERS = `a list of 1 to ${MAX_LAYERS} layers`;

export const architectureSchema = z
  .strictObject({
    $schema: z.string().optional().describe("Address of this schema, for editors."),
    input: z
      .union(
        [size, z.tuple([size, size]), z.tuple([size, size, size])],
        "a number of pixels, [rows, columns] or [rows, columns, channels]",
      )
      .optional()
      .describe(
        "One image: number of pixels, [rows, columns] or [rows, columns, channels]. Default: the first dense layer decides.",
      ),
    preprocessing: preprocessing
      .optional()
      .describe(
        "Change of the pixels (bytes) before the first layer. Default: stated by options, or assumed.",
      ),
    flattening: z
      .enum(["channels-first", "channels-last"], "channels-first or channels-last")
      .optional()
      .describe("Order in which `flatten` reads a map. Default channels-first; Keras has channels-last."),
    convWeights: z
      .enum(["oihw", "hwio"], "oihw or hwio")
      .optional()
      .describe(
        "Axes of the weights of `conv2d`: oihw (outputs, inputs, rows, columns) or hwio. Default oihw; Keras has hwio.",
      ),
    denseWeights: z
      .enum(["outputs-inputs", "inputs-outputs"], "outputs-inputs or inputs-outputs")
      .optional()
      .describe("Axes of the weights of `dense`. Default outputs-inputs; Keras has inputs-outputs."),
    layers: z.array(layer, LAYERS).min(1, LAYERS).max(MAX_LAYERS, LAYERS).describe("Layers, in order."),
    output: z
      .enum(OUTPUT_KINDS, `one of ${OUTPUT_KINDS.join(", ")}`)
      .optional()
      .describe("Last operation, after all layers. Default logits: none."),
    ignored: z
      .array(name)
      .max(MAX_IGNORED)
      .optional()
      .describe("Names of arrays that no layer reads. Other arrays that no layer names are an error."),
  })
  .meta({ title: "Batchwise: the architecture of a network" });

/** The layers of a network, as a person or `convert` writes them. */
export type Architecture = z.infer<typeof architectureSchema>;
export type ArchitectureLayer = Architecture["layers"][number];
export type LayerOf<Type extends ArchitectureLayer["type"]> = Extract<
  ArchitectureLayer,
  { readonly type: Type }
>;

/**
 * Checks a document against the schema. `path` is for messages.
 *
 * @throws NetworkError ERR_NETWORK_LAYER that names the first place which does not fit
 */
export function parseArchitecture(path: string, document: unknown): Architecture {
  const parsed = architectureSchema.safeParse(document);
  if (parsed.success) return parsed.data;
  const [issue] = atLeast(parsed.error.issues, 1);
  const value = issue.path.reduce<unknown>(
    (at, key) => (typeof at === "object" && at !== null ? Reflect.get(at, key) : undefined),
    document,
  );
  const layer = placeOf(issue.path) || "the architecture";
  const isKey = issue.code === "unrecognized_keys";
  const expected = isKey
    ? "known keys"
    : issue.message.replace(/^Invalid input: expected (.*), received .*$/, "$1");
  const found = isKey ? listed(issue.keys.map((key) => `"${printable(key)}"`)) : valueText(value);
  const isOpen = value === UNKNOWN || (Array.isArray(value) && value.includes(UNKNOWN));
  const next = isOpen
    ? "fill in what the file of weights does not state"
    : "see schemas/architecture.schema.json";
  throw new NetworkError("ERR_NETWORK_LAYER", { path, layer, expected, found, next });
}

/** Rows and columns of a setting that may be one number for both. */
export function pairOf(value: number | Pair | undefined): Pair | undefined {
  return typeof value === "number" ? [value, value] : value;
}

/** Padding of a layer; undefined for none. */
export function paddingOf(value: LayerOf<"conv2d">["padding"]): Padding | "same" | undefined {
  if (value === undefined || value === "valid") return undefined;
  if (value === "same") return value;
  if (typeof value === "number") return { top: value, left: value, bottom: value, right: value };
  if (value.length === 2) {
    const [vertical, horizontal] = value;
    return { top: vertical, left: horizontal, bottom: vertical, right: horizontal };
  }
  const [top, left, bottom, right] = value;
  return { top, left, bottom, right };
}
