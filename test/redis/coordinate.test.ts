/** Runs over Redis whose coordinator is this process: their counts are those of one process, whatever happens to hosts. */
import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { IncompleteError } from "#src/base/abort.js";
import { SILENT } from "#src/base/contracts/run.js";
import { openLink } from "#src/redis/link.js";
import { RangeQueue } from "#src/redis/range-queue.js";
import { Records } from "#src/redis/records.js";
import { CLI, runCli } from "../helpers/cli.js";
import {
  coordinateHere,
  digitsIn,
  endProcess,
  localResult,
  sleep,
  startHost,
  whenDone,
} from "../helpers/hosts.js";
import { redisTest, sharedRedis } from "../helpers/redis.js";

/** A slow host takes so long a batch: a run lasts long enough to be disturbed. */
const SLOW = { delayMs: 20 };
const FEW = { limit: 4000 };
const redis = sharedRedis("sesame");

redisTest("images without labels are predicted, and what is asked for is sized by time", async (t) => {
  const { url } = await redis();
  startHost(t, url);
  const { result, predictions, run } = await coordinateHere(url, { labels: false, engine: "simd" });
  t.deepEqual(result, await localResult({ labels: false }));
  t.is(run.hosts?.length, 1);
  t.true(predictions.some((prediction) => prediction > 0));
});

redisTest("a range lost with its host runs elsewhere, and counts once", async (t) => {
  const { url } = await redis();
  const first = startHost(t, url, SLOW);
  const { reached, onProgress } = whenDone(1000);
  const run = coordinateHere(url, FEW, { jobImages: 500 }, { onProgress });
  await reached;
  await endProcess(first);
  startHost(t, url);
  const { result, run: facts } = await run;
  t.deepEqual(result, await localResult(FEW));
  t.is(facts.hosts?.length, 2);
});

redisTest("a poison range fails the run by its name after its attempts; the rest is kept", async (t) => {
  const { url } = await redis();
  startHost(t, url, { poisonImage: 4242 });
  const options = { jobImages: 1000, runId: "poisoned" };
  const error = await t.throwsAsync(coordinateHere(url, { retries: 0 }, options), {
    instanceOf: IncompleteError,
    code: "ERR_RANGE_FAILED",
  });
  t.regex(error.message, /^images 4000 to 4999 failed 3 times: \S+: ERR_BATCH_FAILED;/);
  t.is(error.exitStatus, 4);
  t.is(error.partial.result.total, 9000);
  t.false(error.partial.result.complete);
  const shown = await runCli(["runs", "show", "poisoned", "--redis", url, "--format", "json"]);
  t.like(JSON.parse(shown.stdout)[0], { state: "failed", doneImages: 9000, totalImages: 10_000 });
});

redisTest("a host whose data differs refuses, and the others do the work", async (t) => {
  const { url } = await redis();
  const here = await digitsIn(t);
  const there = await digitsIn(t);
  const pixels = await readFile(there.images);
  pixels[5000]! ^= 1;
  await writeFile(there.images, pixels);
  const map = `${here.folder}=${there.folder}`;
  const worker = spawn(process.execPath, [CLI, "worker", "--threads", "1", "--redis", url, "--map", map], {
    stdio: "ignore",
  });
  t.teardown(() => endProcess(worker));
  const input = { dataset: here.images, labels: here.labels };
  const error = await t.throwsAsync(coordinateHere(url, input), {
    instanceOf: IncompleteError,
    code: "ERR_HOSTS_REFUSED",
  });
  t.regex(error.message, /only rejections: \S+: ERR_HOST_DATA \(its log has the details\)$/);
  t.is(error.partial.result.total, 0);
  startHost(t, url);
  const link = await openLink(url, SILENT);
  t.teardown(() => link.close());
  // A run that one host alone knows of is over when that host refuses it.
  while ((await new Records(link).hosts()).length < 2) await sleep(50);
  const { result, run } = await coordinateHere(url, input);
  t.like(result, { total: 10_000, complete: true });
  t.is(run.hosts?.length, 1);
});

redisTest("without any host it ends after its patience", async (t) => {
  const { url } = await redis();
  const error = await t.throwsAsync(coordinateHere(url, {}, { patienceMs: 600 }), {
    instanceOf: IncompleteError,
    code: "ERR_HOSTS_ABSENT",
  });
  t.is(error.exitStatus, 4);
});

redisTest("a host of another version refuses", async (t) => {
  const { url } = await redis();
  const link = await openLink(url, SILENT);
  t.teardown(() => link.close());
  const records = new Records(link);
  await t.throwsAsync(coordinateHere(url, {}, { runId: "old", patienceMs: 300 }));
  const run = await records.run("old");
  if (run === undefined) throw new Error("no record");
  const identity = { ...run.spec.identity, batchwise: "0.0.1" };
  await records.writeRun({ ...run, state: "open", spec: { ...run.spec, identity } });
  startHost(t, url);
  for (let tries = 0; tries < 100; tries++) {
    const hosts = await records.hosts();
    const [host] = hosts;
    const refusal = host?.refused.old;
    if (refusal !== undefined) {
      t.is(refusal.split(":")[0], "ERR_HOST_VERSION");
      return;
    }
    await records.attend(run.spec, 0, hosts);
    await sleep(100);
  }
  t.fail("nobody refused");
});

redisTest("a job that is added twice is one job", async (t) => {
  const { url } = await redis();
  await t.throwsAsync(coordinateHere(url, {}, { runId: "twice", patienceMs: 300, jobImages: 5000 }));
  const link = await openLink(url, SILENT);
  t.teardown(() => link.close());
  const run = await new Records(link).run("twice");
  if (run === undefined) throw new Error("no record");
  const queue = new RangeQueue(link, run.spec, () => {}, SILENT);
  const range = { offset: 0, limit: 5000 };
  await queue.add([range, range]);
  await queue.add([range]);
  startHost(t, url);
  const { result, run: facts } = await coordinateHere(url, {}, { runId: "twice", jobImages: 5000 });
  t.deepEqual(result, await localResult({}));
  t.is(facts.hosts?.[0]?.jobs, 2);
  await queue.close(1000, false);
});

redisTest("an interrupted run is partial, and goes on where it was", async (t) => {
  const { url } = await redis();
  startHost(t, url, SLOW);
  const stop = new AbortController();
  const { reached, onProgress } = whenDone(1000);
  const options = { runId: "stopped", jobImages: 500 };
  const run = coordinateHere(url, FEW, options, { onProgress, signal: stop.signal });
  reached.then(() => stop.abort("SIGINT"));
  const error = await t.throwsAsync(run, { instanceOf: IncompleteError, code: "ERR_INTERRUPTED" });
  const kept = error.partial.result.total;
  t.true(kept >= 1000 && kept < 4000);
  let first = 0;
  const resumed = await coordinateHere(url, FEW, options, {
    onProgress: ({ doneImages }) => {
      first ||= doneImages;
    },
  });
  t.deepEqual(resumed.result, await localResult(FEW));
  t.true(first >= kept);
});

redisTest(
  "a Redis that refuses a command ends the run with what was done, and it goes on later",
  async (t) => {
    const server = await redis();
    const { url, shown } = server;
    // On a busy machine the commands of this test take longer than a run of SLOW.
    startHost(t, url, { delayMs: 150 });
    const { reached, onProgress } = whenDone(1000);
    const options = { runId: "no-room", jobImages: 500 };
    const run = coordinateHere(url, FEW, options, { onProgress });
    const refused = t.throwsAsync(run, { instanceOf: IncompleteError, code: "ERR_REDIS_REFUSED" });
    await reached;
    await server.command("CONFIG SET maxmemory 1");
    const error = await refused;
    t.true(error.message.startsWith(`${shown}: Redis rejects a command: OOM command not allowed`));
    t.is(error.exitStatus, 5);
    const kept = error.partial.result.total;
    t.true(kept >= 1000 && kept < 4000);
    await server.command("CONFIG SET maxmemory 0");
    startHost(t, url);
    const { result } = await coordinateHere(url, FEW, options);
    t.deepEqual(result, await localResult(FEW));
  },
);

redisTest("a run can be cancelled while it runs, and is then refused", async (t) => {
  const { url } = await redis();
  startHost(t, url, SLOW);
  const { reached, onProgress } = whenDone(1000);
  const options = { runId: "unwanted", jobImages: 500 };
  const run = coordinateHere(url, FEW, options, { onProgress });
  const cancelled = t.throwsAsync(run, { instanceOf: IncompleteError, code: "ERR_RUN_CANCELLED" });
  await reached;
  const { status, stdout } = await runCli(["runs", "cancel", "unwanted", "--redis", url]);
  t.is(status, 0);
  t.regex(stdout, /^unwanted +cancelled/);
  const error = await cancelled;
  t.true((error?.partial.result.total ?? 0) >= 1000);
  await t.throwsAsync(coordinateHere(url, FEW, options), { code: "ERR_RUN_CANCELLED" });
  const unknown = await runCli(["runs", "show", "nobody", "--redis", url]);
  t.is(unknown.status, 2);
  t.regex(unknown.stderr, /batchwise: ERR_RUN_UNKNOWN: /);
});
