/** TensorFlow.js with its WebAssembly backend, which has SIMD on Node, and one thread. */
import { dirname, sep } from "node:path";
import { isSimdLayer } from "../../src/engines/simd/quantise.js";
import type { Bench } from "../question.js";
import { onlySlab, type Subject } from "../subject.js";
import type { Contestant } from "./contestant.js";
import { loadRival, rivalFile } from "./installed.js";

const BATCH_SIZES = [100, 1000, 10_000];
const BACKEND = "@tensorflow/tfjs-backend-wasm";

interface Tensor {
  data(): Promise<ArrayLike<number>>;
  dispose(): void;
}

/** What is used here (js.tensorflow.org/api). */
interface Tf {
  setBackend(name: string): Promise<boolean>;
  tidy<T>(work: () => T): T;
  tensor1d(values: Float32Array): Tensor;
  tensor2d(values: Float32Array, shape: [number, number]): Tensor;
  matMul(a: Tensor, b: Tensor): Tensor;
  add(a: Tensor, b: Tensor): Tensor;
  sigmoid(x: Tensor): Tensor;
  relu(x: Tensor): Tensor;
  tanh(x: Tensor): Tensor;
  argMax(x: Tensor, axis: number): Tensor;
}

interface WasmBackend {
  setWasmPaths(folder: string): void;
  getThreadsCount(): number;
}

export async function openTfjs(bench: Bench, subject: Subject): Promise<Contestant[]> {
  const tf = loadRival(bench, "@tensorflow/tfjs-core") as Tf | undefined;
  const wasm = loadRival(bench, BACKEND) as WasmBackend | undefined;
  if (tf === undefined || wasm === undefined) return [];
  wasm.setWasmPaths(dirname(rivalFile(BACKEND)) + sep);
  if (!(await tf.setBackend("wasm"))) {
    bench.skip(BACKEND, "its WebAssembly does not start here");
    return [];
  }
  const { images, inputs, layers } = subject;
  const { pixels } = onlySlab(subject);
  const stages = layers.filter(isSimdLayer).map((layer) => ({
    weights: tf.tensor2d(Float32Array.from(layer.weights), [layer.inputs, layer.outputs]),
    biases: tf.tensor1d(Float32Array.from(layer.biases)),
    activate: layer.activation === "identity" ? undefined : tf[layer.activation],
  }));
  const classes = (batch: Uint8Array, count: number): Tensor =>
    tf.tidy(() => {
      let x = tf.tensor2d(Float32Array.from(batch), [count, inputs]);
      for (const { weights, biases, activate } of stages) {
        const sums = tf.add(tf.matMul(x, weights), biases);
        x = activate === undefined ? sums : activate(sums);
      }
      return tf.argMax(x, 1);
    });
  return BATCH_SIZES.map((size) => ({
    name: `tfjs-backend-wasm, 1 thread, batch ${size}`,
    family: "tfjs-backend-wasm, 1 thread",
    async pass() {
      const predictions = new Uint16Array(images);
      const beganAt = performance.now();
      for (let start = 0; start < images; start += size) {
        const count = Math.min(size, images - start);
        const answer = classes(pixels.subarray(start * inputs, (start + count) * inputs), count);
        predictions.set(await answer.data(), start);
        answer.dispose();
      }
      return { elapsedMs: performance.now() - beganAt, predictions };
    },
    close: async () => {},
  }));
}
