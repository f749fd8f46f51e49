/**
 * The same with ml-matrix as its documentation has it, in a piscina pool: images in shared memory, a task for 100 of them.
 *
 * node plain-pool.mjs IMAGES.gz LABELS.gz NETWORK.json [--threads N] [--predictions FILE]
 * NETWORK.json: [{ "weights": [[…]], "biases": […] }, …], sigmoid between layers; bytes 0 to 255 are read as they are.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import { Piscina } from "piscina";

const BATCH = 100;
const IMAGES_HEADER = 16;
const LABELS_HEADER = 8;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { threads: { type: "string", default: "2" }, predictions: { type: "string" } },
});
const [imagesPath, labelsPath, networkPath] = positionals;
const threads = Number(values.threads);
const pool = new Piscina({
  filename: new URL("plain-pool-worker.mjs", import.meta.url).href,
  minThreads: threads,
  maxThreads: threads,
  workerData: JSON.parse(readFileSync(networkPath, "utf8")),
});
const labels = gunzipSync(readFileSync(labelsPath)).subarray(LABELS_HEADER);
const inflated = gunzipSync(readFileSync(imagesPath)).subarray(IMAGES_HEADER);
const pixels = new Uint8Array(new SharedArrayBuffer(inflated.length));
pixels.set(inflated);
const inputs = pixels.length / labels.length;

const predictions = new Uint8Array(labels.length);
const tasks = [];
for (let start = 0; start < labels.length; start += BATCH) {
  const images = pixels.subarray(start * inputs, (start + BATCH) * inputs);
  tasks.push(pool.run({ images, inputs }).then((classes) => predictions.set(classes, start)));
}
await Promise.all(tasks);
await pool.destroy();
const correct = predictions.reduce((sum, predicted, n) => sum + Number(predicted === labels[n]), 0);
console.log(`Accuracy : ${correct / labels.length}`);
if (values.predictions !== undefined) writeFileSync(values.predictions, predictions);
