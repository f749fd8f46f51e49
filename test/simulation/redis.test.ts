/** Seeded runs over Redis behind a proxy that delays, loses and cuts, with hosts that are killed. BATCHWISE_REDIS_SEEDS=300 runs more, BATCHWISE_REDIS_FIRST=151 from the 151st on. */
import type { ChildProcess } from "node:child_process";
import { connect, createServer, type Socket } from "node:net";
import { env } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { BatchwiseError } from "#src/base/errors.js";
import { evaluate, IncompleteError } from "#src/index.js";
import { coordinateHere, endProcess, startHost } from "../helpers/hosts.js";
import { seeded } from "../helpers/random.js";
import { redisTest, startRedis } from "../helpers/redis.js";
import type { Teardown } from "../helpers/temporary.js";
import { type Counts, differenceOf, partialFault } from "./invariant.js";

const SEEDS = Number(env.BATCHWISE_REDIS_SEEDS ?? 4);
const FIRST = Number(env.BATCHWISE_REDIS_FIRST ?? 1);
const LONGEST_MS = 120_000;
const injected: Record<string, number> = {};
const note = (kind: string) => {
  injected[kind] = (injected[kind] ?? 0) + 1;
};
let random = seeded(1);
let probability = 0;

/** Forwards to Redis; a chunk may come late, lose a piece, or be the last of its connection. */
async function startProxy(t: Teardown, port: number): Promise<string> {
  const proxy = createServer((client) => {
    const server = connect(port, "127.0.0.1");
    const forward = (from: Socket, to: Socket) => {
      let sent: Promise<unknown> = Promise.resolve();
      from.on("data", (chunk) => {
        const share = random();
        if (share < probability / 20) {
          note("connection is cut");
          from.destroy();
          to.destroy();
        } else if (share < probability / 15) {
          note("piece is lost");
          const [from, to] = [random(), random()].sort((a, b) => a - b).map((part) => part * chunk.length);
          chunk = Buffer.concat([chunk.subarray(0, from), chunk.subarray(to)]);
        } else if (share < probability) {
          note("packet comes late");
          sent = sent.then(() => sleep(random() * 30));
        }
        sent = sent.then(() => to.destroyed || to.write(chunk));
      });
      for (const end of ["close", "error"]) from.on(end, () => to.destroy());
    };
    forward(client, server);
    forward(server, client);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  t.teardown(() => proxy.close());
  return `redis://127.0.0.1:${(proxy.address() as { port: number }).port}/0`;
}

const endings: Record<string, number> = {};
let hosts: ChildProcess[] = [];

async function runSeed(t: Teardown, url: string, clean: Counts, seed: number): Promise<string | undefined> {
  random = seeded(seed);
  probability = [0, 0.05, 0.3][Math.floor(random() * 3)]!;
  const batchSize = [7, 50, 100][Math.floor(random() * 3)]!;
  const kill = random() < 0.4 ? sleep(random() * 800) : undefined;
  const killed = kill?.then(async () => {
    const [victim, ...rest] = hosts;
    if (victim !== undefined) await endProcess(victim);
    note("host is killed");
    hosts = [...rest, startHost(t, url, { delayMs: 5 })];
  });
  const abort = new AbortController();
  if (random() < 0.15) {
    setTimeout(() => {
      note("run is interrupted");
      abort.abort();
    }, random() * 500).unref();
  }
  const late = new AbortController();
  let ending = "clean";
  try {
    const run = coordinateHere(
      url,
      { batchSize, limit: 1000 },
      { jobImages: batchSize * 2 },
      { signal: abort.signal },
    );
    const hang = sleep(LONGEST_MS, undefined, { signal: late.signal });
    const ended = await Promise.race([run, hang]);
    if (ended === undefined) return "it hangs";
    const { result } = ended;
    return differenceOf(result as Counts, clean);
  } catch (error) {
    if (!(error instanceof BatchwiseError) || error.code === "ERR_INTERNAL") return String(error);
    ending = error.code;
    const partial = error instanceof IncompleteError ? (error.partial.result as Counts) : undefined;
    return partial && partialFault(partial, { limit: 1000, batchSize }, clean);
  } finally {
    late.abort();
    endings[ending] = (endings[ending] ?? 0) + 1;
    await killed;
  }
}

redisTest("runs over Redis end as the clean run does, or with a code and whole batches", async (t) => {
  t.timeout(SEEDS * 60_000);
  const redis = await startRedis(t);
  const url = await startProxy(t, Number(new URL(redis.url).port));
  const clean = (await evaluate({ limit: 1000, threads: 0 })).result;
  hosts = [startHost(t, url, { delayMs: 5 }), startHost(t, url, { delayMs: 5 })];
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++)
    t.is(await runSeed(t, url, clean, seed), undefined, `seed ${seed}`);
  t.log(JSON.stringify({ endings, injected }));
});
