/** A run over Redis is disturbed by signals and by a Redis that goes away; its counts stay those of one process. */
import { spawn } from "node:child_process";
import test from "ava";
import { IncompleteError } from "#src/base/abort.js";
import { SILENT } from "#src/base/contracts/run.js";
import type { Progress } from "#src/evaluate/listeners.js";
import { openLink } from "#src/redis/link.js";
import { Records } from "#src/redis/records.js";
import { CLI, spawnCli } from "../helpers/cli.js";
import { recordFault } from "../helpers/fault-table.js";
import { faultTest } from "../helpers/faults.js";
import { coordinateHere, endProcess, localResult, sleep, startHost, whenDone } from "../helpers/hosts.js";
import { redisTest, startRedis } from "../helpers/redis.js";

const longTest = redisTest === test.skip ? test.skip : faultTest;
const SLOW = { delayMs: 25 };
/** Jobs small enough that two slow hosts need a second and a half. */
const OPTIONS = { jobImages: 500 };

for (const keepsData of [true, false]) {
  const how = keepsData ? "with its data" : "empty";
  longTest(`Redis is killed mid-run, and comes back ${how}`, async (t) => {
    const redis = await startRedis(t, { keepsData });
    startHost(t, redis.url, SLOW);
    startHost(t, redis.url, SLOW);
    const { reached, onProgress } = whenDone(3000);
    const run = coordinateHere(redis.url, {}, OPTIONS, { onProgress });
    await reached;
    await redis.kill();
    await sleep(1500);
    await redis.start();
    const { result, run: facts } = await run;
    t.deepEqual(result, await localResult({}));
    t.is(facts.batches, 100);
    await recordFault({
      fault: `Redis killed and restarted, ${how}`,
      status: 0,
      line: "nothing",
      kept: "all: counts as of one process",
    });
  });
}

longTest("a Redis that does not come back ends the run, partial, in bounded time", async (t) => {
  const redis = await startRedis(t);
  startHost(t, redis.url, SLOW);
  const { reached, onProgress } = whenDone(1000);
  const run = coordinateHere(redis.url, {}, { ...OPTIONS, patienceMs: 3000 }, { onProgress });
  const lost = t.throwsAsync(run, { instanceOf: IncompleteError, code: "ERR_REDIS_LOST" });
  await reached;
  await redis.kill();
  const error = await lost;
  t.is(error?.exitStatus, 5);
  t.true((error?.partial.result.total ?? 0) >= 1000);
  await recordFault({
    fault: "Redis killed for good",
    status: 5,
    line: error?.message ?? "",
    kept: "what was answered, partial",
  });
});

longTest("a host is stopped, its job runs elsewhere, and it goes on: counted once", async (t) => {
  const { url } = await startRedis(t);
  const stopped = startHost(t, url, SLOW);
  const { reached, onProgress } = whenDone(1000);
  const run = coordinateHere(url, {}, OPTIONS, { onProgress });
  await reached;
  stopped.kill("SIGSTOP");
  startHost(t, url, SLOW);
  // Behind the lock and two looks for stalled jobs.
  await sleep(8000);
  stopped.kill("SIGCONT");
  const { result, run: facts } = await run;
  t.deepEqual(result, await localResult({}));
  t.is(facts.batches, 100);
  t.is(stopped.exitCode, null, "it is still at work");
  await recordFault({
    fault: "host stopped, its job run elsewhere, continued",
    status: 0,
    line: "nothing",
    kept: "all, each range counted once",
  });
});

longTest("hosts are killed one after the other, and each is replaced", async (t) => {
  const { url } = await startRedis(t);
  let isOver = false;
  const run = coordinateHere(url, {}, OPTIONS).finally(() => {
    isOver = true;
  });
  let killed = 0;
  for (let host = startHost(t, url, SLOW); !isOver; host = startHost(t, url, SLOW)) {
    startHost(t, url, { delayMs: 100 });
    await Promise.race([run, sleep(2500)]);
    await endProcess(host);
    killed++;
  }
  t.deepEqual((await run).result, await localResult({}));
  t.true(killed > 1);
  await recordFault({
    fault: "hosts killed one after the other",
    status: 0,
    line: "nothing",
    kept: "all: lost ranges ran elsewhere",
  });
});

longTest("a coordinator is killed, and started again with the same run id", async (t) => {
  const { url } = await startRedis(t);
  startHost(t, url, SLOW);
  const args = [
    "--no-config",
    "--executor",
    "bullmq",
    "--redis",
    url,
    "--run-id",
    "killed",
    "--job-images",
    "500",
  ];
  const first = spawn(process.execPath, [CLI, ...args], { stdio: "ignore" });
  const link = await openLink(url, SILENT);
  t.teardown(() => link.close());
  const done = async () => Number(await link.redis.call("hget", "batchwise:run:killed", "doneImages"));
  while ((await done()) < 2000) await sleep(100);
  await endProcess(first);
  let taken = 0;
  const onProgress = ({ doneImages }: Progress) => {
    taken ||= doneImages;
  };
  const { result } = await coordinateHere(url, {}, { runId: "killed" }, { onProgress });
  t.deepEqual(result, await localResult({}));
  t.true(taken >= 2000, `${taken} were taken`);
  await recordFault({
    fault: "coordinator killed, started again with its run ID",
    status: "SIGKILL",
    line: "nothing",
    kept: "all that was answered",
  });
});

longTest("without a Redis neither coordinator nor worker is kept from ending", async (t) => {
  const redis = await startRedis(t);
  const worker = spawn(process.execPath, [CLI, "worker", "--redis", redis.url], { stdio: "ignore" });
  t.teardown(() => endProcess(worker));
  const host = startHost(t, redis.url, { delayMs: 1000 });
  const link = await openLink(redis.url, SILENT);
  t.teardown(() => link.close());
  const records = new Records(link);
  // One that had not yet found its Redis would end by itself, with another status.
  while ((await records.hosts()).length < 2) await sleep(50);
  const args = ["--executor", "bullmq", "--patience", "2", "--redis", redis.url, "--dataset", "bundled"];
  const { status, stderr } = await spawnCli(args, {
    onStderr: (_, text) => void (text.startsWith("evaluating") && redis.kill()),
  });
  t.is(status, 5);
  t.regex(stderr, /batchwise: ERR_REDIS_LOST: /);
  for (const child of [worker, host]) {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    t.is(await ended, 0);
  }
});
