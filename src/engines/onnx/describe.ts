/** Input and output of a model, by its metadata and by one run: what a file states about its outputs is only a claim. */

import type { ModelInput, ModelOutput } from "#src/base/contracts/engine.js";
import type { Preprocessing } from "#src/base/contracts/network.js";
import { shapeText } from "#src/base/errors/define.js";
import { atLeast, NetworkError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import { withOutputs } from "#src/networks/onnx/encode.js";
import type { Ending } from "#src/networks/onnx/ending.js";
import { agree, canBe, isNear, likeliest, type Rows } from "./engine.js";
import { createFeed, type Feed, inputOf, isRows, logitCandidates, noLogits } from "./feed.js";
import {
  loadRuntime,
  numbersOf,
  openSession,
  type Runtime,
  type RuntimeTensor,
  refusal,
  type Session,
} from "./runtime.js";

/** Images of the first run. One would not show whether the output grows with the batch. */
const PROBE_IMAGES = 2;

export interface Described {
  readonly input: ModelInput;
  readonly output: ModelOutput;
  /** True if the graph shows the kind of the output; if not, `output.kind` is the likeliest one. */
  readonly isKnown: boolean;
  /** Names of all outputs that may be the classes; the first is used. Outputs of the same logits count once. */
  readonly candidates: readonly string[];
  /** Model with the tensor `output.name` among its outputs. */
  readonly bytes: Uint8Array;
}

/**
 * Opens the model in this thread, runs it once and closes it. Its output is the first one of shape (N, classes). If `endings`
 * name the tensor of the logits, and the run confirms that, the logits are fetched instead.
 * Nothing here can stop a graph that loops without end.
 *
 * @throws RunError ERR_ENGINE_PEER
 * @throws NetworkError ERR_ONNX_RUNTIME if onnxruntime rejects it or fails to run it; ERR_ONNX_GRAPH if its input takes no
 *   grey images, or no output can be logits; ERR_NETWORK_NOT_FINITE if these are NaN; ERR_ONNX_RANDOM, ERR_ONNX_BATCH as
 *   `assertSteady`, which sees images after `preprocessing`
 */
export async function describeModel(
  path: string,
  bytes: Uint8Array,
  endings: ReadonlyMap<string, Ending> = new Map(),
  preprocessing: Preprocessing = { kind: "none" },
): Promise<Described> {
  const runtime = await loadRuntime();
  const opened = await openWithLogits(runtime, path, bytes, endings);
  const { session } = opened;
  try {
    const input = inputOf(path, session.inputMetadata);
    const named = session.outputMetadata.filter(({ name }) => !opened.added.includes(name));
    const candidates = logitCandidates(path, named);
    const images = input.batch ?? PROBE_IMAGES;
    const feed = createFeed(runtime, input, { kind: "none" });
    const fetched = [...new Set([...candidates, ...opened.logits])];
    const pixels = feed(probePixels(input, images), images, images);
    const given = await probe(path, session, pixels, input.name, fetched);
    const tables = candidates.filter((name) => {
      const [rows, classes = 0, ...more] = given[name]!.dims;
      return rows === images && classes > 0 && more.length === 0;
    });
    for (const name of tables) {
      const [, classes = 0] = given[name]!.dims;
      const values = numbersOf(given[name]!);
      assertNumbers(path, name, values);
      const ending = endings.get(name) ?? { kind: undefined };
      if (ending.kind === "ranks") throw noLogits(path, `${printable(name)}, which ranks the classes`);
      const found = settled(name, ending, { values, classes }, images, given);
      const output = found.output.name;
      const preprocessed = createFeed(runtime, input, preprocessing);
      const steady = await assertSteady(path, input, preprocessed, async (batch) => {
        return (await probe(path, session, batch, input.name, [output]))[output]!;
      });
      const facts = { input, bytes: opened.bytes, candidates: differing(tables, endings) };
      if (found.isKnown) return { ...facts, ...found };
      const kind = likeliest({ values: [...Array.from(values), ...steady], classes });
      return { ...facts, output: { name, classes, kind, holds: kind }, isKnown: false };
    }
    const shapes = candidates.map((name) => shapeText(given[name]!.dims)).join(", ");
    throw noLogits(path, `${shapes} for ${images} images`);
  } finally {
    await session.release();
  }
}

/** Outputs without those that are made of the same logits as one before them, such as the logits and their softmax. */
function differing(outputs: readonly string[], endings: ReadonlyMap<string, Ending>): string[] {
  const logitsOf = (name: string) => endings.get(name)?.logits ?? name;
  return outputs.filter(
    (name, at) => outputs.findIndex((other) => logitsOf(other) === logitsOf(name)) === at,
  );
}

interface Opened {
  readonly session: Session;
  readonly bytes: Uint8Array;
  /** Tensors of logits, by the names of their outputs. */
  readonly logits: readonly string[];
  /** Tensors that were added to the outputs. */
  readonly added: readonly string[];
}

/** Opens a session that gives the logits too. If the runtime rejects that model, the unchanged model is opened. */
async function openWithLogits(
  runtime: Runtime,
  path: string,
  bytes: Uint8Array,
  endings: ReadonlyMap<string, Ending>,
): Promise<Opened> {
  const logits = [...new Set([...endings.values()].flatMap(({ logits: name }) => name || []))];
  const added = logits.filter((name) => !endings.has(name));
  if (added.length > 0) {
    const whole = withOutputs(bytes, added);
    try {
      return { session: await openSession(runtime, path, whole), bytes: whole, logits, added };
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
    }
  }
  const session = await openSession(runtime, path, bytes);
  return { session, bytes, logits: logits.filter((name) => endings.has(name)), added: [] };
}

/** Stripes of the faintest ink, different in each image: rows that differ distinguish the axes of an output. */
function probePixels({ shape }: ModelInput, images: number): Uint8Array {
  const inputs = shape.reduce((product, size) => product * size, 1);
  return Uint8Array.from({ length: images * inputs }, (_, n) => {
    const image = Math.floor(n / inputs);
    return (n % inputs) % (image + 2) === 0 ? 1 : 0;
  });
}

/** Returns the output of the kind that the graph shows, if the run does not contradict it. */
function settled(
  name: string,
  { kind, logits }: Ending,
  rows: Rows,
  images: number,
  given: Readonly<Record<string, RuntimeTensor>>,
): Pick<Described, "output" | "isKnown"> {
  const { classes } = rows;
  if (kind === undefined || kind === "ranks" || !canBe(kind, rows)) {
    const guess = likeliest(rows);
    return { output: { name, classes, kind: guess, holds: guess }, isKnown: false };
  }
  const before = logits === undefined ? undefined : given[logits];
  if (logits !== undefined && before !== undefined && isRows(before.dims, images, classes)) {
    if (agree(kind, numbersOf(before), rows)) {
      return { output: { name: logits, classes, kind, holds: "logits" }, isKnown: true };
    }
  }
  return { output: { name, classes, kind, holds: kind }, isKnown: true };
}

/** Rejects NaN outputs. A model with a NaN weight gives NaN for every image, and argmax would make a class of it. */
function assertNumbers(path: string, output: string, logits: ArrayLike<number>): void {
  const index = Array.from(logits).findIndex((logit) => Number.isNaN(logit));
  if (index === -1) return;
  throw new NetworkError("ERR_NETWORK_NOT_FINITE", { path, layer: printable(output), index, found: "NaN" });
}

async function probe(
  path: string,
  session: Session,
  images: RuntimeTensor,
  input: string,
  outputs: readonly string[],
): Promise<Readonly<Record<string, RuntimeTensor>>> {
  try {
    return await session.run({ [input]: images }, outputs);
  } catch (cause) {
    throw refusal(path, cause);
  }
}

// Checks by a few runs that a model always gives an image the same numbers, whatever else is in its batch. Otherwise a
// result would depend on the batch size or on chance, and no file or option states either.

/** Number of different images; fewer if the model's own batch is smaller. */
const IMAGES = 4;
const WHITE = 255;
/** A third of the noise is black, the rest is at most half white, so that a range over the whole batch is noticed. */
const BLACK_SHARE = 1 / 3;
const NOISE_LEVELS = 128;

/** Runs input (images, …shape). Returns the judged output, row by row. */
export type ProbeRun = (images: RuntimeTensor) => Promise<RuntimeTensor>;

/**
 * Runs one batch twice, then with other images around its first and its last one, then the last one alone. Batches
 * of the same size compute their sums in the same order, so they are compared bit by bit. Returns the outputs of these
 * batches, row by row: those of white images show best which numbers the outputs can be.
 *
 * @throws NetworkError ERR_ONNX_RANDOM if the second run differs; ERR_ONNX_BATCH if an image's numbers depend on the
 *   other images or on the size of the batch
 */
export async function assertSteady(
  path: string,
  { batch, shape }: Pick<ModelInput, "batch" | "shape">,
  feed: Feed,
  run: ProbeRun,
): Promise<readonly number[]> {
  const inputs = shape.reduce((product, size) => product * size, 1);
  const rowsOf = async (images: readonly Uint8Array[]): Promise<Float64Array[]> => {
    const rows = batch ?? images.length;
    const pixels = new Uint8Array(images.length * inputs);
    for (const [n, image] of images.entries()) pixels.set(image, n * inputs);
    const values = Float64Array.from(numbersOf(await run(feed(pixels, images.length, rows))));
    const width = values.length / rows;
    return images.map((_, n) => values.slice(n * width, (n + 1) * width));
  };
  const images = Array.from({ length: Math.min(batch ?? IMAGES, IMAGES) }, (_, n) => noise(inputs, n + 1));
  const together = await rowsOf(images);
  const again = await rowsOf(images);
  if (!together.every((row, n) => isSame(row, again[n]!)))
    throw new NetworkError("ERR_ONNX_RANDOM", { path });
  const rows = [...together];
  const last = images.length - 1;
  for (const kept of last === 0 ? [] : [0, last]) {
    const white = new Uint8Array(inputs).fill(WHITE);
    const beside = await rowsOf(images.map((image, n) => (n === kept ? image : white)));
    if (!isSame(together[kept]!, beside[kept]!)) throw new NetworkError("ERR_ONNX_BATCH", { path });
    rows.push(...beside);
  }
  const [alone] = atLeast(await rowsOf(images.slice(last)), 1);
  if (!isNear(together[last]!, alone)) throw new NetworkError("ERR_ONNX_BATCH", { path });
  return rows.flatMap((row) => [...row]);
}

/** Equal bit by bit; NaN equals NaN. */
function isSame(a: Float64Array, b: Float64Array): boolean {
  return a.length === b.length && a.every((value, n) => Object.is(value, b[n]));
}

/** Pixels that differ between images: the linear congruential generator of Numerical Recipes, §7.1. */
function noise(inputs: number, seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length: inputs }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const share = state / 2 ** 32;
    return share < BLACK_SHARE ? 0 : Math.floor(share * NOISE_LEVELS);
  });
}
