import test from "ava";
import { type ErrorCode, UsageError } from "#src/base/errors.js";
import { type BenchInput, resolveBench } from "#src/evaluate/bench/options.js";
import { createStopwatch } from "#src/evaluate/bench/summary.js";

test("sweeps every engine, batch size and thread count, threads ascending", (t) => {
  const { configurations } = resolveBench({ engine: "simd,ml-matrix", threads: "4,1", batchSize: "10,1" }, 8);
  t.deepEqual(
    configurations.map(({ engine, batchSize, threads }) => `${engine} ${batchSize} ${threads}`),
    ["simd", "ml-matrix"].flatMap((engine) => [
      `${engine} 1 1`,
      `${engine} 1 4`,
      `${engine} 10 1`,
      `${engine} 10 4`,
    ]),
  );
});

test("takes powers of two, and all threads of the machine, unless told otherwise", (t) => {
  const threadsOn = (available: number) => {
    const { configurations } = resolveBench({ engine: "simd" }, available);
    return configurations.map(({ threads }) => threads);
  };
  t.deepEqual(threadsOn(1), [1]);
  t.deepEqual(threadsOn(2), [1, 2]);
  t.deepEqual(threadsOn(6), [1, 2, 4, 6]);
  t.deepEqual(threadsOn(8), [1, 2, 4, 8]);
});

test("asks one image at a time of one worker in single-stream", (t) => {
  const { configurations, scenario } = resolveBench({ scenario: "single-stream" }, 8);
  t.is(scenario, "single-stream");
  t.deepEqual(configurations, [
    { engine: "ml-matrix", batchSize: 1, threads: 1 },
    { engine: "simd", batchSize: 1, threads: 1 },
  ]);
});

test("never runs a failed batch again, which would be timed as a slow one", (t) => {
  t.is(resolveBench({}, 2).options.retries, 0);
});

const REFUSED: readonly [input: BenchInput, code: ErrorCode, says: string][] = [
  [{ engine: "ml-matrix,smd" }, "ERR_OPTION_UNKNOWN", 'unknown engine "smd": did you mean "simd"?'],
  [{ engine: "simd," }, "ERR_OPTION_UNKNOWN", 'unknown engine ""'],
  [
    { threads: "1,two" },
    "ERR_OPTION_VALUE",
    '--threads: expected a whole number from 0 to 1024, found "two"',
  ],
  [{ threads: "1,,2" }, "ERR_OPTION_VALUE", '--threads: expected a whole number from 0 to 1024, found ""'],
  [{ threads: "1,1025" }, "ERR_OPTION_VALUE", 'found "1025"'],
  [{ threads: "2,1,2" }, "ERR_OPTION_VALUE", '--threads: expected each value once, found "2,1,2"'],
  [{ batchSize: "100,0" }, "ERR_OPTION_VALUE", "--batch-size: expected a whole number from 1"],
  [{ repeat: "0" }, "ERR_OPTION_VALUE", "--repeat: expected a whole number from 1"],
  [{ warmUp: "-1" }, "ERR_OPTION_VALUE", "--warm-up: expected a whole number from 0"],
  [
    { durationSeconds: "4000" },
    "ERR_OPTION_VALUE",
    "--duration: expected a number of seconds from 0 to 3600",
  ],
  // @ts-expect-error: the type refuses it too.
  [{ scenario: "ofline" }, "ERR_OPTION_UNKNOWN", 'unknown scenario "ofline": did you mean "offline"?'],
  [
    { scenario: "single-stream", threads: "1,2" },
    "ERR_OPTION_VALUE",
    '--threads: expected 0 or 1 in the single-stream scenario, where one image is under way at a time, found "2"',
  ],
  [{ scenario: "single-stream", batchSize: "100" }, "ERR_OPTION_VALUE", "--batch-size: expected 1 in the"],
  [{ limit: "0" }, "ERR_OPTION_VALUE", "--limit"],
  [
    { threads: Array.from({ length: 501 }, (_, n) => n).join() },
    "ERR_USAGE",
    "expected at most 1000 configurations, found 1002",
  ],
];
test("refuses what it cannot sweep, and says which option", (t) => {
  for (const [input, code, says] of REFUSED) {
    const error = t.throws(() => resolveBench(input, 2), { instanceOf: UsageError }, says);
    t.deepEqual([error.code, error.exitStatus], [code, 2], says);
    t.true(error.message.includes(says), error.message);
  }
});

test("tells the nearest rank of all times that were recorded, to three digits", (t) => {
  const stopwatch = createStopwatch();
  const timesMs = Array.from({ length: 1000 }, (_, n) => (n + 1) / 1000);
  stopwatch.record(timesMs.slice(500));
  stopwatch.record(timesMs.slice(0, 500).reverse());
  const { p50, p90, p99 } = stopwatch.percentiles();
  for (const [found, expected] of [
    [p50, 0.5],
    [p90, 0.9],
    [p99, 0.99],
  ] as const) {
    t.true(Math.abs(found - expected) <= 0.0011 * expected + 0.001, `${found} for ${expected}`);
  }
});

test("takes a time of nothing, and one beyond a day, without a fault", (t) => {
  const stopwatch = createStopwatch();
  stopwatch.record([0]);
  t.is(stopwatch.percentiles().p50, 0.000001);
  stopwatch.record([1e12, 1e12]);
  t.true(stopwatch.percentiles().p50 >= 86_000_000);
});
