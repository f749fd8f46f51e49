/** A Redis that is silent while its connections stand, and answers that are not its protocol. */
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { IncompleteError } from "#src/base/abort.js";
import { SILENT } from "#src/base/contracts/run.js";
import { openLink } from "#src/redis/link.js";
import { spawnCli } from "../helpers/cli.js";
import { coordinateHere, endProcess, localResult, sleep, startHost, whenDone } from "../helpers/hosts.js";
import { startProxy } from "../helpers/proxy.js";
import { seeded } from "../helpers/random.js";
import { redisTest, startRedis } from "../helpers/redis.js";

const SLOW = { delayMs: 40 };

redisTest("a silent Redis ends a run after its patience, and both sides after a signal", async (t) => {
  for (const kind of ["frozen", "swallowed"] as const) {
    for (const end of ["patience", "signal"] as const) {
      const redis = await startRedis(t);
      const proxy = await startProxy(t, redis.url);
      const silence = () => (kind === "frozen" ? redis.freeze(true) : proxy.swallow(true));
      const host = startHost(t, proxy.url, SLOW);
      const stop = new AbortController();
      const { reached, onProgress } = whenDone(1000);
      const options = { jobImages: 500, patienceMs: end === "patience" ? 3000 : 600_000 };
      const run = coordinateHere(proxy.url, {}, options, { onProgress, signal: stop.signal });
      const expected = end === "patience" ? "ERR_REDIS_LOST" : "ERR_INTERRUPTED";
      const ended = t.throwsAsync(run, { instanceOf: IncompleteError, code: expected }, `${kind}, ${end}`);
      await reached;
      silence();
      if (end === "signal") {
        await sleep(500);
        stop.abort("SIGINT");
      }
      t.true(((await ended)?.partial.result.total ?? 0) >= 1000, `${kind}, ${end}`);
      const left = new Promise((resolve) => host.once("exit", resolve));
      host.kill("SIGTERM");
      t.is(await left, 0, `${kind}, ${end}`);
      redis.freeze(false);
      await redis.kill();
    }
  }
});

/** What a network does to some of the answers. */
const DAMAGES: readonly [string, (bytes: Buffer) => Buffer][] = [
  ["an answer is lost", () => Buffer.alloc(0)],
  [
    "a piece in the middle is lost",
    (bytes) =>
      Buffer.concat([
        bytes.subarray(0, Math.floor(bytes.length / 3)),
        bytes.subarray(Math.ceil((bytes.length * 2) / 3)),
      ]),
  ],
  ["an answer is cut", (bytes) => bytes.subarray(0, bytes.length >> 1)],
  ["bytes become zero", (bytes) => Buffer.from(bytes).fill(0, bytes.length >> 1)],
  ["an answer comes twice", (bytes) => Buffer.concat([bytes, bytes])],
];

redisTest("answers that are lost, cut or garbled on their way change no count and hang no run", async (t) => {
  const redis = await startRedis(t);
  const proxy = await startProxy(t, redis.url);
  startHost(t, proxy.url, SLOW);
  for (const [n, [what, damage]] of DAMAGES.entries()) {
    const random = seeded(n + 1);
    let damages = 0;
    const { reached, onProgress } = whenDone(200);
    const input = { limit: 4000, batchSize: 50, calibration: n % 2 === 0 };
    const run = coordinateHere(proxy.url, input, { jobImages: 100 }, { onProgress });
    await reached;
    proxy.change((bytes) => {
      if (damages >= 6 || random() >= 0.05) return bytes;
      damages++;
      return damage(bytes);
    });
    t.deepEqual((await run).result, await localResult(input), what);
    t.true(damages > 0, what);
    proxy.change((bytes) => bytes);
  }
});

/** A caller of the library, without a word about the end of its process. */
const CALLER = `
  const { evaluate } = await import(${JSON.stringify(new URL("../../src/index.js", import.meta.url))});
  const onProgress = ({ doneImages }) => doneImages >= 1000 && process.stdout.write("reached ");
  const options = { executor: "bullmq", redis: process.argv[1], jobImages: 500, patience: 4 };
  const stop = new AbortController();
  process.once("SIGTERM", () => stop.abort());
  await evaluate(options, { onProgress, signal: stop.signal }).catch(({ code }) => process.stdout.write(code));
`;

redisTest("the process of a library caller ends by itself after a silent Redis", async (t) => {
  for (const [kind, end, code] of [
    ["frozen", "patience", /ERR_REDIS_LOST$/],
    ["swallowed", "patience", /ERR_REDIS_LOST$/],
    ["frozen", "signal", /ERR_INTERRUPTED$/],
    ["swallowed", "signal", /ERR_INTERRUPTED$/],
  ] as const) {
    const redis = await startRedis(t);
    const proxy = await startProxy(t, redis.url);
    startHost(t, proxy.url, SLOW);
    const caller = spawn(process.execPath, ["--input-type=module", "-e", CALLER, proxy.url]);
    t.teardown(() => endProcess(caller));
    const exited = new Promise((resolve) => caller.once("exit", resolve));
    let said = "";
    await new Promise<void>((resolve) => {
      caller.stdout.on("data", (text) => {
        said += text;
        if (said.startsWith("reached")) resolve();
      });
    });
    if (kind === "frozen") redis.freeze(true);
    else proxy.swallow(true);
    if (end === "signal") caller.kill();
    t.is(await exited, 0, `${kind}, ${end}`);
    t.regex(said, code, `${kind}, ${end}`);
    redis.freeze(false);
    await redis.kill();
  }
});

redisTest("a Redis that falls silent ends `runs`", async (t) => {
  const redis = await startRedis(t);
  const proxy = await startProxy(t, redis.url);
  for (const args of [["list"], ["show", "a"], ["cancel", "a"]]) {
    let connections = 0;
    proxy.change((bytes) => {
      if (connections >= 3) return Buffer.alloc(0);
      // Each connection asks for the version once, and that of the check at the start twice.
      if (bytes.includes("redis_version:")) connections++;
      return bytes;
    });
    const { status, stderr } = await spawnCli(["runs", ...args, "--redis", proxy.url]);
    t.is(status, 5, args[0]);
    t.regex(stderr, /^batchwise: ERR_REDIS_LOST: [^\n]+\n$/, args[0]);
  }
});

async function becomes(client: { readonly status: string }, status: string): Promise<void> {
  while (client.status !== status) await sleep(1);
}

redisTest("a connection ends that is closed while it waits to connect again", async (t) => {
  const redis = await startRedis(t);
  const link = await openLink(redis.url, SILENT);
  t.teardown(() => link.close());
  const client = link.redis.duplicate();
  await client.ping();
  await redis.kill();
  await becomes(client, "reconnecting");
  const asked = t.throwsAsync(client.ping(), { message: /Connection is closed/ });
  client.disconnect();
  await becomes(client, "end");
  await asked;
  link.close();
  await t.throwsAsync(client.connect(), { message: /Connection is closed/ });
  for (const each of [link.redis, link.redis.duplicate()]) await becomes(each, "end");
  t.pass();
});

redisTest(
  "a port that answers with arrays nested deeper than the stack, or with noise, is one coded line",
  async (t) => {
    for (const bytes of [
      "+OK\r\n".repeat(100),
      "*1\r\n".repeat(200_000),
      "HTTP/1.1 200 OK\r\n\r\n",
      "\0\0\0",
    ]) {
      const server = createServer((socket) => void socket.on("error", () => {}).end(bytes));
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      t.teardown(() => server.close());
      const address = server.address();
      const port = typeof address === "object" ? address?.port : 0;
      const { status, stderr } = await spawnCli(["worker", "--redis", `redis://127.0.0.1:${port}`]);
      t.is(status, 5, bytes.slice(0, 20));
      t.regex(stderr, /^batchwise: ERR_REDIS_CONNECT: [^\n]+\n$/, bytes.slice(0, 20));
    }
  },
);

redisTest(
  "a version that is garbled at the start is one coded line, and later it changes nothing",
  async (t) => {
    const redis = await startRedis(t);
    const proxy = await startProxy(t, redis.url);
    const garbled = (byte: string) => (bytes: Buffer) =>
      Buffer.from(bytes.toString("latin1").replace(/(redis_version:)./g, `$1${byte}`), "latin1");
    for (const byte of ["1", "x", "\0"]) {
      proxy.change(garbled(byte));
      const { status, stderr } = await spawnCli(["worker", "--redis", proxy.url]);
      t.is(status, 5, byte);
      t.regex(
        stderr,
        /^batchwise: ERR_REDIS_CONNECT: [^\n]+ expected a redis_version from 5, found [^\n]+\n$/,
        byte,
      );
    }
    let versions = 0;
    proxy.change((bytes) => {
      if (bytes.includes("redis_version:")) versions++;
      // Those of the check at the start are the first two.
      return versions > 2 ? garbled("1")(bytes) : bytes;
    });
    startHost(t, redis.url);
    const { result } = await coordinateHere(proxy.url, { limit: 500 }, { jobImages: 100 });
    t.deepEqual(result, await localResult({ limit: 500 }));
    t.true(versions > 2);
  },
);
