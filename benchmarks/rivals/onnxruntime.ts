/** onnxruntime, native (onnxruntime-node) and in WebAssembly (onnxruntime-web), over batch sizes. */
import { atLeast } from "#src/base/errors.js";
import { encodeOnnx } from "../../src/networks/onnx/encode.js";
import type { Bench } from "../question.js";
import { classesOf, onlySlab, type Subject } from "../subject.js";
import { readBytes } from "./byte-input-model.js";
import type { Contestant } from "./contestant.js";
import { loadRival } from "./installed.js";
import { threadsText } from "./ours.js";

const BATCH_SIZES = [100, 1000, 10_000];

/** What is used here of either package (onnxruntime.ai/docs/api/js). */
interface Ort {
  readonly env: { readonly wasm: { numThreads?: number } };
  readonly Tensor: new (type: "float32" | "uint8", data: Float32Array | Uint8Array, dims: number[]) => object;
  readonly InferenceSession: {
    create(model: Uint8Array, options: object): Promise<Session>;
  };
}

interface Session {
  run(feeds: Record<string, object>): Promise<{ readonly logits: { readonly data: Float32Array } }>;
  release(): Promise<void>;
}

export interface ByteSession {
  /** pixels (count × inputs) u8, not in shared memory → logits (count × outputs) f32 */
  logits(pixels: Uint8Array, count: number): Promise<Float32Array>;
  close(): Promise<void>;
}

/** A session over a model that casts bytes itself, which is faster than casting them in JavaScript. */
export async function openByteSession(
  bench: Bench,
  { layers, inputs }: Pick<Subject, "layers" | "inputs">,
  threads: number,
): Promise<ByteSession | undefined> {
  const ort = loadRival(bench, "onnxruntime-node") as Ort | undefined;
  if (ort === undefined) return undefined;
  const session = await ort.InferenceSession.create(
    readBytes(encodeOnnx({ layers, preprocessing: { kind: "none" } }), inputs),
    { executionProviders: ["cpu"], intraOpNumThreads: threads },
  );
  return {
    async logits(pixels, count) {
      const { logits } = await session.run({ bytes: new ort.Tensor("uint8", pixels, [count, inputs]) });
      return logits.data;
    },
    close: () => session.release(),
  };
}

/** For each number of threads and batch size: bytes cast by the runtime, by JavaScript, and before the clock starts. */
export async function openOnnxruntime(bench: Bench, subject: Subject): Promise<Contestant[]> {
  const ort = loadRival(bench, "onnxruntime-node") as Ort | undefined;
  if (ort === undefined) return [];
  const opened = await Promise.all(
    [1, 2].map((threads) =>
      openVariants(ort, subject, `onnxruntime-node, ${threadsText(threads)}`, {
        executionProviders: ["cpu"],
        intraOpNumThreads: threads,
      }),
    ),
  );
  return opened.flat();
}

/** Its number of threads is one for the whole process. */
export async function openOnnxruntimeWeb(
  bench: Bench,
  subject: Subject,
  threads: number,
): Promise<Contestant[]> {
  const ort = loadRival(bench, "onnxruntime-web") as Ort | undefined;
  if (ort === undefined) return [];
  ort.env.wasm.numThreads = threads;
  return openVariants(ort, subject, `onnxruntime-web, ${threadsText(threads)}`, {
    // Both packages register with onnxruntime-common, where the native one comes first.
    executionProviders: ["wasm"],
  });
}

async function openVariants(
  ort: Ort,
  subject: Subject,
  family: string,
  options: object,
): Promise<Contestant[]> {
  const { layers, inputs, images, outputs } = subject;
  // Its tensors refuse shared memory.
  const pixels = Uint8Array.from(onlySlab(subject).pixels);
  const model = encodeOnnx({ layers, preprocessing: { kind: "none" } });
  const onFloats = await ort.InferenceSession.create(model, options);
  const onBytes = await ort.InferenceSession.create(readBytes(model, inputs), options);
  const ready = Float32Array.from(pixels);
  const batch = new Float32Array(Math.max(...BATCH_SIZES) * inputs);
  const logits = new Float32Array(images * outputs);
  const predictions = new Uint16Array(images);

  type Feed = (pixels: Uint8Array, from: number, to: number, dims: number[]) => Record<string, object>;
  const castByRuntime: Feed = (bytes, from, to, dims) => ({
    bytes: new ort.Tensor("uint8", bytes.subarray(from, to), dims),
  });
  const castByScript: Feed = (bytes, from, to, dims) => {
    batch.set(bytes.subarray(from, to));
    return { images: new ort.Tensor("float32", batch.subarray(0, to - from), dims) };
  };
  const castBefore: Feed = (_, from, to, dims) => ({
    images: new ort.Tensor("float32", ready.subarray(from, to), dims),
  });

  const contestant = (feed: Feed, session: Session, size: number, name: string, kin: string): Contestant => ({
    name,
    family: kin,
    async pass() {
      const beganAt = performance.now();
      for (let start = 0; start < images; start += size) {
        const count = Math.min(size, images - start);
        const feeds = feed(pixels, start * inputs, (start + count) * inputs, [count, inputs]);
        const answer = await session.run(feeds);
        logits.set(answer.logits.data, start * outputs);
      }
      classesOf(logits, outputs, predictions);
      return { elapsedMs: performance.now() - beganAt, predictions };
    },
    close: async () => {},
  });
  const given = `${family}, given floats`;
  const contestants = BATCH_SIZES.flatMap((size) => [
    contestant(castByRuntime, onBytes, size, `${family}, batch ${size}, cast in the model`, family),
    contestant(castByScript, onFloats, size, `${family}, batch ${size}, cast in JavaScript`, family),
    contestant(castBefore, onFloats, size, `${given}, batch ${size}`, given),
  ]);
  const close = async () => {
    await onFloats.release();
    await onBytes.release();
  };
  const [first, ...others] = atLeast(contestants, 1);
  return [{ ...first, close }, ...others];
}
