/** The library's `evaluate` over Redis: the counts of one process, and the checks of its options. */
import test from "ava";
import { evaluate, IncompleteError } from "#src/index.js";
import { localResult, startHost } from "../helpers/hosts.js";
import { redisTest, sharedRedis } from "../helpers/redis.js";

const redis = sharedRedis("sesame");

redisTest("the library evaluates over Redis, and continues a run by its ID", async (t) => {
  const { url, shown } = await redis();
  startHost(t, url);
  const input = { executor: "bullmq", redis: url, runId: "library", jobImages: "500", limit: 2000 } as const;
  const places: unknown[] = [];
  const seen: number[] = [];
  const first = await evaluate(
    { ...input, calibration: true },
    {
      onStart: ({ queue }) => void places.push(queue),
      onSlab: ({ firstImage, count }) => void seen.push(firstImage, count),
    },
  );
  t.deepEqual(places, [{ address: shown, runId: "library" }]);
  t.deepEqual(first.result, await localResult({ limit: 2000, calibration: true }));
  t.is(first.run.executor, "bullmq");
  t.is(first.run.hosts?.[0]?.jobs, 4);
  t.true(seen.length > 0);
  const again = await evaluate({ ...input, calibration: true });
  t.deepEqual(again.result, first.result);
  await t.throwsAsync(evaluate({ ...input, limit: 1000 }), { code: "ERR_RUN_MISMATCH" });
});

redisTest("an abort ends the library's run with what hosts have done", async (t) => {
  const { url } = await redis();
  startHost(t, url, { delayMs: 20 });
  const controller = new AbortController();
  const run = evaluate(
    { executor: "bullmq", redis: url, jobImages: 500 },
    {
      signal: controller.signal,
      onProgress: ({ doneImages }) => void (doneImages >= 500 && controller.abort()),
    },
  );
  const error = await t.throwsAsync(run, { instanceOf: IncompleteError, code: "ERR_INTERRUPTED" });
  t.true(error.partial.result.total >= 500);
});

test("the library checks its options over Redis before it connects", async (t) => {
  const address = { executor: "bullmq", redis: "redis://127.0.0.1:1" } as const;
  for (const [input, code, words] of [
    [{ redis: "redis://127.0.0.1:1" }, "ERR_USAGE", /^--redis needs --executor bullmq/],
    [{ runId: "a" }, "ERR_USAGE", /^--run-id needs --executor bullmq/],
    [{ jobImages: 10, executor: "local" }, "ERR_USAGE", /^--job-images needs --executor bullmq/],
    [{ patience: 10 }, "ERR_USAGE", /^--patience needs --executor bullmq/],
    [{ ...address, threads: 2 }, "ERR_USAGE", /^--threads and --executor bullmq exclude each other/],
    [{ ...address, resume: "journal" }, "ERR_USAGE", /^--resume and --executor bullmq exclude each other/],
    [{ ...address, warm: true }, "ERR_USAGE", /^--warm and --executor bullmq exclude each other/],
    [{ ...address, runId: "a:b" }, "ERR_OPTION_VALUE", /^--run-id: expected up to 64 letters/],
    [{ ...address, jobImages: 0 }, "ERR_OPTION_VALUE", /^--job-images: expected a whole number from 1/],
    [{ ...address, patience: "x" }, "ERR_OPTION_VALUE", /^--patience: expected a whole number from 1/],
    [{ ...address, redis: "http://host" }, "ERR_REDIS_URL", /^--redis: expected redis:/],
  ] as const) {
    const { message = "" } = (await t.throwsAsync(evaluate({ ...input }), { code })) ?? {};
    t.regex(message, words);
  }
  // @ts-expect-error: no executor is called so.
  const unknown = evaluate({ executor: "bulmq" });
  await t.throwsAsync(unknown, { code: "ERR_OPTION_UNKNOWN", message: /did you mean "bullmq"/ });
});
