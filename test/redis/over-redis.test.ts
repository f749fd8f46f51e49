import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, cp, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import test from "ava";
import { IncompleteError } from "#src/base/abort.js";
import { SILENT } from "#src/base/contracts/run.js";
import { RunError } from "#src/base/errors.js";
import { FIXTURES, PACKAGE_ROOT } from "#src/base/package.js";
import { openLink } from "#src/redis/link.js";
import { RangeQueue } from "#src/redis/range-queue.js";
import { Records } from "#src/redis/records.js";
import { DATA_ID } from "#src/reports/html/page-data.js";
import { CLI, runCli, runProgram, spawnCli } from "../helpers/cli.js";
import { coordinateHere, endProcess, localResult, sleep, startHost, whenDone } from "../helpers/hosts.js";
import { freePort, redisTest, sharedRedis } from "../helpers/redis.js";
import { blockOf } from "../helpers/report-input.js";
import { type Teardown, temporaryFolder } from "../helpers/temporary.js";

/** A slow host takes so long a batch: a run lasts long enough to be disturbed. */
const SLOW = { delayMs: 20 };
const FEW = { limit: 4000 };
const PASSWORD = "sesame";
const redis = sharedRedis(PASSWORD);

test("asking without the peers says the one command that installs them", async (t) => {
  // A copy of the package without its node_modules has no peers.
  const folder = await temporaryFolder(t);
  for (const part of ["bin", "dist/bundle", "fixtures", "package.json"]) {
    await cp(fileURLToPath(new URL(part, PACKAGE_ROOT)), join(folder, part), { recursive: true });
  }
  const args = ["worker", "--redis", "redis://:secret@127.0.0.1:1"];
  const program = join(folder, "bin/batchwise.cjs");
  const { status, stderr } = await runProgram(program, args, { cwd: folder });
  t.is(status, 4);
  t.regex(stderr, /^batchwise: ERR_QUEUE_PEER: .*: npm install --save-dev bullmq@6 ioredis@5\n$/);
  t.false(stderr.includes("secret"));
});

test("needs an address, and refuses --threads and a strange name beside it", async (t) => {
  for (const [args, words] of [
    [[], /expected --redis/],
    [["--redis", "redis://127.0.0.1:1", "--threads", "2"], /each worker has its own/],
    [["--redis", "redis://127.0.0.1:1", "--run-id", "a:b"], /--run-id: expected up to 64/],
    [["--redis", "http://:secret@h"], /ERR_REDIS_URL/],
  ] as const) {
    const { status, stderr } = await runCli(["--executor", "bullmq", ...args], {
      env: { BATCHWISE_REDIS: "" },
    });
    t.is(status, 2);
    t.regex(stderr, words);
    t.false(stderr.includes("secret"));
  }
});

redisTest("a Redis that is not there is an error", async (t) => {
  const url = `redis://:secret@127.0.0.1:${await freePort()}`;
  const { status, stderr } = await runCli(["--executor", "bullmq", "--redis", url]);
  t.is(status, 5);
  t.regex(
    stderr,
    /^batchwise: ERR_REDIS_CONNECT: redis:\/\/127\.0\.0\.1:\d+\/0: no Redis answers: .*ECONNREFUSED/,
  );
  t.false(stderr.includes("secret"));
  await t.throwsAsync(openLink(url, SILENT), { instanceOf: RunError, code: "ERR_REDIS_CONNECT" });
});

redisTest("a wrong password is told, and never shown", async (t) => {
  const { url, shown } = await redis();
  for (const given of [url.replace(PASSWORD, "wrong"), shown]) {
    const { status, stderr } = await spawnCli(["worker", "--redis", given, "--log-level", "trace"]);
    t.is(status, 5);
    t.regex(stderr, /batchwise: ERR_REDIS_AUTH: redis:\/\/127/);
    t.false(stderr.includes("wrong"));
  }
  t.is((await runCli(["runs", "--redis", url])).stdout, "no runs\n");
});

redisTest("two workers count as one process does, and the same run id answers from Redis", async (t) => {
  const { url } = await redis();
  const env = { BATCHWISE_REDIS: url };
  const workers = [1, 2].map(() => {
    const child = spawn(process.execPath, [CLI, "worker", "--threads", "1"], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "ignore", "pipe"],
    });
    t.teardown(() => endProcess(child));
    return child;
  });
  const told: string[] = [];
  for (const { stderr } of workers) stderr.on("data", (chunk) => told.push(String(chunk)));
  const folder = await temporaryFolder(t);
  const ask = async (...args: string[]) =>
    runCli(["--executor", "bullmq", "--format", "json", "--calibration", ...args], { env });
  const args = ["--run-id", "pair", "--job-images", "500", "--predictions", join(folder, "a.ndjson")];
  const first = await ask(...args);
  t.is(first.status, 0, first.stderr);
  const answer = JSON.parse(first.stdout);
  t.deepEqual(answer.result, JSON.parse(JSON.stringify(await localResult({ calibration: true }))));
  t.is(answer.run.executor, "bullmq");
  t.is(answer.run.hosts.length, 2);
  t.is(
    answer.run.hosts.reduce((sum: number, { images }: { images: number }) => sum + images, 0),
    10_000,
  );
  t.is(answer.run.batches, 100);
  const local = await runCli(["--threads", "1", "--predictions", join(folder, "b.ndjson")]);
  t.is(local.status, 0);
  t.is(await readFile(join(folder, "a.ndjson"), "utf8"), await readFile(join(folder, "b.ndjson"), "utf8"));

  const report = join(folder, "a.html");
  t.is((await ask("--run-id", "reported", "--limit", "200", "--report", report)).status, 0);
  const page = JSON.parse(blockOf(await readFile(report, "utf8"), DATA_ID));
  t.deepEqual(page.shape, { rows: 28, columns: 28 });
  t.true(page.images.length > 0);

  const list = await runCli(["runs", "list"], { env });
  t.regex(list.stdout, /^pair +done +10,000 of 10,000 images$/m);
  for (const worker of workers) {
    const ended = new Promise((resolve) => worker.once("exit", resolve));
    worker.kill("SIGTERM");
    t.is(await ended, 0);
  }
  t.regex(told.join(""), /takes part in run pair/);
  const again = JSON.parse((await ask(...args)).stdout);
  t.deepEqual(again.result, answer.result);
  t.deepEqual(again.run.hosts, answer.run.hosts);

  const other = await ask("--run-id", "pair", "--limit", "100");
  t.is(other.status, 2);
  t.regex(
    other.stderr,
    /batchwise: ERR_RUN_MISMATCH: the run "pair" is another: its limit is 10000, found 100/,
  );
  t.false([first.stderr, other.stderr, ...told].join("").includes(PASSWORD));
});

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
  t.regex(error.message, /^images 4000 to 4999 failed 3 times: .*image 4242 is poison/);
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
  pixels[5000] ^= 1;
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
  t.regex(
    error.message,
    /ERR_HOST_DATA: .*images: expected the run's data set with SHA-256 \w{64}, found \w{64}/,
  );
  t.is(error.message.split(" refused: ")[1]?.split(":")[0], "ERR_HOST_DATA");
  t.is(error.partial.result.total, 0);
  startHost(t, url);
  const link = await openLink(url, SILENT);
  t.teardown(() => link.close());
  // A run that one host alone knows of is over when that host refuses it.
  while ((await new Records(link.redis).hosts()).length < 2) await sleep(50);
  const { result, run } = await coordinateHere(url, input);
  t.like(result, { total: 10_000, complete: true });
  t.is(run.hosts?.length, 1);
});

redisTest(
  "data and network over http and by file: URLs are fetched once a host, and held against their hashes",
  async (t) => {
    const { url } = await redis();
    const { folder, images, labels } = await digitsIn(t);
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? "");
      readFile(join(folder, basename(request.url ?? ""))).then(
        (bytes) => response.end(bytes),
        () => response.writeHead(404).end(),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.teardown(() => server.close());
    const address = server.address();
    const base = typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}` : "";
    const env = { BATCHWISE_REDIS: url, BATCHWISE_CACHE_DIR: await temporaryFolder(t), NO_PROXY: "*" };
    const cache = await temporaryFolder(t);
    const worker = spawn(process.execPath, [CLI, "worker", "--threads", "1"], {
      env: { ...process.env, ...env, BATCHWISE_CACHE_DIR: cache },
      stdio: "ignore",
    });
    t.teardown(() => endProcess(worker));
    const weights = new URL("bundled.safetensors", FIXTURES).href;
    const ask = (dataset: string) =>
      runCli(
        ["--executor", "bullmq", "--format", "json", "--dataset", dataset]
          .concat("--labels", `${base}/${basename(labels)}`)
          .concat("--weights", weights),
        { env },
      );
    const answer = await ask(`${base}/${basename(images)}`);
    t.is(answer.status, 0, answer.stderr);
    t.deepEqual(JSON.parse(answer.stdout).result, await localResult({}));
    t.is(asked.length, 4, "twice two files");
    const absent = await ask(`${base}/absent`);
    t.is(absent.status, 5);
    t.regex(absent.stderr, /ERR_TRANSFER_FAILED: absent: .*answered 404/);
    const secret = await ask(base.replace("//", "//me:secret@"));
    t.is(secret.status, 2);
    t.false(secret.stderr.includes("secret"));
  },
);

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
  const records = new Records(link.redis);
  await t.throwsAsync(coordinateHere(url, {}, { runId: "old", patienceMs: 300 }));
  const run = await records.run("old");
  if (run === undefined) throw new Error("no record");
  const identity = { ...run.spec.identity, batchwise: "0.0.1" };
  await records.writeRun({ ...run, state: "open", spec: { ...run.spec, identity } });
  await records.attend("old", 0);
  startHost(t, url);
  for (let tries = 0; tries < 100; tries++) {
    const [host] = await records.hosts();
    const refusal = host?.refused.old;
    if (refusal !== undefined) {
      t.is(refusal.split(":")[0], "ERR_HOST_VERSION");
      return;
    }
    await records.attend("old", 0);
    await sleep(100);
  }
  t.fail("nobody refused");
});

redisTest("a job that is added twice is one job", async (t) => {
  const { url } = await redis();
  await t.throwsAsync(coordinateHere(url, {}, { runId: "twice", patienceMs: 300, jobImages: 5000 }));
  const link = await openLink(url, SILENT);
  t.teardown(() => link.close());
  const run = await new Records(link.redis).run("twice");
  if (run === undefined) throw new Error("no record");
  const queue = new RangeQueue(link, run.spec, () => {}, SILENT);
  const range = { offset: 0, limit: 5000 };
  await queue.add([range, range]);
  await queue.add([range]);
  startHost(t, url);
  const { result, run: facts } = await coordinateHere(url, {}, { runId: "twice", jobImages: 5000 });
  t.deepEqual(result, await localResult({}));
  t.is(facts.hosts?.[0]?.jobs, 2);
  await queue.close(false);
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
    t.true(error.message.startsWith(`${shown}: Redis refuses a command: OOM command not allowed`));
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

const withProc = existsSync("/proc/self/cmdline") ? redisTest : test.skip;

withProc("a worker shows no password in the list of processes", async (t) => {
  const { url } = await redis();
  const worker = spawn(process.execPath, [CLI, "worker", "--redis", url], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  t.teardown(() => endProcess(worker));
  await new Promise((resolve) => worker.stderr.once("data", resolve));
  const line = await readFile(`/proc/${worker.pid}/cmdline`, "utf8");
  t.false(line.includes(PASSWORD), line);
});

async function digitsIn(t: Teardown) {
  const folder = await temporaryFolder(t);
  const images = join(folder, "images");
  const labels = join(folder, "labels.gz");
  await writeFile(images, gunzipSync(await readFile(new URL("digits-images-idx3-ubyte.gz", FIXTURES))));
  await copyFile(new URL("digits-labels-idx1-ubyte.gz", FIXTURES), labels);
  return { folder, images, labels };
}
