/**
 * Finds the conventional architecture of a state dict with convolutions. Its arrays do not state paddings, pools and the
 * size of the pictures; the first fully connected layer states how many numbers the maps must have.
 */
import { imageSizes } from "#src/base/contracts/dataset.js";
import type { MapShape, Pair } from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import type { Block } from "./modules.js";

/** Pictures of MNIST and sets like it, and those of CIFAR. */
const GREY: MapShape = { rows: 28, columns: 28, channels: 1 };
const PICTURES: readonly MapShape[] = [GREY, { rows: 32, columns: 32, channels: 3 }];
/** Conventional pictures of so many channels; grey ones if there are none. */
export function pictureOf(channels: number): MapShape {
  return PICTURES.find((one) => one.channels === channels) ?? GREY;
}

/** Most convolutions. The search doubles with each. */
const MAX_CONVOLUTIONS = 10;
/** Most convolutions with paddings that differ: the search quadruples with each. */
const MAX_MIXED = 5;
/** Most architectures that a message names. */
const MOST_NAMED = 4;

/** What the arrays do not state about a convolution. */
export interface ConvolutionPlan {
  /** Rows and columns of zeros on each side. */
  readonly padding: Pair;
  /** Whether a 2 × 2 max pool follows. */
  readonly isPooled: boolean;
}

type Plan = readonly ConvolutionPlan[];

interface Conventional {
  /** Pictures that the first convolution reads; undefined without convolutions. */
  readonly picture: MapShape | undefined;
  readonly plan: Plan;
  /** Number of plans that fit, those with several paddings included. */
  readonly fitting: number;
}

/**
 * Returns what follows each convolution, so that the flattened maps are what the first fully connected layer reads: 28 × 28
 * pictures of one channel, or 32 × 32 of three; stride 1; padding 0, or (k − 1) ÷ 2; a 2 × 2 max pool or none.
 *
 * The simplest rule goes first: one kind of padding for all convolutions. Only if none fits, each may have its own. The numbers
 * of nn.Sequential's modules show how many modules without arrays stand behind a convolution. The first is its activation, so
 * a pool needs two. If several architectures fit, the one that has a pool wherever there are two is used. If that leaves
 * more than one, nothing is assumed.
 *
 * @throws NetworkError ERR_NETWORK_ARCHITECTURE if there is no answer, or more than one; ERR_NETWORK_CHAIN
 */
export function conventionalPlan(path: string, blocks: readonly Block[]): Conventional {
  const convolutions = blocks.filter(({ kind }) => kind === "convolution");
  const first = blocks.find(({ kind }) => kind === "linear");
  const [start] = convolutions;
  if (start === undefined) return { picture: undefined, plan: [], fitting: 1 };
  if (first === undefined) {
    const expected = "a fully connected layer behind the convolutions";
    throw new NetworkError("ERR_NETWORK_KEYS", { path, expected, found: "none" });
  }
  const picture = pictureOf(start.inputs);
  const fail = (found: string) => architectureError(path, first, found, picture);
  if (picture.channels !== start.inputs) throw fail(`pictures of ${start.inputs} channels`);
  if (convolutions.length > MAX_CONVOLUTIONS) throw fail(`${convolutions.length} convolutions`);
  const last = convolutions.at(-1)!;
  // Averages over whole maps hide every padding and pool.
  if (first.inputs === last.outputs) throw fail("maps averaged over all rows and columns, or of one element");
  const fits = (plan: Plan) => flattened(picture, convolutions, plan) === first.inputs;
  const uniform = plansOf(convolutions, paddingsOf(convolutions)).filter(fits);
  const isSmall = convolutions.length <= MAX_MIXED;
  const mixed = isSmall ? plansOf(convolutions, mixedPaddings(convolutions)).filter(fits) : uniform;
  const chosen = shownOf(convolutions, uniform.length === 0 ? mixed : uniform);
  const [only, ...others] = chosen;
  if (only === undefined) throw fail("none");
  if (others.length === 0) return { picture, plan: only, fitting: shownOf(convolutions, mixed).length };
  const named = chosen.slice(0, MOST_NAMED).map((plan) => planText(convolutions, plan));
  const more = chosen.length > MOST_NAMED ? `, or another of ${chosen.length}` : "";
  throw fail(`several: ${named.join("; or ")}${more}`);
}

/** The plans that have a pool wherever the modules' numbers show one, if there are any. */
function shownOf(convolutions: readonly Block[], plans: readonly Plan[]): readonly Plan[] {
  const shown = plans.filter((plan) => convolutions.every((block, n) => isShown(block, plan[n]!)));
  return plans.length > 1 && shown.length > 0 ? shown : plans;
}

function architectureError(
  path: string,
  { name, inputs }: Block,
  found: string,
  picture: MapShape,
): NetworkError {
  const facts = { path, layer: printable(name), inputs, pictures: imageSizes(picture).join(" × "), found };
  return new NetworkError("ERR_NETWORK_ARCHITECTURE", facts);
}

/** Numbers of the map behind the last convolution; undefined if a map becomes too small. */
function flattened(picture: MapShape, convolutions: readonly Block[], plan: Plan): number | undefined {
  let { rows, columns } = picture;
  for (const [n, { shape }] of convolutions.entries()) {
    const { padding, isPooled } = plan[n]!;
    rows += 2 * padding[0] - shape[2]! + 1;
    columns += 2 * padding[1] - shape[3]! + 1;
    if (isPooled) [rows, columns] = [Math.floor(rows / 2), Math.floor(columns / 2)];
    if (rows < 1 || columns < 1) return undefined;
  }
  return rows * columns * convolutions.at(-1)!.outputs;
}

/** Padding that keeps the size, for kernels of odd sides. */
function samePadding({ shape }: Block): Pair | undefined {
  const [rows, columns] = [shape[2]!, shape[3]!];
  return rows % 2 === 1 && columns % 2 === 1 ? [(rows - 1) / 2, (columns - 1) / 2] : undefined;
}

const NONE: Pair = [0, 0];

/** No padding, and the padding that keeps the sizes, for all convolutions alike. */
function paddingsOf(convolutions: readonly Block[]): Pair[][] {
  const same = convolutions.flatMap((block) => [samePadding(block) ?? NONE]);
  const isOther = same.some(([rows, columns]) => rows + columns > 0);
  const isPossible = convolutions.every((block) => samePadding(block) !== undefined);
  return [convolutions.map(() => NONE), ...(isOther && isPossible ? [same] : [])];
}

/** Every choice of one of two paddings for each convolution. */
function mixedPaddings(convolutions: readonly Block[]): Pair[][] {
  return convolutions.reduce<Pair[][]>(
    (lists, block) => {
      const same = samePadding(block);
      const choices = same === undefined || same[0] + same[1] === 0 ? [NONE] : [NONE, same];
      return lists.flatMap((list) => choices.map((choice) => [...list, choice]));
    },
    [[]],
  );
}

/** Paddings with every choice of pools that the modules' numbers allow. */
function plansOf(convolutions: readonly Block[], paddings: readonly (readonly Pair[])[]): Plan[] {
  return paddings.flatMap((list) =>
    convolutions.reduce<ConvolutionPlan[][]>(
      (plans, { plainModules }, n) => {
        const padding = list[n]!;
        const choices = plainModules !== undefined && plainModules < 2 ? [false] : [false, true];
        return plans.flatMap((plan) => choices.map((isPooled) => [...plan, { padding, isPooled }]));
      },
      [[]],
    ),
  );
}

/** Whether the modules behind a convolution are its activation, and a pool if there are more. */
function isShown({ plainModules }: Block, { isPooled }: ConvolutionPlan): boolean {
  return plainModules === undefined || isPooled === plainModules >= 2;
}

/** `padding 1 and a 2 × 2 max pool after conv1, conv2`. */
export function planText(
  convolutions: readonly Block[],
  plan: Plan,
  kind: "average" | "max" = "max",
): string {
  const texts = [...new Set(plan.map(({ padding }) => paddingText(padding)))];
  const padding =
    texts.length === 1
      ? `padding ${texts[0]}`
      : `padding ${plan.map((one, n) => `${paddingText(one.padding)} of ${printable(convolutions[n]!.name)}`).join(", ")}`;
  const pooled = convolutions.filter((_, n) => plan[n]!.isPooled).map(({ name }) => printable(name));
  const pools = pooled.length === 0 ? "no pool" : `a 2 × 2 ${kind} pool after ${pooled.join(", ")}`;
  return `${padding} and ${pools}`;
}

function paddingText([rows, columns]: Pair): string {
  return rows === columns ? `${rows}` : `${rows} × ${columns}`;
}
