/** Parts of a run over Redis that need no Redis. */
import test from "ava";
import { RunError, UsageError } from "#src/base/errors.js";
import { emptyPartial } from "#src/metrics/score-sums.js";
import { openAnswer } from "#src/redis/answers.js";
import { fetchFile, materialise } from "#src/redis/materialise.js";
import type { RangeAnswer } from "#src/redis/messages.js";
import { readRedisUrl } from "#src/redis/peers.js";
import { jobImagesFor, probeImagesFor, rangesOf, wholeBatches } from "#src/redis/range-queue.js";
import { HostWatch, RunProgress } from "#src/redis/run-progress.js";
import { NonsenseError, sealsOf } from "#src/redis/seal.js";
import { jobIdOf, pack, rangeOfJob, unpack } from "#src/redis/spec.js";

test("reads an address, and shows it without its password", (t) => {
  const address = readRedisUrl("rediss://me:p%40ss@redis.example:7000/3");
  t.like(address, { host: "redis.example", port: 7000, db: 3, username: "me", password: "p@ss", tls: true });
  t.is(address.shown, "rediss://redis.example:7000/3");
  t.like(readRedisUrl("redis://[::1]"), { host: "::1", port: 6379, db: 0, password: undefined });
});

test("refuses an address without repeating it", (t) => {
  for (const given of ["redis://:secret@", "http://:secret@host", "secret", "redis://:secret@host/name"]) {
    const expected = { instanceOf: RunError, code: "ERR_REDIS_URL" };
    t.false(t.throws(() => readRedisUrl(given), expected, given).message.includes("secret"), given);
  }
});

test("cuts a set into ranges without gap or overlap, the first to measure", (t) => {
  const whole = { offset: 50, limit: 2510 };
  const ranges = [...rangesOf({ whole, probeImages: 1000, jobImages: 700 })];
  t.deepEqual(ranges, [
    { offset: 50, limit: 1000 },
    { offset: 1050, limit: 700 },
    { offset: 1750, limit: 700 },
    { offset: 2450, limit: 110 },
  ]);
  t.deepEqual(
    [...rangesOf({ whole: { offset: 0, limit: 7 }, probeImages: 1000, jobImages: 700 })],
    [{ offset: 0, limit: 7 }],
  );
  t.deepEqual([...rangesOf({ whole: { offset: 0, limit: 7 }, probeImages: 0, jobImages: 4 })].length, 2);
});

test("sizes jobs by time: a second, less where hosts would go without, at least 0.2 s", (t) => {
  const measured = { imagesPerSecond: 50_000, hosts: 4, leftImages: 10_000_000 };
  t.is(jobImagesFor(measured, 100, 0), 50_000);
  t.is(jobImagesFor({ ...measured, leftImages: 480_000 }, 100, 0), 30_000);
  t.is(jobImagesFor({ ...measured, leftImages: 1000 }, 100, 0), 10_000);
  t.is(jobImagesFor({ ...measured, imagesPerSecond: 1 }, 100, 0), 100);
  t.is(jobImagesFor(measured, 100, 800), 5200, "4 MiB of answers");
  t.is(wholeBatches(10, 100, 0), 100);
  t.is(probeImagesFor(300), 1200);
});

test("a range's name is the same for who asks twice, and tells the range", (t) => {
  const range = { offset: 1000, limit: 250 };
  t.is(jobIdOf(range), "images-1000-250");
  t.deepEqual(rangeOfJob(jobIdOf(range)), range);
  t.is(rangeOfJob("images-1-"), undefined);
});

test("packs each image's answers into bytes, and refuses bytes of another length", (t) => {
  const answers = {
    predictions: Uint16Array.of(1, 0, 1),
    probabilities: Float64Array.of(0.25, 0.75, 1, 0, 0.5, 0.5),
    ranking: Uint16Array.of(1, 0, 0, 1, 1, 0),
  };
  const bytes = pack(answers);
  t.deepEqual(unpack(bytes, 3, 2), answers);
  t.is(unpack(bytes.subarray(1), 3, 2), undefined);
  t.is(unpack(bytes, 3, 3), undefined);
});

const range = { offset: 10, limit: 4 };
const SPEC = { range, classes: 2, packed: false, identity: { probabilities: false } };

function answerOf(correct: number): RangeAnswer {
  return {
    counts: {
      ...emptyPartial(10, 2, false),
      limit: 4,
      total: 4,
      correct,
      confusionMatrix: [
        [correct, 4 - correct],
        [0, 0],
      ],
    },
    host: "a",
    elapsedMs: 5,
    batchesByThread: [0, 2],
    retries: 1,
    latenciesMs: [2, 3],
  };
}

test("a failure fails its range, unless another client changed the job", (t) => {
  const run = { runId: "a", key: "b", nonce: "c" };
  const said = (code: string) =>
    openAnswer(
      sealsOf(undefined),
      run,
      { returnvalue: null, failedReason: JSON.stringify({ host: "h", code }) },
      range,
    );
  t.deepEqual(said("ERR_BATCH_FAILED"), { failure: "h: ERR_BATCH_FAILED" });
  t.throws(() => said("ERR_RANGE_JOB"), { instanceOf: NonsenseError });
  t.throws(() => said("some bytes of a file"), { instanceOf: NonsenseError });
});

test("counts a range once, however often it is answered", (t) => {
  const books = new RunProgress({ ...SPEC, range: { offset: 10, limit: 8 } });
  books.noteAdded(range, 0);
  t.is(books.outstanding, 1);
  t.true(books.take(range, answerOf(3), 7));
  t.false(books.take(range, answerOf(3), 8));
  t.like(books.sum, { offset: 10, correct: 3, total: 4 });
  t.is(books.outstanding, 0);
  t.deepEqual(books.hosts, [{ host: "a", images: 4, jobs: 1, batchesByThread: [0, 2] }]);
});

test("an answer after its range had failed counts, and the failure is forgotten; not the other way round", (t) => {
  const books = new RunProgress(SPEC);
  books.noteAdded(range, 0);
  books.fail(range, "why");
  t.is(books.failures.length, 1);
  t.true(books.take(range, answerOf(3), 7));
  books.fail(range, "late");
  t.is(books.failures.length, 0);
  t.is(books.sum.total, 4);
});

test("refuses counts of another range, and counts that contradict themselves", (t) => {
  const books = new RunProgress(SPEC);
  t.throws(() => books.take({ offset: 20, limit: 4 }, answerOf(3), 7), { message: /another range/ });
  const { counts, ...rest } = answerOf(3);
  t.throws(() => books.take(range, { ...rest, counts: { ...counts, correct: 4 } }, 7), {
    message: /diagonal/,
  });
  t.is(books.sum.total, 0);
});

test("a run is refused when all hosts have refused it for a while, whatever its name", (t) => {
  const host = { host: "a", beat: 1, threads: 1, runId: null, refused: {} };
  const attendance = new HostWatch("constructor", 0);
  attendance.note([host], 10_000);
  t.notThrows(() => attendance.assertAtWork(10_000, 60_000));
  const refused = { constructor: "ERR_HOST_DATA" };
  attendance.note([{ ...host, beat: 2, refused }], 11_000);
  t.notThrows(() => attendance.assertAtWork(14_000, 60_000));
  t.throws(() => attendance.assertAtWork(15_000, 60_000), {
    code: "ERR_HOSTS_REFUSED",
    message: /a: ERR_HOST_DATA/,
  });
  attendance.note(
    [
      { ...host, beat: 3, refused },
      { ...host, host: "b" },
    ],
    16_000,
  );
  t.notThrows(() => attendance.assertAtWork(16_000, 60_000));
  attendance.note([], 17_000);
  t.throws(() => attendance.assertAtWork(76_001, 60_000), { code: "ERR_HOSTS_ABSENT" });
});

const { signal } = new AbortController();

test("refuses a URL that names no file, before anything is asked for", async (t) => {
  for (const url of [
    "http://127.0.0.1:1/",
    "http://127.0.0.1:1/a%2F..%2F..%2Fb",
    "http://127.0.0.1:1/a%5Cb",
    "http://127.0.0.1:1/a%00b",
    "http://127.0.0.1:1/%zz",
    "file://another-host/a",
  ]) {
    const error = await t.throwsAsync(
      fetchFile(url, signal),
      { instanceOf: UsageError, code: "ERR_USAGE" },
      url,
    );
    t.regex(error.message, /expected the URL of a file/);
  }
});

const URL_OF_FILE = "http://127.0.0.1:1/weights";

test("a host refuses another machine's file, and one whose name or hash leads out of the cache", async (t) => {
  const any = { permitsUrl: () => true };
  await t.throwsAsync(materialise("file://another-host/a", {}, any, signal), { code: "ERR_USAGE" });
  for (const file of [
    { name: "../../weights", sha256: "0".repeat(64), bytes: 1 },
    { name: "weights", sha256: "../..", bytes: 1 },
  ]) {
    const files = { [URL_OF_FILE]: file };
    await t.throwsAsync(materialise(URL_OF_FILE, files, any, signal), { code: "ERR_USAGE" }, file.name);
  }
});
