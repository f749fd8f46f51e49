/** Comparisons of two networks, and their figures worked out by hand. */

import test from "ava";
import type { Task } from "#src/base/contracts/executor.js";
import { atLeast } from "#src/base/errors.js";
import { compare, compareWith } from "#src/evaluate/compare/compare.js";
import type { OpenSharedExecutor } from "#src/evaluate/compare/run.js";
import { answeredByBoth, emptyAnswers, summarizeComparison } from "#src/evaluate/compare/summary.js";
import { evaluate } from "#src/evaluate/evaluate.js";
import { pairedInterval95 } from "#src/metrics/paired.js";
import { batchCount } from "#src/pool/plan.js";
import { openSharedExecutor } from "#src/pool/registry.js";
import { randomDataset, randomNetwork } from "../../helpers/random.js";

const TOTAL = 503;
const dataset = randomDataset(TOTAL, { slabImages: 200, classes: 8 });
const a = randomNetwork([64, 20, 10]);
const b = randomNetwork([64, 8], "relu", 2);

test("compares what evaluate gives of each alone, whatever the engine, the threads and batches", async (t) => {
  const alone = await Promise.all([a, b].map((weights) => evaluate({ dataset, weights, threads: 0 })));
  const expected = (await compare({ a, b, dataset, threads: 0 })).comparison.result;
  const [aloneA, aloneB] = atLeast(alone, 2);
  t.is(expected.a.correct, aloneA.result.correct);
  t.is(expected.b.correct, aloneB.result.correct);
  t.deepEqual(expected.a.confidenceInterval95, aloneA.result.confidenceInterval95);
  const [ofA, ofB] = atLeast(
    alone.map(({ predictions }) => predictions),
    2,
  );
  t.is(expected.agreed, ofA.filter((prediction, n) => prediction === ofB[n]).length);
  for (const engine of ["ml-matrix", "simd", "reference"] as const) {
    for (const [threads, batchSize] of [
      [0, 7],
      [1, 333],
      [2, 50],
    ] as const) {
      const { comparison, failure } = await compare({ a, b, dataset, engine, threads, batchSize });
      t.is(failure, undefined, engine);
      t.deepEqual(comparison.result, expected, `${engine}, ${threads} threads`);
    }
  }
});

test("reads the images once for both, within offset and limit", async (t) => {
  let reads = 0;
  const counted: typeof dataset = {
    ...dataset,
    slabs(...given) {
      reads++;
      return dataset.slabs(...given);
    },
  };
  const progress: number[] = [];
  const { comparison } = await compare(
    { a, b, dataset: counted, threads: 2, offset: 10, limit: 300 },
    { onProgress: ({ doneImages, totalImages }) => void progress.push(doneImages / totalImages) },
  );
  t.is(reads, 1);
  t.is(comparison.result.total, 300);
  t.is(comparison.dataset.offset, 10);
  t.true([...comparison.result.onlyARight, ...comparison.result.onlyBRight].every((n) => n >= 10 && n < 310));
  t.is(progress.at(-1), 1);
});

test("tells the images of a shard by their places in the data set", async (t) => {
  const whole = (await compare({ a, b, dataset, threads: 0 })).comparison.result;
  const { comparison } = await compare({ a, b, dataset, threads: 0, shard: "2/3" });
  // ⌊503 ÷ 3⌋ = 167 and ⌊2 · 503 ÷ 3⌋ = 335.
  const within = (n: number) => n >= 167 && n < 335;
  t.is(comparison.dataset.offset, 167);
  t.is(comparison.result.total, 168);
  t.deepEqual(comparison.result.onlyARight, whole.onlyARight.filter(within));
  t.deepEqual(comparison.result.onlyBRight, whole.onlyBRight.filter(within));
  t.true(comparison.result.onlyARight.length > 0);
});

test("says what was compared, and how", async (t) => {
  const { comparison } = await compare({ a: "bundled", b: "bundled-whiten", limit: 50, threads: 0 });
  t.is(comparison.a.name, "bundled");
  t.like(comparison.a.location, {
    weights: "bundled",
    activation: null,
    architecture: null,
    normalize: null,
    mean: null,
  });
  t.is(comparison.b.location?.weights, "bundled-whiten");
  t.is(comparison.b.resultPath, null);
  t.is(comparison.dataset.location?.dataset, "bundled");
  t.is(comparison.run?.engine, "ml-matrix");
});

test("says how many images simd computed again, and for which side its bound does not hold", async (t) => {
  const [first, ...rest] = atLeast(b.layers, 1);
  const wild = {
    ...b,
    layers: [{ ...first, weights: first.weights.map((weight) => 1e40 * weight) }, ...rest],
  };
  const alone = await Promise.all(
    [a, wild].map((weights) => evaluate({ dataset, weights, engine: "simd", threads: 0 })),
  );
  const [{ run: runA }, { run: runWild }] = atLeast(alone, 2);
  t.true(runA.recomputed > 0 || runWild.recomputed > 0);
  t.is(typeof runWild.fallback, "string");
  for (const [one, other, fallbacks] of [
    [a, wild, { a: null, b: runWild.fallback }],
    [wild, a, { a: runWild.fallback, b: null }],
  ] as const) {
    const { comparison } = await compare({ a: one, b: other, dataset, engine: "simd", threads: 0 });
    t.deepEqual(comparison.run?.fallbacks, fallbacks);
    t.is(comparison.run?.recomputed, runA.recomputed + runWild.recomputed);
  }
  const { comparison } = await compare({ a, b, dataset, threads: 0 });
  t.deepEqual([comparison.run?.recomputed, comparison.run?.fallbacks], [0, { a: null, b: null }]);
});

test("refuses data without labels, labels without an output, and a network of other images", async (t) => {
  const unlabelled = { ...dataset, facts: { ...dataset.facts, labelsPath: undefined } };
  for (const [code, input] of [
    ["ERR_USAGE", { a, b, dataset: unlabelled }],
    ["ERR_LABEL_RANGE", { a, b: randomNetwork([64, 7]), dataset }],
    ["ERR_NETWORK_INPUTS", { a, b: randomNetwork([65, 10]), dataset }],
  ] as const) {
    await t.throwsAsync(compare({ ...input, threads: 0 }), { code });
  }
});

test("compares what both have answered when batches of one network fail", async (t) => {
  const { comparison, failure } = await compareWith(
    failingFor(({ source, batches }) => source === 1 && batches.firstId + batchCount(batches) > 13),
    { a, b, dataset, threads: 0, batchSize: 50, retries: 0 },
  );
  t.is(failure?.code, "ERR_BATCH_FAILED");
  t.is(failure?.exitStatus, 4);
  t.false(comparison.result.complete);
  // The networks take turns: B's batches have the odd ids from 1 to 21.
  t.is(comparison.result.total, 300);
});

test("an interruption keeps what both networks have answered, in a set of one slab too", async (t) => {
  for (const threads of [0, 2]) {
    for (const engine of ["ml-matrix", "simd"] as const) {
      const abort = new AbortController();
      const { comparison, failure } = await compare(
        { a, b, dataset: randomDataset(20_003, { classes: 8 }), threads, engine, batchSize: 10 },
        {
          signal: abort.signal,
          onProgress({ doneImages, totalImages }) {
            if (doneImages > 0.3 * totalImages) abort.abort("SIGINT");
          },
        },
      );
      t.is(failure?.code, "ERR_INTERRUPTED", engine);
      const { total } = comparison.result;
      t.true(total > 4000 && total < 20_003, `${engine}, ${threads} threads: ${total}`);
    }
  }
});

test("compares what was done when it is interrupted", async (t) => {
  const abort = new AbortController();
  const { comparison, failure } = await compare(
    { a, b, dataset, threads: 0, batchSize: 50 },
    {
      signal: abort.signal,
      onProgress: ({ doneImages }) => {
        if (doneImages > 400) abort.abort("SIGTERM");
      },
    },
  );
  t.is(failure?.code, "ERR_TERMINATED");
  t.true(comparison.result.total > 0 && comparison.result.total < TOTAL);
});

test("closes its workers whatever happens", async (t) => {
  let closed = 0;
  const open: OpenSharedExecutor = async (...given) => ({
    ...(await openSharedExecutor(...given)),
    warm: () => Promise.reject(new Error("cold")),
    close: async () => void closed++,
  });
  await t.throwsAsync(compareWith(open, { a, b, dataset, threads: 0, warm: true }), { message: "cold" });
  t.is(closed, 1);
});

function failingFor(isFailing: (task: Task) => boolean) {
  const open: OpenSharedExecutor = async (...given) => {
    const executor = await openSharedExecutor(...given);
    return {
      ...executor,
      run: (task, signal) =>
        isFailing(task) ? Promise.reject(new Error("out of order")) : executor.run(task, signal),
    };
  };
  return open;
}

// Comparisons worked out by hand.

/** [label, A's prediction, B's prediction] of each image. */
function answersOf(rows: readonly (readonly [label: number, a: number, b: number])[]) {
  const answers = emptyAnswers(rows.length);
  for (const [n, [label, a, b]] of rows.entries()) {
    answers.labels[n] = label;
    answers.predictions[0][n] = a;
    answers.predictions[1][n] = b;
  }
  return answers;
}

const ROWS = [
  [0, 0, 0],
  [1, 1, 1],
  [2, 2, 0],
  [2, 2, 1],
  [1, 1, 0],
  [0, 0, 2],
  [0, 1, 0],
  [2, 0, 1],
  [1, 2, 2],
  [0, 0, 0],
] as const;

test("counts who is right, where they agree, and which images only one gets right", (t) => {
  const result = summarizeComparison(answersOf(ROWS), 3, 100);
  t.true(result.complete);
  t.is(result.total, 10);
  t.deepEqual(result.right, { both: 3, onlyA: 4, onlyB: 1, neither: 2 });
  t.is(result.a.correct, 7);
  t.is(result.b.correct, 4);
  t.is(result.a.accuracy, 0.7);
  t.is(result.agreed, 4);
  t.deepEqual(result.agreementMatrix, [
    [2, 1, 1],
    [2, 1, 0],
    [1, 1, 1],
  ]);
  t.deepEqual(result.onlyARight, [102, 103, 104, 105]);
  t.deepEqual(result.onlyBRight, [106]);
});

test("McNemar's exact p is twice the binomial tail, and the interval is of the paired difference", (t) => {
  const { mcnemarPValue, difference, right } = summarizeComparison(answersOf(ROWS), 3, 0);
  // Four and one of five tosses: 2 · (C(5,0) + C(5,1)) ÷ 2⁵ = 12 ÷ 32.
  t.true(Math.abs(mcnemarPValue - 0.375) < 1e-12);
  const { low, high } = pairedInterval95(right);
  t.is(difference.accuracy, 0.3);
  t.deepEqual(difference.confidenceInterval95, [low, high]);
});

test("a network beside itself differs in nothing", (t) => {
  const { mcnemarPValue, difference, agreed, onlyARight, onlyBRight } = summarizeComparison(
    answersOf(ROWS.map(([label, a]) => [label, a, a])),
    3,
    0,
  );
  t.is(mcnemarPValue, 1);
  t.is(difference.accuracy, 0);
  t.is(agreed, 10);
  t.deepEqual([...onlyARight, ...onlyBRight], []);
});

test("images that one has not answered are left out, and the comparison is partial", (t) => {
  const answers = answersOf(ROWS);
  answers.predictions[0][2] = emptyAnswers(1).predictions[0][0]!;
  answers.predictions[1][9] = emptyAnswers(1).predictions[1][0]!;
  t.deepEqual([...answeredByBoth(answers).places], [0, 1, 3, 4, 5, 6, 7, 8]);
  const result = summarizeComparison(answers, 3, 0);
  t.false(result.complete);
  t.is(result.total, 8);
  t.deepEqual(result.onlyARight, [3, 4, 5]);
});

test("a comparison of nothing is no error", (t) => {
  const result = summarizeComparison(emptyAnswers(3), 3, 0);
  t.is(result.total, 0);
  t.is(result.a.accuracy, 0);
  t.deepEqual(result.b.confidenceInterval95, [0, 1]);
  t.is(result.mcnemarPValue, 1);
});
