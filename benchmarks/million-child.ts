/** One side of the question `million` in a process of its own, so that its memory is its own: a line asks, a line answers. */
import { createInterface } from "node:readline";
import { timed } from "./harness.js";
import type { Bench } from "./question.js";
import { openByteSession } from "./rivals/onnxruntime.js";
import { openWarmPool } from "./rivals/ours.js";
import { createPrivateRing, createRing, createShuffles } from "./rivals/shuffles.js";
import { classesOf, loadSubject } from "./subject.js";

export interface MillionRequest {
  readonly times: number;
  readonly batchSize: number;
}

export interface MillionAnswer {
  readonly elapsedMs: number;
  readonly peakRssKib: number;
}

const THREADS = 2;

type Run = (request: MillionRequest) => Promise<number>;

/** What there is to say, the question has said. */
const SILENT_BENCH: Bench = { rounds: 1, note() {}, skip() {}, uses() {} };

const [, , side, mostTimes] = process.argv;
const subject = await loadSubject(SILENT_BENCH);
const shuffles = createShuffles(subject, Number(mostTimes));

const OPEN = { ours: openOurs, theirs: openTheirs, filling: openFilling };

async function openOurs(): Promise<Run> {
  const pool = await openWarmPool(subject.layers, { engine: "simd", threads: THREADS });
  const { slabs, onMerged } = createRing(subject, shuffles);
  return ({ times }) => pool.run(slabs(times), times * subject.images, onMerged);
}

/** What the data cost by themselves. */
async function openFilling(): Promise<Run> {
  const ring = createPrivateRing(subject);
  const labels = new Uint8Array(subject.images);
  return ({ times }) =>
    timed(() => {
      for (let n = 0; n < times; n++) shuffles.fill(n, ring.at(n), labels);
    });
}

async function openTheirs(): Promise<Run> {
  const { images, inputs, outputs } = subject;
  const session = await openByteSession(SILENT_BENCH, subject, THREADS);
  if (session === undefined) throw new Error("onnxruntime-node is not installed");
  const ring = createPrivateRing(subject);
  const labels = new Uint8Array(images);
  const predictions = new Uint16Array(images);
  return async ({ times, batchSize }) => {
    const beganAt = performance.now();
    for (let n = 0; n < times; n++) {
      const pixels = ring.at(n);
      shuffles.fill(n, pixels, labels);
      for (let start = 0; start < images; start += batchSize) {
        const count = Math.min(batchSize, images - start);
        const batch = pixels.subarray(start * inputs, (start + count) * inputs);
        const logits = await session.logits(batch, count);
        classesOf(logits, outputs, predictions.subarray(start, start + count));
      }
      shuffles.check(n, 0, predictions, images);
    }
    return performance.now() - beganAt;
  };
}

const run = await OPEN[side as keyof typeof OPEN]();
for await (const line of createInterface({ input: process.stdin })) {
  const elapsedMs = await run(JSON.parse(line));
  const answer: MillionAnswer = { elapsedMs, peakRssKib: process.resourceUsage().maxRSS };
  console.log(JSON.stringify(answer));
}
// The pool would hold the process.
process.exit();
