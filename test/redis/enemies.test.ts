/** Clients of the same Redis that change a run's keys, replay its messages or write what is too large. */
import { connect, createServer } from "node:net";
import test from "ava";
import { SILENT } from "#src/base/contracts/run.js";
import { type Link, openLink } from "#src/redis/link.js";
import type { RangeQueue } from "#src/redis/range-queue.js";
import { Records } from "#src/redis/records.js";
import { HostWatch } from "#src/redis/run-progress.js";
import { Standstill } from "#src/redis/standstill.js";
import { coordinateHere, localResult, sleep, startHost, whenDone } from "../helpers/hosts.js";
import { startProxy } from "../helpers/proxy.js";
import { redisTest, startRedis } from "../helpers/redis.js";
import type { Teardown } from "../helpers/temporary.js";

const SECRET = "s".repeat(32);

function withSecret(t: Teardown): void {
  process.env.BATCHWISE_SECRET = SECRET;
  t.teardown(() => void delete process.env.BATCHWISE_SECRET);
}

async function linkTo(t: Teardown, url: string): Promise<Link> {
  const link = await openLink(url, SILENT);
  t.teardown(() => link.close());
  return link;
}

/** A network on which each piece takes its time. */
async function startSlowProxy(t: Teardown, url: string, delayMs: number): Promise<string> {
  const server = createServer((client) => {
    const redis = connect(Number(new URL(url).port), "127.0.0.1");
    for (const [from, to] of [
      [client, redis],
      [redis, client],
    ] as const) {
      from.on("data", (bytes) => setTimeout(() => to.destroyed || to.write(bytes), delayMs));
      for (const end of ["close", "error"]) from.on(end, () => to.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  const address = server.address();
  return `redis://127.0.0.1:${typeof address === "object" ? address?.port : 0}/0`;
}

redisTest("a queue that no host can take jobs from is made again", async (t) => {
  withSecret(t);
  const { url } = await startRedis(t);
  startHost(t, url, { delayMs: 10, secret: SECRET });
  startHost(t, url, { delayMs: 10, secret: SECRET });
  const { redis } = await linkTo(t, url);
  const { reached, onProgress } = whenDone(400);
  const options = { runId: "enemy", jobImages: 100 };
  const run = coordinateHere(url, { limit: 3000, batchSize: 50 }, options, { onProgress });
  await reached;
  const key = (part: string) => `batchwise:queue:enemy:${part}`;
  await redis.hset(key("meta"), { paused: "1", concurrency: "0", max: "1", duration: "600000" });
  await redis.set(key("id"), "text", "PX", 600_000);
  await redis.call("xadd", key("events"), `${2n ** 64n - 1n}-${2n ** 64n - 1n}`, "event", "x");
  for (let first = 1500; first < 3000; first += 100) {
    const job = `images-${first}-100`;
    await redis.hset(key(job), { ats: "x", stc: "99999" });
    await redis.set(key(`${job}:lock`), "enemy", "PX", 600_000);
    await redis.sadd(key(`${job}:dependencies`), "enemy");
  }
  await redis.set(key("wait"), "text", "PX", 600_000);
  t.deepEqual((await run).result, await localResult({ limit: 3000, batchSize: 50 }));
});

redisTest("a run whose record says that it has ended, or is another, goes on with its hosts", async (t) => {
  const { url } = await startRedis(t);
  startHost(t, url, { delayMs: 20 });
  const { redis } = await linkTo(t, url);
  for (const state of ["done", "failed", "stopped"]) {
    const { reached, onProgress } = whenDone(500);
    const run = coordinateHere(url, { limit: 3000 }, { runId: state, jobImages: 500 }, { onProgress });
    await reached;
    await redis.hset(`batchwise:run:${state}`, { state });
    t.deepEqual((await run).result, await localResult({ limit: 3000 }), state);
  }
});

redisTest(
  "a Redis far away that loses a hundred jobs gets them back before its hosts leave the run",
  async (t) => {
    const server = await startRedis(t, { keepsData: false });
    startHost(t, server.url, { delayMs: 5 });
    const { redis } = await linkTo(t, server.url);
    const url = await startSlowProxy(t, server.url, 40);
    const { reached, onProgress } = whenDone(200);
    const input = { limit: 2400, batchSize: 20 };
    const run = coordinateHere(url, input, { runId: "far", jobImages: 20 }, { onProgress });
    await reached;
    await server.command("FLUSHALL");
    let isEnded = false;
    const watch = async () => {
      let [signs, gaps] = [0, 0];
      while (!isEnded) {
        const isThere = (await redis.exists("batchwise:attended:far")) === 1;
        if (isThere) signs++;
        else if (signs > 0) gaps++;
        await sleep(50);
      }
      return { signs, gaps };
    };
    const watching = watch();
    const { result } = await run.finally(() => {
      isEnded = true;
    });
    t.deepEqual(result, await localResult(input));
    const { signs, gaps } = await watching;
    t.true(signs > 0);
    // At its end the run takes its sign back, which can be seen.
    t.true(gaps <= 10, String(gaps));
  },
);

redisTest("the sign of a coordinator that is gone holds no host when it is written again", async (t) => {
  withSecret(t);
  const { url } = await startRedis(t);
  startHost(t, url, { delayMs: 20, secret: SECRET });
  const link = await linkTo(t, url);
  const { redis } = link;
  const stop = new AbortController();
  const { reached, onProgress } = whenDone(500);
  const options = { runId: "gone", jobImages: 500 };
  const run = t.throwsAsync(coordinateHere(url, {}, options, { onProgress, signal: stop.signal }));
  await reached;
  const sign = (await redis.get("batchwise:attended:gone")) ?? "";
  const state = String(await redis.call("hget", "batchwise:run:gone", "state"));
  stop.abort("SIGINT");
  await run;
  const replay = setInterval(() => {
    void redis.set("batchwise:attended:gone", sign, "PX", 60_000);
    void redis.hset("batchwise:run:gone", { state });
  }, 50);
  t.teardown(() => clearInterval(replay));
  const records = new Records(link);
  while ((await records.hosts())[0]?.runId !== null) await sleep(100);
  const { result } = await coordinateHere(url, { limit: 1000 }, { runId: "next", patienceMs: 30_000 });
  clearInterval(replay);
  t.deepEqual(result, await localResult({ limit: 1000 }));
});

redisTest("records and presences of more bytes than a message has stay in Redis", async (t) => {
  const { url } = await startRedis(t, { keepsData: false });
  const proxy = await startProxy(t, url);
  let bytesRead = 0;
  proxy.change((bytes) => {
    bytesRead += bytes.length;
    return bytes;
  });
  const { redis } = await linkTo(t, url);
  const large = "x".repeat(16 * 2 ** 20);
  await redis.sadd("batchwise:hosts", "e");
  await redis.set("batchwise:host:e", large, "PX", 600_000);
  await redis.hset("batchwise:run:large", { spec: large, state: large, junk: large });
  startHost(t, url);
  const { result } = await coordinateHere(proxy.url, { limit: 1000 }, { runId: "large", jobImages: 100 });
  t.deepEqual(result, await localResult({ limit: 1000 }));
  t.true(bytesRead < large.length, String(bytesRead));
});

test("a run whose jobs are lost again and again ends with a code", (t) => {
  const link = { address: "redis://nowhere" } as Link;
  const standstill = new Standstill(link, {} as RangeQueue, new HostWatch("run", 0), 0);
  for (let loss = 0; loss < 3; loss++) standstill.noteLoss();
  t.notThrows(() => standstill.assertMoving("run", 1e6, 1000));
  standstill.noteLoss();
  t.notThrows(() => standstill.assertMoving("run", 19_000, 1000));
  t.notThrows(() => standstill.assertMoving("run", 59_000, 60_000));
  t.throws(() => standstill.assertMoving("run", 21_000, 1000), { code: "ERR_RUN_DISTURBED" });
  standstill.noteMove(21_000);
  t.notThrows(() => standstill.assertMoving("run", 1e6, 1000));
});
