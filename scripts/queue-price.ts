/** What a run over Redis costs, and what a second worker brings: rounds of the same work, interleaved. Arguments: repeats, rounds. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { argv, stdout } from "node:process";
import { evaluated, killed, RedisProcess, repeatedDigits, startWorker } from "./queue-fleet.js";

const [repeats = "20", rounds = "3"] = argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), "batchwise-price-"));
const redis = await RedisProcess.open(folder);
const workers = [await startWorker(redis.url, folder, "a")];
try {
  const data = await repeatedDigits(folder, Number(repeats));
  const local = ["--warm", "--threads"];
  const queue = ["--executor", "bullmq", "--redis", redis.url];
  const times = new Map<string, number[]>();
  const counts = new Set<string>();

  async function time(name: string, args: readonly string[], isKept = true): Promise<void> {
    const { result, timing } = await evaluated([...data, ...args]);
    counts.add(JSON.stringify(result));
    if (isKept) times.set(name, [...(times.get(name) ?? []), timing.evaluateMs]);
  }

  // One worker first, since a second cannot be told to wait; its data are loaded by a run that is not timed.
  await time("one worker", queue, false);
  for (let round = 0; round < Number(rounds); round++) {
    await time("1 thread", [...local, "1"]);
    await time("one worker", queue);
  }
  workers.push(await startWorker(redis.url, folder, "b"));
  await time("two workers", queue, false);
  for (let round = 0; round < Number(rounds); round++) {
    await time("2 threads", [...local, "2"]);
    await time("two workers", queue);
  }
  if (counts.size !== 1) throw new Error("the answers differ");
  const median = (name: string) => {
    const sorted = [...(times.get(name) ?? [])].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  };
  for (const [name, all] of times) stdout.write(`${name}: ${all.map((ms) => ms.toFixed(0)).join(", ")} ms\n`);
  const ratio = (a: string, b: string) =>
    stdout.write(`${a} ÷ ${b}: ${(median(a) / median(b)).toFixed(3)}\n`);
  ratio("2 threads", "two workers");
  ratio("1 thread", "one worker");
  ratio("one worker", "two workers");
} finally {
  await Promise.all(workers.map(killed));
  await redis.kill();
  await rm(folder, { recursive: true, force: true });
}
