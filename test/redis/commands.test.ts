/** The command line over Redis: workers, runs, addresses and passwords. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import { SILENT } from "#src/base/contracts/run.js";
import { RunError } from "#src/base/errors.js";
import { FIXTURES, PACKAGE_ROOT } from "#src/base/package.js";
import { openLink } from "#src/redis/link.js";
import { DATA_ID } from "#src/reports/html/page-data.js";
import { CLI, runCli, runProgram, spawnCli } from "../helpers/cli.js";
import { digitsIn, endProcess, localResult } from "../helpers/hosts.js";
import { freePort, redisTest, sharedRedis } from "../helpers/redis.js";
import { blockOf } from "../helpers/report-input.js";
import { temporaryFolder } from "../helpers/temporary.js";

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

test("options that a run does not use are refused, on the command line and in its file", async (t) => {
  const env = { BATCHWISE_REDIS: "" };
  const overRedis = ["--executor", "bullmq", "--redis", "redis://127.0.0.1:1"];
  for (const [args, problem] of [
    [["--redis", "redis://127.0.0.1:1"], "--redis needs --executor bullmq"],
    [["--run-id", "a"], "--run-id needs --executor bullmq"],
    [["--job-images", "100"], "--job-images needs --executor bullmq"],
    [["--patience", "5", "--executor", "local"], "--patience needs --executor bullmq"],
    [["--warm", ...overRedis], "--warm and --executor bullmq exclude each other"],
    [["--resume", "journal", ...overRedis], "--resume and --executor bullmq exclude each other"],
    [["--seed", "2"], "--seed needs --bootstrap"],
  ] as const) {
    const { status, stderr } = await runCli([...args], { env });
    t.is(status, 2);
    t.true(stderr.startsWith(`batchwise: ERR_USAGE: ${problem}: `), stderr);
  }
  const config = join(await temporaryFolder(t), "options.json");
  await writeFile(config, JSON.stringify({ runId: "a" }));
  const { status, stderr } = await runCli(["--config", config], { env });
  t.is(status, 2);
  t.regex(stderr, /ERR_USAGE: --run-id needs --executor bullmq/);
  // The bootstrap of a report has a seed.
  const report = join(config, "no-folder", "report.html");
  t.regex((await runCli(["--seed", "2", "--report", report], { env })).stderr, /ERR_OUTPUT_WRITE/);
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
  t.deepEqual(page.shape, { rows: 28, columns: 28, channels: 1 });
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
    /batchwise: ERR_RUN_MISMATCH: run "pair": expected the same run, found a different limit: 10000 there and 100 here/,
  );
  t.false([first.stderr, other.stderr, ...told].join("").includes(PASSWORD));
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
    const places = ["--allow", base, "--allow", fileURLToPath(FIXTURES)];
    const worker = spawn(process.execPath, [CLI, "worker", "--threads", "1", ...places], {
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
