/** Runs over Redis, one after the other, while workers are killed every two seconds and Redis once. Arguments: seconds, repeats. */
import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { argv, stdout } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { evaluated, killed, RedisProcess, repeatedDigits, startWorker } from "./queue-fleet.js";

const WORKERS = 4;
const KILL_EVERY_MS = 2000;
const JOB_IMAGES = 500;
const REDIS_AWAY_MS = 1000;

const [seconds = "60", repeats = "20"] = argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), "batchwise-soak-"));
const redis = await RedisProcess.open(folder);
const workers: ChildProcess[] = [];
for (let n = 0; n < WORKERS; n++) workers.push(await startWorker(redis.url, folder, `worker-${n}`));

const endsAt = performance.now() + 1000 * Number(seconds);
let isOver = false;
let kills = 0;

async function killWorkers(): Promise<void> {
  while (!isOver) {
    await sleep(KILL_EVERY_MS);
    const n = kills % WORKERS;
    const victim = workers[n];
    if (victim !== undefined) await killed(victim);
    kills++;
    workers[n] = await startWorker(redis.url, folder, `worker-${n}`);
  }
}

async function killRedisOnce(): Promise<void> {
  await sleep(500 * Number(seconds));
  await redis.kill();
  await sleep(REDIS_AWAY_MS);
  await redis.start();
}

try {
  const data = await repeatedDigits(folder, Number(repeats));
  const { result: expected } = await evaluated([...data, "--threads", "1"]);
  const disturbed = [killWorkers(), killRedisOnce()];
  let [runs, jobs, wrong] = [0, 0, 0];
  while (performance.now() < endsAt) {
    const options = ["--executor", "bullmq", "--redis", redis.url, "--job-images", String(JOB_IMAGES)];
    const { result, run } = await evaluated([...data, ...options]);
    if (JSON.stringify(result) !== JSON.stringify(expected)) wrong++;
    runs++;
    jobs += (run.hosts ?? []).reduce((sum, host) => sum + host.jobs, 0);
  }
  isOver = true;
  await Promise.all(disturbed);
  const images = runs * expected.total;
  stdout.write(
    `${runs} runs, ${jobs} jobs (${images / JOB_IMAGES} expected), ${images} images: ${kills} workers and 1 Redis killed, ${wrong} runs counted otherwise than one process\n`,
  );
  process.exitCode = wrong === 0 && jobs === images / JOB_IMAGES ? 0 : 1;
} finally {
  isOver = true;
  await Promise.all(workers.map(killed));
  await redis.kill();
  await rm(folder, { recursive: true, force: true });
}
