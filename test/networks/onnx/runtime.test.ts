/** Chains as exporters other than PyTorch write them: logits against onnxruntime's. */
import type { OnnxModel } from "#src/base/contracts/engine.js";
import type { Layer } from "#src/base/contracts/network.js";
import { loadModel } from "#src/engines/load-model.js";
import { createEngine } from "#src/engines/registry.js";
import { engineSource } from "#src/networks/images.js";
import { decodeOnnx } from "#src/networks/onnx/decode.js";
import { encodeOnnx } from "#src/networks/onnx/encode.js";
import { loadNetwork } from "#src/networks/registry.js";
import { hasOnnxruntime } from "../../helpers/engines.js";
import { inCase } from "../../helpers/in-case.js";
import { largestDifference } from "../../helpers/preprocess.js";
import { needs } from "../../helpers/require.js";
import { temporaryFile } from "../../helpers/temporary.js";
import { CLASSES, random } from "./links.js";
import { MAP_MODELS } from "./map-models.js";
import { UNIT_MODELS } from "./unit-models.js";

const withOnnx = needs("onnxruntime", hasOnnxruntime);
const TOLERANCE = 1e-5;
const IMAGES = 4;
/** Layers without their numbers. */
const shapes = (layers: readonly Layer[]) =>
  layers.map((layer) => ({ ...layer, weights: 0, biases: 0, paddingValue: 0, activationNumbers: 0 }));
const numbersOf = (layer: Layer) => [
  ...("weights" in layer ? [...layer.weights, ...layer.biases] : []),
  ...("paddingValue" in layer ? [layer.paddingValue] : []),
  ...(layer.activationNumbers ?? []),
];

withOnnx("reads chains of every exporter, and computes onnxruntime's logits", async (t) => {
  t.timeout(300_000);
  let largest = 0;
  for (const [title, bytes] of Object.entries({ ...MAP_MODELS, ...UNIT_MODELS })) {
    await inCase(t, `reads ${title}`, async () => {
      const path = await temporaryFile(t, bytes, "m.onnx");
      const network = await loadNetwork(path);
      const whole = await loadModel(path, {});
      t.is(network.preprocessing.kind, whole.preprocessing.kind);
      const inputs = network.layers[0]!.inputs;
      const pixels = Uint8Array.from({ length: IMAGES * inputs }, () => random() * 256);
      const logitsOf = async (
        name: "reference" | "onnx" | "ml-matrix",
        source: Parameters<typeof createEngine>[1],
      ) => {
        const engine = await createEngine(name, source);
        const logits = new Float64Array(IMAGES * CLASSES);
        await engine.forward(pixels, IMAGES, logits);
        return { logits, ends: engine.ends ?? "logits" };
      };
      const expected = await logitsOf("onnx", whole as OnnxModel);
      for (const engine of ["reference", "ml-matrix", "onnx"] as const) {
        const found = await logitsOf(engine, await engineSource(network));
        t.is(found.ends, expected.ends);
        const scale = Math.max(1, ...expected.logits.map(Math.abs));
        const difference = largestDifference(found.logits, expected.logits) / scale;
        t.true(difference < TOLERANCE, `${engine}: ${difference}`);
        largest = Math.max(largest, difference);
      }
      // What is written reads back as the same layers.
      const again = decodeOnnx(
        "again.onnx",
        encodeOnnx({ layers: network.layers, preprocessing: network.preprocessing }, "float64"),
      );
      t.deepEqual(again.preprocessing, network.preprocessing);
      t.deepEqual(shapes(again.layers), shapes(network.layers));
      const [before, after] = [network, again].map(({ layers }) => layers.flatMap(numbersOf));
      t.true(largestDifference(after!, before!) < 1e-12);
    });
  }
  t.log(
    `${Object.keys({ ...MAP_MODELS, ...UNIT_MODELS }).length} models; largest difference ${largest.toExponential(1)}`,
  );
});
