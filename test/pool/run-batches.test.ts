/** What a run makes of its batches: whole slabs in their order, counts once each, times a sample. */
import { setTimeout } from "node:timers/promises";
import test from "ava";
import { IncompleteError } from "#src/base/abort.js";
import type { Executor } from "#src/base/contracts/executor.js";
import { RunError } from "#src/base/errors.js";
import { collectSlab, memoryDataset } from "#src/data/stream/slab-reader.js";
import { evaluate, evaluateWith, type OpenExecutor } from "#src/evaluate/evaluate.js";
import { createDurationSample } from "#src/metrics/durations.js";
import { openExecutor } from "#src/pool/registry.js";
import { randomDataset, randomNetwork } from "../helpers/random.js";

const TOTAL = 1003;
const SLAB = 100;
const dataset = randomDataset(TOTAL, { slabImages: SLAB });
const weights = randomNetwork([64, 20, 10]);
const INPUT = { dataset, weights, batchSize: 10, probabilities: true };

/** Answers in this time, the first batch of each slab last. */
const openUneven: OpenExecutor = async (...given) => {
  const executor = await openExecutor(...given);
  return delaying(executor, ({ batches }) => (batches.start === 0 ? 20 : 1));
};

test("slabs come whole and in order, one at a time, whatever the threads", async (t) => {
  const expected = await evaluate({ ...INPUT, threads: 0 });
  for (const threads of [0, 2]) {
    const predictions: number[] = [];
    const probabilities: number[] = [];
    let isBusy = false;
    await evaluateWith(
      openUneven,
      { ...INPUT, threads },
      {
        async onSlab(slab) {
          t.false(isBusy);
          isBusy = true;
          t.is(slab.firstImage, predictions.length);
          await setTimeout(1);
          predictions.push(...slab.predictions);
          probabilities.push(...(slab.probabilities ?? []));
          isBusy = false;
        },
      },
    );
    t.deepEqual(predictions, [...expected.predictions], `${threads} threads`);
    t.deepEqual(probabilities, [...(expected.probabilities ?? [])], `${threads} threads`);
  }
});

test("memory is used again only when its slab was handed on and the hook has ended", async (t) => {
  const expected = await evaluate({ ...INPUT, threads: 0 });
  const threads = 2;
  const { pixels, labels } = await collectSlab(dataset, { offset: 0, limit: TOTAL });
  // Slabs of few images, each filled again once it is released.
  const recycled = memoryDataset({ facts: dataset.facts, sha256: "", pixels, labels, lanePixelBytes: 640 });
  const predictions: number[] = [];
  const { result } = await evaluateWith(
    openUneven,
    { ...INPUT, dataset: recycled, threads },
    {
      async onSlab(slab) {
        await setTimeout(5);
        predictions.push(...slab.predictions);
      },
    },
  );
  t.deepEqual(predictions, [...expected.predictions]);
  t.deepEqual(result, expected.result);
});

test("a slab of which a batch failed is left out, and those behind it are not", async (t) => {
  const firsts: number[] = [];
  const failing: OpenExecutor = async (...given) => {
    const executor = await openExecutor(...given);
    return delaying(executor, ({ batches }) => {
      if (batches.firstId === 25) throw new Error("out of order");
      return 1;
    });
  };
  const run = evaluateWith(
    failing,
    { ...INPUT, threads: 0 },
    { onSlab: ({ firstImage }) => void firsts.push(firstImage) },
  );
  const error = await t.throwsAsync(run, { instanceOf: IncompleteError });
  t.is(error?.code, "ERR_BATCH_FAILED");
  t.deepEqual(firsts, [0, 100, 300, 400, 500, 600, 700, 800, 900, 1000]);
});

test("a hook that fails ends the run with its own error", async (t) => {
  for (const threads of [0, 2]) {
    let calls = 0;
    const run = evaluate(
      { ...INPUT, threads },
      {
        onSlab() {
          calls++;
          throw new RunError("ERR_OUTPUT_WRITE", { path: "p.csv", reason: "no space left on device" });
        },
      },
    );
    const error = await t.throwsAsync(run, { instanceOf: IncompleteError });
    t.deepEqual([error.code, error.exitStatus, calls], ["ERR_OUTPUT_WRITE", 6, 1], `${threads} threads`);
    t.true(error.partial.result.total < TOTAL, `${threads} threads`);
  }
});

test("an interruption ends a run that waits for its hook", async (t) => {
  for (const threads of [0, 2]) {
    const abort = new AbortController();
    const run = evaluate(
      { ...INPUT, threads },
      {
        signal: abort.signal,
        async onSlab() {
          abort.abort("SIGINT");
          await setTimeout(20);
        },
      },
    );
    await t.throwsAsync(run, { instanceOf: IncompleteError, code: "ERR_INTERRUPTED" }, `${threads} threads`);
  }
});

function delaying(executor: Executor, delayMs: (task: Parameters<Executor["run"]>[0]) => number): Executor {
  return {
    ...executor,
    async run(task, signal) {
      await setTimeout(delayMs(task));
      return executor.run(task, signal);
    },
  };
}

const REPEATED = {
  dataset: randomDataset(250),
  weights: randomNetwork([64, 10]),
  threads: 0,
  batchSize: 100,
};

/** As over a network, where a sender that heard nothing sends again. */
const openRepeating: OpenExecutor = async (...args) => {
  const executor = await openExecutor(...args);
  return {
    ...executor,
    async run(task, signal) {
      const { answers, thread } = await executor.run(task, signal);
      const told = answers.map((answer) => ({ ...answer, recomputed: 2 }));
      return { answers: [...told, ...told], thread };
    },
  };
};

test("counts a batch once whose answer comes twice", async (t) => {
  let doneImages = 0;
  const onProgress = (progress: { readonly doneImages: number }) => {
    doneImages = progress.doneImages;
  };
  const once = await evaluateWith(openExecutor, REPEATED);
  const twice = await evaluateWith(openRepeating, REPEATED, { onProgress });
  t.deepEqual(twice.result, once.result);
  t.is(twice.run.batches, 3);
  t.deepEqual(twice.run.batchesByThread, once.run.batchesByThread);
  t.is(twice.run.recomputed, 3 * 2);
  t.is(doneImages, 250);
});

function sampleOf(count: number, expected = 1e9) {
  const sample = createDurationSample(expected);
  for (let n = 0; n < count; n++) sample.add(n);
  return sample;
}

test("keeps all durations while they are few", (t) => {
  const { count, keptMs } = sampleOf(65_536);
  t.is(count, 65_536);
  t.is(keptMs.length, 65_536);
  t.true(keptMs.every((ms, n) => ms === n));
});

test("of many keeps evenly spaced ones from first to last, and never more than its bound", (t) => {
  for (const [count, every] of [
    [65_537, 2],
    [131_073, 4],
    [1_000_003, 16],
  ] as const) {
    const { count: seen, keptMs } = sampleOf(count);
    t.is(seen, count);
    t.is(keptMs.length, Math.ceil(count / every));
    t.true(keptMs.length <= 65_536);
    t.true(keptMs.every((ms, n) => ms === n * every));
  }
});

test("takes more than were expected", (t) => {
  const { count, keptMs } = sampleOf(2000, 100);
  t.is(count, 2000);
  t.deepEqual(
    Array.from(keptMs),
    Array.from({ length: 1000 }, (_, n) => 2 * n),
  );
});
