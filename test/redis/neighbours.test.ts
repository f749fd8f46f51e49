/** Other clients of the same Redis: what they write is skipped and named; with a secret, forged messages are refused. */
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { SILENT } from "#src/base/contracts/run.js";
import { RunError } from "#src/base/errors.js";
import { type Link, openLink } from "#src/redis/link.js";
import { NonsenseError, readSecret, sealsOf } from "#src/redis/seal.js";
import { COMMANDS, TRANSACTION } from "#src/redis/server.js";
import { coordinateHere, endProcess, localResult, sleep, startHost, whenDone } from "../helpers/hosts.js";
import { redisTest, startRedis } from "../helpers/redis.js";
import { temporaryFolder } from "../helpers/temporary.js";

const SLOW = { delayMs: 20 };

async function linkTo(t: { teardown(end: () => void): void }, url: string): Promise<Link> {
  const link = await openLink(url, SILENT);
  t.teardown(() => link.close());
  return link;
}

redisTest("nonsense that another client writes in mid-run changes no count", async (t) => {
  const { url, kill } = await startRedis(t);
  startHost(t, url, SLOW);
  const { redis } = await linkTo(t, url);
  const set = (key: string, value: string) => redis.set(key, value, "PX", 600_000);
  const writes: [string, (runId: string) => Promise<unknown>][] = [
    [
      "presence that is no JSON",
      () => redis.sadd("batchwise:hosts", "e").then(() => set("batchwise:host:e", "{")),
    ],
    [
      "presence of more characters than a message has",
      () => redis.sadd("batchwise:hosts", "g").then(() => set("batchwise:host:g", "[".repeat(2 ** 24 + 1))),
    ],
    [
      "presence without fields",
      () => redis.sadd("batchwise:hosts", "f").then(() => set("batchwise:host:f", '{"host":"f"}')),
    ],
    ["job size 0", (id) => redis.hset(`batchwise:run:${id}`, { jobImages: "0" })],
    ["job size -100", (id) => redis.hset(`batchwise:run:${id}`, { jobImages: "-100" })],
    ["first job NaN", (id) => redis.hset(`batchwise:run:${id}`, { probeImages: "NaN" })],
    ["state unknown", (id) => redis.hset(`batchwise:run:${id}`, { state: "asleep" })],
    ["spec null", (id) => redis.hset(`batchwise:run:${id}`, { spec: "null" })],
    ["record of another type", (id) => set(`batchwise:run:${id}`, "text")],
    ["hosts of another type", () => set("batchwise:hosts", "text")],
    ["events of another type", (id) => set(`batchwise:queue:${id}:events`, "text")],
    ["a job of another type", (id) => set(`batchwise:queue:${id}:images-3500-500`, "text")],
    ["a job that is no JSON", (id) => redis.hset(`batchwise:queue:${id}:images-3500-500`, { data: "{" })],
    [
      "a job whose options are null",
      (id) => redis.hset(`batchwise:queue:${id}:images-3500-500`, { opts: "null" }),
    ],
    ["a job of another range", (id) => redis.hset(`batchwise:queue:${id}:images-3500-500`, { data: '"{}"' })],
  ];
  const expected = await localResult({ limit: 4000 });
  for (const [n, [what, write]] of writes.entries()) {
    const runId = `nonsense-${n}`;
    const { reached, onProgress } = whenDone(1000);
    const run = coordinateHere(url, { limit: 4000 }, { runId, jobImages: 500 }, { onProgress });
    await reached;
    await write(runId);
    t.deepEqual((await run).result, expected, what);
  }
  await kill();
});

redisTest(
  "more names of hosts and runs than a call has arguments are forgotten, and change no count",
  async (t) => {
    const { url, kill } = await startRedis(t);
    startHost(t, url);
    const { redis } = await linkTo(t, url);
    const names = Array.from({ length: 150_000 }, (_, n) => `n${n}`);
    for (let at = 0; at < names.length; at += 10_000) {
      await redis.sadd("batchwise:hosts", ...names.slice(at, at + 10_000));
      await redis.sadd("batchwise:runs", ...names.slice(at, at + 10_000));
    }
    const { result } = await coordinateHere(url, { limit: 1000 }, { runId: "mine", patienceMs: 60_000 });
    t.deepEqual(result, await localResult({ limit: 1000 }));
    for (const set of ["batchwise:hosts", "batchwise:runs"]) {
      t.deepEqual(
        (await redis.smembers(set)).filter((name) => /^n\d+$/.test(name)),
        [],
        set,
      );
    }
    await kill();
  },
);

redisTest("a worker lives on beside run records that are nonsense, and serves the next run", async (t) => {
  const { url, kill } = await startRedis(t);
  const host = startHost(t, url);
  const { redis } = await linkTo(t, url);
  for (const [n, spec] of ["{", "null", "[]", '"text"', '{"runId":"evil-4"}', "1e999"].entries()) {
    await redis.sadd("batchwise:runs", `evil-${n}`);
    await redis.hset(`batchwise:run:evil-${n}`, { spec, state: "open", createdAt: "1", probeImages: "1000" });
    await redis.set(`batchwise:attended:evil-${n}`, "1", "PX", 60_000);
  }
  for (const jobImages of ["0", "-100", "NaN", "0.5"]) {
    await redis.hset("batchwise:run:mine", { jobImages, spec: "{" });
    const { result } = await coordinateHere(url, { limit: 1000 }, { runId: "mine", patienceMs: 20_000 });
    t.deepEqual(result, await localResult({ limit: 1000 }), jobImages);
    await redis.del("batchwise:run:mine");
  }
  t.is(host.exitCode, null);
  await kill();
});

/** Answers of a stranger to the first jobs of a run. */
function forge(link: Link, runId: string, answers: unknown[]): void {
  const worker = new link.peers.Worker<string, unknown>(
    runId,
    async () => {
      const answer = answers.shift();
      // A stranger that held a job for good would have it renewed for good.
      if (answers.length === 0) void worker.close();
      return answer;
    },
    {
      connection: link.redis,
      prefix: "batchwise:queue",
      concurrency: 1,
      lockDuration: 3000,
      drainDelay: 1,
      stalledInterval: 2000,
      maxStalledCount: 100,
      maximumRateLimitDelay: 1000,
      runRetryDelay: 1000,
    },
  );
  worker.on("error", () => {});
}

function allRight(fields: object = {}): string {
  const confusionMatrix = Array.from({ length: 10 }, (_, row) =>
    Array.from({ length: 10 }, (__, column) => (row + column === 0 ? 500 : 0)),
  );
  const counts = {
    offset: 0,
    limit: 500,
    correct: 500,
    total: 500,
    confusionMatrix,
    scores: null,
    recomputed: 0,
  };
  const answer = { counts, host: "e", elapsedMs: 1, batchesByThread: [0, 1], retries: 0, latenciesMs: [1] };
  return JSON.stringify({ ...answer, ...fields });
}

redisTest("answers that are malformed, and with a secret those that are forged, are refused", async (t) => {
  const { url, kill } = await startRedis(t);
  const malformed = [
    {},
    7,
    "{",
    "null",
    allRight({ retries: "x" }),
    allRight({ latenciesMs: "y" }),
    allRight({ batchesByThread: {} }),
  ];
  const expected = await localResult({ limit: 3000 });
  for (const [secret, answers] of [
    ["", malformed],
    ["s".repeat(32), [allRight(), `${"0".repeat(64)}.${allRight()}`, ...malformed]],
  ] as const) {
    process.env.BATCHWISE_SECRET = secret;
    t.teardown(() => void delete process.env.BATCHWISE_SECRET);
    const runId = secret === "" ? "malformed" : "forged";
    const link = await linkTo(t, url);
    forge(link, runId, [...answers]);
    const { reached, onProgress } = whenDone(500);
    const run = coordinateHere(url, { limit: 3000 }, { runId, jobImages: 500 }, { onProgress });
    await sleep(1500);
    startHost(t, url, { secret });
    await reached;
    t.deepEqual((await run).result, expected, runId);
  }
  // A host with another secret, and one with none, are no hosts of the run.
  startHost(t, url, { secret: "other".repeat(8) });
  await t.throwsAsync(
    coordinateHere(url, { limit: 200 }, { runId: "alone", patienceMs: 1, jobImages: 100 }),
    {
      code: "ERR_HOSTS_ABSENT",
    },
  );
  await kill();
});

redisTest("the presence of a host that is gone does not count when it is written again", async (t) => {
  const { url, kill } = await startRedis(t);
  const secret = "s".repeat(32);
  process.env.BATCHWISE_SECRET = secret;
  t.teardown(() => void delete process.env.BATCHWISE_SECRET);
  const host = startHost(t, url, { ...SLOW, secret });
  const { redis } = await linkTo(t, url);
  const { reached, onProgress } = whenDone(500);
  const options = { jobImages: 500, patienceMs: 2000 };
  const run = coordinateHere(url, {}, options, { onProgress });
  const ended = t.throwsAsync(run, { code: "ERR_HOSTS_ABSENT" });
  await reached;
  const [name = ""] = await redis.smembers("batchwise:hosts");
  const presence = (await redis.get(`batchwise:host:${name}`)) ?? "";
  await endProcess(host);
  const replay = setInterval(() => {
    void redis.sadd("batchwise:hosts", name);
    void redis.set(`batchwise:host:${name}`, presence, "PX", 60_000);
  }, 200);
  t.teardown(() => clearInterval(replay));
  await ended;
  clearInterval(replay);
  await kill();
});

redisTest("the commands of docs/scale.md suffice, and a missing one is named", async (t) => {
  const server = await startRedis(t);
  const names = [...COMMANDS.keys(), ...TRANSACTION];
  const userUrl = (name: string) => server.url.replace("//", `//${name}:p@`);
  const user = (name: string, without: string) => {
    const allowed = names.filter((each) => each !== without).map((each) => `+${each}`);
    return server.command(`ACL SETUSER ${name} on >p ~batchwise:* ${allowed.join(" ")}`);
  };
  await user("all", "");
  startHost(t, userUrl("all"));
  const { result } = await coordinateHere(userUrl("all"), { limit: 3000, calibration: true });
  t.deepEqual(result, await localResult({ limit: 3000, calibration: true }));
  for (const name of ["info", "evalsha", "bzpopmin", "xread", "type"]) {
    await user(`no-${name}`, name);
    await t.throwsAsync(openLink(userUrl(`no-${name}`), SILENT), {
      instanceOf: RunError,
      code: "ERR_REDIS_COMMAND",
      message: new RegExp(`found 1 that it may not: ${name};`),
    });
  }
  await server.kill();
});

test("a signature holds for its role, its facts and its bytes alone", (t) => {
  const [one, other] = [sealsOf(Buffer.alloc(32, 1)), sealsOf(Buffer.alloc(32, 2))];
  const sent = one.seal("answer", ["run", "images-0-5", 0, 5, "key", "nonce"], "{}");
  t.is(one.open("answer", ["run", "images-0-5", 0, 5, "key", "nonce"], sent), "{}");
  const about = ["run", "images-0-5", 0, 5, "key", "nonce"];
  for (const [what, open] of [
    ["another role", () => one.open("job", about, sent)],
    ["another run", () => one.open("answer", ["run2", ...about.slice(1)], sent)],
    ["another nonce", () => one.open("answer", [...about.slice(0, 5), "old"], sent)],
    ["another byte", () => one.open("answer", about, `${sent} `)],
    ["another secret", () => other.open("answer", about, sent)],
    ["no signature", () => one.open("answer", about, "{}")],
    ["a signature without a secret", () => sealsOf(undefined).open("answer", about, sent)],
    ["no text", () => one.open("answer", about, { text: sent })],
  ] as const) {
    t.throws(open, { instanceOf: NonsenseError }, what);
  }
});

test("a secret has 32 bytes or a file of mode 600, and no message repeats it", async (t) => {
  const folder = await temporaryFolder(t);
  const [file, open, short] = [join(folder, "a"), join(folder, "b"), join(folder, "c")];
  await writeFile(file, `${"k".repeat(40)}\n`, { mode: 0o600 });
  await writeFile(open, "k".repeat(40));
  await chmod(open, 0o640);
  await writeFile(short, "short", { mode: 0o600 });
  t.is((await readSecret(file))?.length, 40);
  t.is((await readSecret("k".repeat(32)))?.length, 32);
  t.is(await readSecret(""), undefined);
  for (const given of ["k".repeat(31), open, short, folder, join(folder, "absent")]) {
    const error = await t.throwsAsync(readSecret(given), { code: "ERR_SECRET" }, given);
    t.false(error?.message.includes("kkk") ?? true, given);
  }
});
