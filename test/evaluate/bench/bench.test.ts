import test from "ava";
import { IncompleteError } from "#src/base/abort.js";
import type { Executor } from "#src/base/contracts/executor.js";
import { RunError } from "#src/base/errors.js";
import { viewSlab } from "#src/base/slab.js";
import { type BenchHooks, bench, benchWith } from "#src/evaluate/bench/bench.js";
import type { BenchInput } from "#src/evaluate/bench/options.js";
import type { OpenExecutor } from "#src/evaluate/local-runner.js";
import { batchCount } from "#src/pool/plan.js";
import { openExecutor } from "#src/pool/registry.js";
import { randomDataset, randomNetwork } from "../../helpers/random.js";

const TOTAL = 400;
const INPUT: BenchInput = {
  dataset: randomDataset(TOTAL),
  weights: randomNetwork([64, 20, 10]),
  threads: "0,1,2",
  batchSize: "10,100",
  repeat: 3,
  warmUp: 1,
};

test("changes pictures and labels once, however many evaluators are opened", async (t) => {
  // Labels from 1 to 10 fit; changed twice, the largest would not.
  const weights = randomNetwork([64, 11]);
  for (const view of [{ invert: true }, { transpose: true }, { labelOffset: 1 }]) {
    for (const threads of ["0", "0,1"]) {
      const { failure } = await bench({
        ...INPUT,
        ...view,
        weights,
        engine: "simd",
        threads,
        repeat: 1,
        warmUp: 0,
      });
      t.is(failure, undefined);
    }
  }
});

test("times each configuration as often as asked, and puts it in relation to one thread", async (t) => {
  const { benchmark, failure } = await bench(INPUT);
  t.is(failure, undefined);
  t.true(benchmark.complete);
  t.is(benchmark.dataset.images, TOTAL);
  t.is(benchmark.configurations.length, 12);
  t.true(benchmark.peakProcessRssBytes > 2 ** 24 && benchmark.peakProcessRssBytes < 2 ** 36);
  for (const measured of benchmark.configurations) {
    const { engine, batchSize, threads, passMs, speedUp, efficiency } = measured;
    const sorted = passMs.samples.toSorted((a, b) => a - b);
    t.is(measured.passes, 3);
    t.deepEqual([passMs.fastest, passMs.median, passMs.slowest], sorted);
    t.true(Math.abs(measured.imagesPerSecond / ((1000 * TOTAL) / passMs.median) - 1) < 0.01);
    t.true(Math.abs(measured.microsecondsPerImage / ((1000 * passMs.median) / TOTAL) - 1) < 0.01);
    const single = benchmark.configurations.find(
      (other) => other.engine === engine && other.batchSize === batchSize && other.threads === 1,
    );
    const expected = (single?.passMs.median ?? Number.NaN) / passMs.median;
    t.true(Math.abs((speedUp ?? Number.NaN) - expected) < 0.01 * expected + 0.001);
    if (threads === 0) t.is(efficiency, null);
    else t.true(Math.abs((efficiency ?? Number.NaN) - (speedUp ?? Number.NaN) / threads) < 0.001);
    const { p50, p90, p99 } = measured.batchLatencyMs;
    t.true(p50 > 0 && p50 <= p90 && p90 <= p99 && p99 <= passMs.slowest * 1.01);
    t.is(measured.queryLatencyMs, null);
  }
});

test("goes round by round over all configurations", async (t) => {
  const passes: string[] = [];
  const onPass: BenchHooks["onPass"] = ({ engine, batchSize, threads }, round) =>
    passes.push(`${round} ${engine} ${batchSize} ${threads}`);
  await bench({ ...INPUT, threads: "0", batchSize: "100", repeat: 2 }, { onPass });
  t.deepEqual(passes, [
    "-1 ml-matrix 100 0",
    "-1 simd 100 0",
    "0 ml-matrix 100 0",
    "0 simd 100 0",
    "1 ml-matrix 100 0",
    "1 simd 100 0",
  ]);
});

test("has no speed-up where one thread was not measured", async (t) => {
  const { benchmark } = await bench({ ...INPUT, engine: "simd", threads: "2", batchSize: "100" });
  t.is(benchmark.configurations[0]?.speedUp, null);
  t.is(benchmark.configurations[0]?.efficiency, null);
});

test("goes on until each configuration has had its time", async (t) => {
  const input = { ...INPUT, threads: "0", batchSize: "100", repeat: 1, durationSeconds: 0.05 };
  const { benchmark } = await bench(input);
  for (const { passes, passMs } of benchmark.configurations) {
    const sum = passMs.samples.reduce((a, b) => a + b);
    t.true(sum >= 49.9, `${sum} ms`);
    t.true(sum - (passMs.samples.at(-1) ?? 0) < 50.1, "and no longer");
    t.is(passes, passMs.samples.length);
  }
});

test("single-stream tells the latency of one image at a time, from handing over to answer", async (t) => {
  const { engine, ...input } = INPUT;
  const tasks: number[] = [];
  const open: OpenExecutor = async (options, layers, count) => {
    const executor = await openExecutor(options, layers, count);
    return options.engine === "reference"
      ? executor
      : watching(executor, ({ batches }) => tasks.push(batchCount(batches)));
  };
  const { benchmark } = await benchWith(open, {
    ...input,
    scenario: "single-stream",
    threads: "0,1",
    batchSize: "1",
    limit: 50,
  });
  // Two engines, two executors each, one pass to warm up and three timed.
  t.is(tasks.length, 2 * 2 * 4 * 50);
  t.true(tasks.every((batches) => batches === 1));
  t.is(benchmark.scenario, "single-stream");
  t.is(benchmark.configurations.length, 4);
  for (const { queryLatencyMs, batchLatencyMs, batchSize } of benchmark.configurations) {
    const { p50 = 0, p90 = 0, p99 = 0 } = queryLatencyMs ?? {};
    t.is(batchSize, 1);
    t.true(p50 > 0 && p50 <= p90 && p90 <= p99);
    t.true(p50 > batchLatencyMs.p50, "the way there and back counts");
  }
});

test("finds an engine that lies, even about one image of one pass", async (t) => {
  const error = await t.throwsAsync(benchWith(lying("simd", 3, 17), INPUT), { instanceOf: RunError });
  t.is(error?.code, "ERR_BENCH_MISMATCH");
  t.is(error?.exitStatus, 4);
  t.regex(
    error?.message ?? "",
    /^simd, \d threads, batches of \d+: expected class \d for image 17, as reference predicts, found \d; 1 of 400 images differ/,
  );
});

test("ends with the batch that failed, since a pass with a repaired fault is no time", async (t) => {
  const open: OpenExecutor = async (options, layers, count) => {
    const executor = await openExecutor(options, layers, count);
    if (options.engine === "reference") return executor;
    return watching(executor, () => {
      throw new RunError("ERR_WORKER_CRASHED", { reason: "of the test" });
    });
  };
  const error = await t.throwsAsync(benchWith(open, { ...INPUT, threads: "0" }), {
    instanceOf: IncompleteError,
  });
  t.is(error?.code, "ERR_BATCH_FAILED");
  t.is(error?.exitStatus, 4);
});

test("keeps the passes that were done when it is stopped by a signal", async (t) => {
  for (const [reason, code, exitStatus] of [
    ["SIGINT", "ERR_BENCH_INTERRUPTED", 130],
    ["SIGTERM", "ERR_BENCH_TERMINATED", 143],
  ] as const) {
    const abort = new AbortController();
    let timed = 0;
    const { benchmark, failure } = await bench(
      { ...INPUT, threads: "0", repeat: 5 },
      {
        signal: abort.signal,
        onPass(_, round) {
          if (round >= 0 && ++timed === 6) abort.abort(reason);
        },
      },
    );
    t.deepEqual([failure?.code, failure?.exitStatus, benchmark.complete], [code, exitStatus, false]);
    t.regex(failure?.message ?? "", /after 6 timed passes/);
    // Four configurations: two had a second pass.
    t.deepEqual(
      benchmark.configurations.map(({ passes }) => passes),
      [2, 2, 1, 1],
    );
  }
});

test("answers without a configuration when it is stopped before the first pass", async (t) => {
  const { benchmark, failure } = await bench(INPUT, { signal: AbortSignal.abort("SIGINT") });
  t.is(failure?.code, "ERR_BENCH_INTERRUPTED");
  t.deepEqual(benchmark.configurations, []);
});

type Look = (task: Parameters<Executor["run"]>[0]) => void;

function watching(executor: Executor, look: Look): Executor {
  return {
    ...executor,
    run(task, signal) {
      // A warm-up of the pool's workers carries no batch.
      if (task.batches.images > 0) look(task);
      return executor.run(task, signal);
    },
  };
}

/** Changes the prediction of one image when that image has been predicted so many times, and counts on in good faith. */
function lying(engine: string, after: number, image: number): OpenExecutor {
  return async (options, layers, count) => {
    const executor = await openExecutor(options, layers, count);
    if (options.engine !== engine) return executor;
    let seen = 0;
    return {
      ...executor,
      async run(task, signal) {
        const result = await executor.run(task, signal);
        const { start, images } = task.batches;
        const covers = start <= image && image < start + images;
        if (covers && ++seen > after) {
          const { predictions } = viewSlab(task.buffer, task.layout);
          predictions[image] = (predictions[image]! + 1) % 10;
        }
        return result;
      },
    };
  };
}
