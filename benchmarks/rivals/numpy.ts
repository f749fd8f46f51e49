/** NumPy, in a Python of its own. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { atLeast } from "#src/base/errors.js";
import { layerSizes } from "../../src/networks/chain.js";
import type { Bench } from "../question.js";
import { onlySlab, type Subject } from "../subject.js";
import type { Contestant, Pass } from "./contestant.js";
import { BENCHMARKS } from "./installed.js";
import { openLineProcess } from "./line-process.js";
import { threadsText } from "./ours.js";

export interface NumpyOptions {
  readonly dtype: "float32" | "float64";
  readonly threads: number;
  readonly batchSizes: readonly number[];
}

/** One contestant a batch size; none, said aloud, where there is no NumPy, or it has other activations. */
export async function openNumpy(
  bench: Bench,
  subject: Subject,
  { dtype, threads, batchSizes }: NumpyOptions,
): Promise<Contestant[]> {
  const { layers, network } = subject;
  if (layers.some(({ activation }, n) => activation !== (n < layers.length - 1 ? "sigmoid" : "identity"))) {
    bench.skip("NumPy", "its script knows the sigmoid only");
    return [];
  }
  const folder = mkdtempSync(join(tmpdir(), "batchwise-"));
  const pixelsFile = join(folder, "pixels");
  const weightsFile = join(folder, "weights");
  writeFileSync(pixelsFile, onlySlab(subject).pixels);
  writeFileSync(
    weightsFile,
    Buffer.concat(layers.flatMap(({ weights, biases }) => [bytesOf(weights), bytesOf(biases)])),
  );
  const script = fileURLToPath(new URL("rivals/numpy_rival.py", BENCHMARKS));
  const python = openLineProcess("python3", [script], {
    env: {
      OPENBLAS_NUM_THREADS: String(threads),
      OMP_NUM_THREADS: String(threads),
      MKL_NUM_THREADS: String(threads),
    },
    stderr: "ignore",
  });
  try {
    const setup = { pixels: pixelsFile, weights: weightsFile, layers: layerSizes(network), dtype };
    const { numpy } = (await python.ask(setup)) as { numpy: string };
    bench.uses("NumPy", numpy);
  } catch {
    bench.skip("NumPy", "python3 with numpy is not here");
    await python.close();
    return [];
  } finally {
    rmSync(folder, { recursive: true });
  }
  const contestants = batchSizes.map(
    (batchSize): Contestant => ({
      name: `NumPy ${dtype}, ${threadsText(threads)}, batch ${batchSize}`,
      pass: async () => (await python.ask({ batchSize })) as Pass,
      close: async () => {},
    }),
  );
  const [first, ...others] = atLeast(contestants, 1);
  return [{ ...first, close: python.close }, ...others];
}

function bytesOf(values: Float64Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}
