/**
 * The smallest honest program over onnxruntime-node: reads gzipped IDX files, runs the model, counts, prints.
 *
 * node onnxruntime.mjs IMAGES.gz LABELS.gz MODEL.onnx [--threads N] [--predictions FILE]
 * The model reads floats, bytes 0 to 255 as they are; input `images`, output `logits`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import ort from "onnxruntime-node";

const BATCH = 1000;
const CLASSES = 10;
// IDX (yann.lecun.com/exdb/mnist): a magic number and each dimension as u32, then bytes.
const IMAGES_HEADER = 16;
const LABELS_HEADER = 8;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { threads: { type: "string" }, predictions: { type: "string" } },
});
const [imagesPath, labelsPath, modelPath] = positionals;
const labels = gunzipSync(readFileSync(labelsPath)).subarray(LABELS_HEADER);
const pixels = gunzipSync(readFileSync(imagesPath)).subarray(IMAGES_HEADER);
const inputs = pixels.length / labels.length;
const options = values.threads === undefined ? {} : { intraOpNumThreads: Number(values.threads) };
const session = await ort.InferenceSession.create(modelPath, options);

const predictions = new Uint8Array(labels.length);
let correct = 0;
for (let start = 0; start < labels.length; start += BATCH) {
  const count = Math.min(BATCH, labels.length - start);
  const images = Float32Array.from(pixels.subarray(start * inputs, (start + count) * inputs));
  const { logits } = await session.run({ images: new ort.Tensor("float32", images, [count, inputs]) });
  for (let n = 0; n < count; n++) {
    const row = logits.data.subarray(n * CLASSES, (n + 1) * CLASSES);
    let best = 0;
    for (let k = 1; k < CLASSES; k++) if (row[k] > row[best]) best = k;
    predictions[start + n] = best;
    if (best === labels[start + n]) correct++;
  }
}
console.log(`Accuracy : ${correct / labels.length}`);
if (values.predictions !== undefined) writeFileSync(values.predictions, predictions);
