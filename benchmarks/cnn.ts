/** The bundled convolutional network, engine by engine, on one thread. */
import { readFileSync } from "node:fs";
import { reasonOf } from "#src/base/errors.js";
import type { Engine, EngineName } from "../src/base/contracts/engine.js";
import { FIXTURES } from "../src/base/package.js";
import { createEngine } from "../src/engines/registry.js";
import { loadPair } from "../src/evaluate/open-inputs.js";
import { resolveOptions } from "../src/evaluate/options.js";
import { foldPreprocessing } from "../src/networks/fold-maps.js";
import { measure, type Rival, STEADY, tableOf, timed } from "./harness.js";
import type { Question } from "./question.js";
import { assertPredicts } from "./rivals/contestant.js";
import { versionOf } from "./rivals/installed.js";
import { classesOf } from "./subject.js";

const IMAGES = 10_000;
/** The plain loop takes seconds for all images. */
const REFERENCE_IMAGES = 500;
const BATCH_SIZE = 100;
const PIXELS = 784;
const CLASSES = 10;

export const question: Question = {
  asks: "how long do ten thousand images take through bundled-cnn, by each engine?",
  rounds: 7,
  async answer(bench) {
    const { network, slabs, range } = await loadPair(resolveOptions({ weights: "bundled-cnn" }, 1));
    const layers = foldPreprocessing(network);
    const pixels = new Uint8Array(IMAGES * PIXELS);
    for await (const slab of slabs({ multiple: range.limit, lanes: 1 })) {
      pixels.set(slab.pixels, slab.firstImage * PIXELS);
    }
    const numpy = readFileSync(new URL("reference/bundled-cnn-predictions.u8", FIXTURES));
    bench.uses("ml-matrix", versionOf("ml-matrix"));
    const sections = [];
    for (const [names, images] of [
      [["ml-matrix", "onnx"], IMAGES],
      [["ml-matrix", "onnx", "reference"], REFERENCE_IMAGES],
    ] as const) {
      const rivals: Rival[] = [];
      for (const name of names) {
        const engine = await createEngine(name, layers).catch((error: unknown) => {
          bench.skip(name, reasonOf(error));
        });
        if (engine) rivals.push(rivalOf(name, engine, pixels.subarray(0, images * PIXELS), numpy));
      }
      const data = await measure(rivals, bench.rounds, STEADY);
      sections.push({
        title: `${images} images, batches of ${BATCH_SIZE}`,
        table: tableOf(data, images),
        data,
      });
    }
    bench.note(
      "10,000 images of the bundled set, bundled-cnn. Every pass predicts every class as NumPy does.",
    );
    return sections;
  },
};

/** Each pass is timed and then proven. */
function rivalOf(name: EngineName, engine: Engine, pixels: Uint8Array, numpy: Uint8Array): Rival {
  const images = pixels.length / PIXELS;
  const logits = new Float64Array(images * CLASSES);
  const expected = Uint16Array.from(numpy.subarray(0, images));
  return {
    name,
    async run() {
      logits.fill(Number.NaN);
      const elapsedMs = await timed(async () => {
        for (let start = 0; start < images; start += BATCH_SIZE) {
          const batch = pixels.subarray(start * PIXELS, (start + BATCH_SIZE) * PIXELS);
          await engine.forward(batch, BATCH_SIZE, logits.subarray(start * CLASSES));
        }
      });
      assertPredicts(name, classesOf(logits, CLASSES, new Uint16Array(images)), expected);
      return elapsedMs;
    },
  };
}
