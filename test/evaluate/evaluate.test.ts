import test from "ava";
import { IncompleteError } from "#src/base/abort.js";
import { ENGINES } from "#src/base/contracts/engine.js";
import { UsageError } from "#src/base/errors.js";
import { mapSlabs } from "#src/base/slab.js";
import { argmax } from "#src/engines/logits.js";
import { predict } from "#src/engines/predict.js";
import { createTimeline } from "#src/evaluate/collect-scores.js";
import { type EvaluateHooks, evaluate, evaluateWith } from "#src/evaluate/evaluate.js";
import { openExecutor } from "#src/pool/registry.js";
import { ONE_BY_ONE } from "../helpers/all-of.js";
import { testOf } from "../helpers/engines.js";
import { randomDataset, randomNetwork, seeded } from "../helpers/random.js";
import { sparseSet } from "../helpers/sparse-set.js";

const TOTAL = 1003;
const dataset = randomDataset(TOTAL, { slabImages: 400 });
const weights = randomNetwork([64, 20, 12, 10]);

async function predictedOneByOne(): Promise<number[]> {
  const predictions: number[] = [];
  for await (const { pixels, inputs, count } of dataset.slabs({ offset: 0, limit: TOTAL }, ONE_BY_ONE)) {
    for (let n = 0; n < count; n++) {
      predictions.push(argmax(predict(weights, pixels.subarray(n * inputs, (n + 1) * inputs)).data));
    }
  }
  return predictions;
}

const oneByOne = predictedOneByOne();
/** Batches of one image, of a few, and such that one is left over; each start of a worker costs time. */
const THREADS: readonly [threads: number, batchSizes: readonly number[]][] = [
  [0, [1, 7, 100, 333]],
  [1, [7, 333]],
  [3, [1, 100]],
];

for (const engine of ENGINES) {
  testOf(engine)(
    `${engine} predicts what one image at a time gives, whatever the threads and batches`,
    async (t) => {
      const whole = await evaluate({ dataset, weights, engine, threads: 0, batchSize: TOTAL });
      t.deepEqual([...whole.predictions], await oneByOne);
      for (const [threads, batchSizes] of THREADS) {
        for (const batchSize of batchSizes) {
          const how = `${threads} threads, batches of ${batchSize}`;
          const { result, predictions, run } = await evaluate({
            dataset,
            weights,
            engine,
            threads,
            batchSize,
          });
          t.deepEqual(result, whole.result, how);
          t.deepEqual(predictions, whole.predictions, how);
          t.is(
            run.batches,
            run.batchesByThread.reduce((a, b) => a + b),
            how,
          );
        }
      }
    },
  );
}

test("counts a label and its prediction in the confusion matrix's row and column", async (t) => {
  const { result, predictions } = await evaluate({ dataset, weights, threads: 0 });
  const expected = Array.from({ length: 10 }, () => new Array<number>(10).fill(0));
  for await (const { labels, firstImage, count } of dataset.slabs({ offset: 0, limit: TOTAL }, ONE_BY_ONE)) {
    for (let n = 0; n < count; n++) expected[labels[n]!]![predictions[firstImage + n]!]!++;
  }
  t.deepEqual(result.confusionMatrix, expected);
  t.is(
    result.correct,
    expected.reduce((sum, row, label) => sum + row[label]!, 0),
  );
  t.is(result.accuracy, result.correct / TOTAL);
});

test("evaluates just the images between offset and limit", async (t) => {
  const whole = await evaluate({ dataset, weights, threads: 0 });
  const part = await evaluate({ dataset, weights, threads: 2, offset: 450, limit: 201, batchSize: 50 });
  t.is(part.result.total, 201);
  t.deepEqual(part.predictions, whole.predictions.slice(450, 651));
});

test("refuses a range, a network or labels that do not fit each other", async (t) => {
  for (const [code, input] of [
    ["ERR_RANGE_EMPTY", { offset: TOTAL }],
    ["ERR_NETWORK_INPUTS", { weights: randomNetwork([65, 10]) }],
    ["ERR_NETWORK_OUTPUTS", { weights: randomNetwork([64, 1025]) }],
    ["ERR_LABEL_RANGE", { weights: randomNetwork([64, 9]), threads: 1 }],
  ] as const) {
    await t.throwsAsync(evaluate({ dataset, weights, threads: 0, ...input }), { code });
  }
});

test("predicts images without labels the same, and counts the classes instead of a score", async (t) => {
  const labelled = await evaluate({ dataset, weights, threads: 0 });
  const { result, predictions } = await evaluate({
    dataset: { ...dataset, facts: { ...dataset.facts, labelsPath: undefined }, slabs: unlabelledSlabs },
    weights,
    threads: 2,
    labels: false,
  });
  t.deepEqual(predictions, labelled.predictions);
  t.false(result.labelled);
  t.deepEqual(
    result.predictedCounts,
    Array.from({ length: 10 }, (_, label) => predictions.filter((prediction) => prediction === label).length),
  );
});

const unlabelledSlabs: typeof dataset.slabs = (...given) =>
  mapSlabs(dataset.slabs(...given), (slab) => {
    slab.labels.fill(0);
    return slab;
  });

test("reports progress up to the last image", async (t) => {
  const seen: number[] = [];
  await evaluate({ dataset, weights, threads: 2 }, { onProgress: ({ doneImages }) => seen.push(doneImages) });
  // Slabs of 400, 400 and 203 images.
  t.is(seen.length, 4 + 4 + 3);
  t.is(seen.at(-1), TOTAL);
});

const HOOKS: Readonly<Record<string, (fail: () => never) => EvaluateHooks>> = {
  onStart: (fail) => ({ onStart: fail }),
  onProgress: (fail) => ({ onProgress: fail }),
  onSlab: (fail) => ({ onSlab: fail }),
  // A slab that is never handed on must not be waited for.
  "onProgress beside onSlab": (fail) => ({ onProgress: fail, onSlab() {} }),
};
test("what a hook throws ends the evaluation, and leaves no worker behind", async (t) => {
  for (const [name, hooksOf] of Object.entries(HOOKS)) {
    let closed = 0;
    let calls = 0;
    const hooks = hooksOf(() => {
      calls++;
      throw new Error("enough");
    });
    const evaluation = evaluateWith(
      async (...given) => {
        const executor = await openExecutor(...given);
        return Object.defineProperties({} as typeof executor, {
          ...Object.getOwnPropertyDescriptors(executor),
          close: { value: () => executor.close().then(() => void closed++) },
        });
      },
      { dataset, weights, threads: 1 },
      hooks,
    );
    await t.throwsAsync(evaluation, { message: "enough" }, name);
    t.deepEqual([closed, calls], [1, 1], name);
  }
});

test("a hook that never ends does not hold a run that is aborted", async (t) => {
  const stop = new AbortController();
  const onSlab = () => {
    stop.abort();
    return new Promise<void>(() => {});
  };
  const run = evaluate({ dataset, weights, threads: 1 }, { signal: stop.signal, onSlab });
  const error = await t.throwsAsync(run, { instanceOf: IncompleteError });
  t.is((error as IncompleteError).code, "ERR_INTERRUPTED");
});

test("undefined that a hook throws, and a promise of a hook that is rejected, end the evaluation", async (t) => {
  const rejected = async () => {
    throw new Error("enough");
  };
  const thrown = () => {
    throw undefined;
  };
  for (const threads of [0, 1]) {
    for (const batchSize of [100, TOTAL]) {
      const input = { dataset, weights, threads, batchSize };
      await t.throwsAsync(evaluate(input, { onProgress: rejected }), { message: "enough" });
      await t.throwsAsync(evaluate(input, { onProgress: thrown }), { message: "undefined" });
    }
  }
});

test("refuses batches larger than memory by the option that makes them", async (t) => {
  const set = await sparseSet(t, 600_000_000);
  for (const threads of [0, 1]) {
    const error = await t.throwsAsync(evaluate({ ...set, batchSize: 600_000_000, threads }), {
      instanceOf: UsageError,
    });
    t.is(error.code, "ERR_MEMORY");
    t.is(error.message, "not enough memory: 600,000,000 images at once need 472 GB; lower --batch-size");
  }
});

function timelineOf(batches: readonly number[]) {
  const timeline = createTimeline();
  for (const batch of batches) timeline.add({ batch, thread: batch % 3, startMs: 2 * batch, elapsedMs: 1 });
  return timeline.entries;
}

const upTo = (total: number) => Array.from({ length: total }, (_, batch) => batch);

test("keeps all of 10,000 batches in the order in which they came", (t) => {
  const batches = upTo(10_000).reverse();
  const entries = timelineOf(batches);
  t.deepEqual(
    entries.map(({ batch }) => batch),
    batches,
  );
  t.deepEqual(entries[0], { batch: 9999, thread: 0, startMs: 19_998, elapsedMs: 1 });
});

test("of more keeps every second, fourth and so on, and never more than 10,000", (t) => {
  for (const [total, every] of [
    [10_001, 2],
    [20_000, 2],
    [20_001, 4],
    [1_000_003, 128],
  ] as const) {
    const batches = timelineOf(upTo(total)).map(({ batch }) => batch);
    t.true(batches.length <= 10_000);
    t.deepEqual(
      batches,
      upTo(Math.ceil(total / every)).map((n) => n * every),
    );
  }
});

test("keeps the same batches in whatever order they come", (t) => {
  const random = seeded(5);
  const shuffled = upTo(45_000)
    .map((batch) => ({ batch, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ batch }) => batch);
  const kept = timelineOf(shuffled).map(({ batch }) => batch);
  t.deepEqual(
    kept.toSorted((a, b) => a - b),
    timelineOf(upTo(45_000)).map(({ batch }) => batch),
  );
  t.notDeepEqual(
    kept,
    kept.toSorted((a, b) => a - b),
  );
});

test("a bootstrap ends when the signal is aborted, and the counts remain", async (t) => {
  const [all, few] = [{ dataset, weights, threads: 0, bootstrap: 1_000_000 }, 100];
  for (const doneImages of [few, TOTAL]) {
    const abort = new AbortController();
    const error = await t.throwsAsync(
      evaluate(
        { ...all, batchSize: few },
        {
          signal: abort.signal,
          onProgress: (progress) => {
            // After the last batch only the bootstrap is left.
            if (progress.doneImages >= doneImages)
              setTimeout(() => abort.abort(), doneImages === TOTAL ? 50 : 0);
          },
        },
      ),
      { instanceOf: IncompleteError, code: "ERR_INTERRUPTED" },
    );
    const { result } = error.partial;
    t.true(result.labelled && result.macroF1Interval95 === null);
    if (doneImages === TOTAL) t.is(result.total, TOTAL);
  }
});
