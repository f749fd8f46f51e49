/** What a model reads and gives: by its metadata, and by one run, since what a file says of its outputs is but a claim. */
import type { ModelInput, ModelOutput } from "../../contracts/onnx-model.js";
import { shapeText } from "../../errors/define.js";
import { NetworkError } from "../../errors.js";
import { printable } from "../../printable.js";
import { inputOf, logitCandidates, noLogits } from "./ends.js";
import { createFeed } from "./feed.js";
import { loadRuntime, numbersOf, openSession, type RuntimeTensor, refusal, type Session } from "./runtime.js";

/** Two black images: one would not tell whether the output grows with the batch. */
const PROBE_IMAGES = 2;

/**
 * Opens the model in this thread, runs it once and closes it. The logits are the first output of shape (N, classes).
 * What a model computes, and for how long, is its author's choice: nothing here can stop a graph that loops for ever.
 *
 * @throws RunError ERR_ENGINE_PEER
 * @throws NetworkError ERR_ONNX_RUNTIME when onnxruntime does not take or run it; ERR_ONNX_GRAPH when its input takes no
 *   grey images, or no output can be logits; ERR_NETWORK_NOT_FINITE when these are NaN
 */
export async function describeModel(
  path: string,
  bytes: Uint8Array,
): Promise<{ readonly input: ModelInput; readonly output: ModelOutput }> {
  const runtime = await loadRuntime();
  const session = await openSession(runtime, path, bytes);
  try {
    const input = inputOf(path, session.inputMetadata);
    const candidates = logitCandidates(path, session.outputMetadata);
    const images = input.batch ?? PROBE_IMAGES;
    const feed = createFeed(runtime, input, { kind: "none" });
    const given = await probe(path, session, feed(new Uint8Array(0), 0, images), input.name, candidates);
    for (const name of candidates) {
      const [rows, classes, ...more] = given[name].dims;
      if (rows !== images || !(classes > 0) || more.length > 0) continue;
      assertNumbers(path, name, numbersOf(given[name]));
      return { input, output: { name, classes } };
    }
    const shapes = candidates.map((name) => shapeText(given[name].dims)).join(", ");
    throw noLogits(path, `${shapes} for ${images} images`);
  } finally {
    await session.release();
  }
}

/** A model with a weight that is NaN gives NaN for any image; argmax would make a class of that. */
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
