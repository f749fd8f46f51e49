/** `batchwise doctor` and its checks. */

import { createHash } from "node:crypto";
import { chmod, cp, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { getuid } from "node:process";
import test from "ava";
import { ENGINES } from "#src/base/contracts/engine.js";
import type { ResultCounts } from "#src/base/contracts/result.js";
import { atLeast, RunError } from "#src/base/errors.js";
import { FIXTURES, installedVersion, PACKAGE_ROOT, packageVersion, requiredNode } from "#src/base/package.js";
import {
  type Check,
  checkCache,
  checkColours,
  checkEngine,
  checkEngines,
  checkNode,
  checkWebAssembly,
  type Diagnosis,
  type EvaluateBundled,
} from "#src/cli/doctor/checks.js";
import { renderDoctor } from "#src/cli/doctor/doctor.js";
import { evaluate } from "#src/evaluate/evaluate.js";
import { runCli, runProgram, spawnCli } from "../../helpers/cli.js";
import { hasOnnxruntime } from "../../helpers/engines.js";
import { temporaryFile, temporaryFolder } from "../../helpers/temporary.js";

const whole = await evaluate({ limit: 200, threads: 0 });
const { correct, total, confusionMatrix } = whole.result;
const EXPECTED = { correct, total, confusionMatrixRowsAreLabels: confusionMatrix };

test("finds a machine healthy on which the engines give NumPy's answer", async (t) => {
  const cache = await temporaryFolder(t);
  const env = { BATCHWISE_CACHE_DIR: cache };
  const { status, stdout, stderr } = await runCli(["doctor", "--format", "json", "--quiet"], { env });
  t.is(status, 0, stderr);
  t.is(stderr, "");
  const { version, healthy, checks }: Diagnosis = JSON.parse(stdout);
  t.is(version, packageVersion());
  t.true(healthy);
  const stateOf = (name: string) => checks.find((check) => check.name === name)?.state;
  for (const engine of ["ml-matrix", "simd", "reference"]) t.is(stateOf(`Engine ${engine}`), "ok", stdout);
  t.is(stateOf("Bundled data"), "ok");
  t.is(stateOf("Engine onnx"), hasOnnxruntime ? "ok" : "absent");
  t.is(stateOf("Download mnist"), "absent");
  t.true(checks.some(({ name, found }) => name === "Cache" && found.startsWith(cache)));
  const summary = JSON.parse(await readFile(new URL("reference/bundled-summary.json", FIXTURES), "utf8"));
  const right = `${summary.correct.toLocaleString("en")} of 10,000 right, as expected`;
  t.true(checks.some(({ name, found }) => name === "Engine simd" && found.startsWith(right)));
});

test("exits 4 where an engine that should work does not, the table given all the same", async (t) => {
  const hook = await temporaryFile(
    t,
    'WebAssembly.compile = async () => { throw new Error("no memory"); };',
    "hook.cjs",
  );
  const env = { NODE_OPTIONS: `--require ${JSON.stringify(hook)}` };
  const { status, stdout, stderr } = await spawnCli(["doctor", "--quiet"], { env });
  t.is(status, 4);
  t.regex(stdout, /^failed {2}Engine simd +no memory$/m);
  t.regex(stdout, /^ok {6}Engine ml-matrix /m);
  t.regex(stdout, /\nNot all that is required works\.\n$/);
  t.is(
    stderr,
    "batchwise: ERR_DOCTOR: expected every required part to work, found a fault in Engine simd; see the table\n",
  );
});

test("does all other checks where what the package carries is missing, and exits 4", async (t) => {
  // As an installation that lost files: the command line without fixtures and kernels.
  const root = await temporaryFolder(t);
  for (const part of ["package.json", "bin", "dist/bundle"]) {
    await cp(new URL(part, PACKAGE_ROOT), join(root, part), { recursive: true });
  }
  await symlink(new URL("node_modules", PACKAGE_ROOT), join(root, "node_modules"), "junction");
  const cache = join(root, "cache");
  const env = { BATCHWISE_CACHE_DIR: cache };
  const { status, stdout, stderr } = await runProgram(
    join(root, "bin/batchwise.cjs"),
    ["doctor", "--quiet", "--no-config"],
    { env },
  );
  t.is(status, 4, stderr);
  t.regex(stdout, /^failed {3}WebAssembly SIMD +the kernel .+: install batchwise again$/m);
  t.regex(
    stdout,
    /^failed {3}Bundled data +.+digits-images-idx3-ubyte\.gz: .+no such file or directory.*: install batchwise again$/m,
  );
  for (const engine of ENGINES) {
    t.regex(stdout, new RegExp(`^warning {2}Engine ${engine} +not checked, without the bundled data$`, "m"));
  }
  t.true(stdout.includes(`${cache}, not there yet, writable`), stdout);
  t.regex(stdout, /^absent {3}Download mnist /m);
  t.regex(stdout, /^ok {7}Terminal /m);
  t.is(
    stderr,
    "batchwise: ERR_DOCTOR: expected every required part to work, found a fault in WebAssembly SIMD and Bundled data; see the table\n",
  );
});

test("exits 130 when it is interrupted", async (t) => {
  const { status } = await runCli(["doctor"], { onStderr: (command) => void command.kill("SIGINT") });
  t.is(status, 130);
});

test("reads versions of what is installed, and tells what is not", (t) => {
  t.regex(installedVersion("piscina") ?? "", /^5\./);
  t.is(installedVersion("no-such-package"), undefined);
});

test("lays the checks out as a table, one line each, whatever a path holds", (t) => {
  const checks: Check[] = [
    { name: "Cache", state: "warning", found: "/a\nb\u001b[31m", advice: "name another" },
    { name: "Engine simd", state: "ok", found: "works" },
  ];
  const text = renderDoctor({ version: "1.2.3", healthy: true, checks }, (_, word) => word);
  t.is(
    text,
    "Batchwise 1.2.3\n\nwarning  Cache        /a\\u{a}b\\u{1b}[31m: name another\nok       Engine simd  works\n\n" +
      "All that is required works.\n",
  );
});

const answering = (result: Partial<ResultCounts>): EvaluateBundled => {
  return async () => ({ ...whole, result: { ...whole.result, ...result } });
};
const throwing = (error: unknown): EvaluateBundled => {
  return async () => {
    throw error;
  };
};

test("an engine that gives the expected answer is ok", async (t) => {
  const { name, state, found } = await checkEngine("simd", EXPECTED, answering({}));
  t.deepEqual([name, state], ["Engine simd", "ok"]);
  t.regex(found, new RegExp(`^${correct} of 200 right, as expected, in \\d+ ms`));
});

test("an engine with another count fails, and so does one whose faults cancel out in the count", async (t) => {
  const counted = await checkEngine(
    "simd",
    { ...EXPECTED, confusionMatrixRowsAreLabels: [] },
    answering({ correct: 3 }),
  );
  t.is(counted.state, "failed");
  t.is(counted.found, `3 of 200 right, expected ${correct} of 200 right and the same confusion matrix`);
  const [one, two, ...others] = atLeast(confusionMatrix, 2);
  const swapped = [two, one, ...others];
  t.is((await checkEngine("simd", EXPECTED, answering({ confusionMatrix: swapped }))).state, "failed");
});

test("an engine that throws fails with its reason", async (t) => {
  const error = new RunError("ERR_WORKER_CRASHED", { reason: "out of memory" });
  const { state, found } = await checkEngine("simd", EXPECTED, throwing(error));
  t.deepEqual([state, found], ["failed", "a worker crashed: out of memory"]);
});

test("an interruption is no engine's fault", async (t) => {
  const error = new RunError("ERR_INTERRUPTED", { doneImages: 1, totalImages: 2 });
  t.is(await t.throwsAsync(checkEngine("simd", EXPECTED, throwing(error))), error);
});

test("bundled data that cannot be read fail by themselves, and no engine is checked", async (t) => {
  const unreadable = async () => {
    throw new RunError("ERR_INTERNAL", { problem: "torn" });
  };
  const [data, ...engines] = atLeast(await checkEngines(new AbortController().signal, unreadable), 1);
  t.deepEqual([data.name, data.state], ["Bundled data", "failed"]);
  t.regex(data.found, /torn/);
  t.deepEqual(
    engines.map(({ name, state }) => [name, state]),
    ENGINES.map((engine) => [`Engine ${engine}`, "warning"]),
  );
});

test("holds Node's version against the oldest that package.json allows, number by number", (t) => {
  t.is(requiredNode(), "20.19");
  for (const found of ["20.19.0", "20.100.1", "22.0.0", "100.1.0"])
    t.is(checkNode(found, "20.19").state, "ok", found);
  for (const found of ["20.9.0", "18.20.0", "9.99.0"]) t.is(checkNode(found, "20.19").state, "failed", found);
});

test("says whether the kernel's instructions are understood", (t) => {
  t.is(checkWebAssembly().state, "ok");
  t.is(checkWebAssembly(() => Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 99)).state, "failed");
});

test("a kernel that cannot be read is a check that fails", (t) => {
  const unreadable = () => {
    throw new Error("ENOENT: no such file or directory, open 'kernel.wasm'");
  };
  const { state, found, advice } = checkWebAssembly(unreadable);
  t.is(state, "failed");
  t.is(found, "the kernel of the engine simd cannot be read: no such file or directory");
  t.is(advice, "install batchwise again");
});

test("tells how richly each stream is coloured", (t) => {
  t.is(checkColours(2, 0).found, "stdout 256 colours, stderr no colour");
});

const CONTENT = "pixels and labels";
const file = (name: string) => ({
  name,
  bytes: CONTENT.length,
  sha256: createHash("sha256").update(CONTENT).digest("hex"),
});
const CATALOG = new Map([["small", { name: "small", mirrors: [], files: [file("images"), file("labels")] }]]);

test("a cache that is not there is made when it is needed, and is not made by looking", async (t) => {
  const folder = await temporaryFolder(t);
  const cache = join(folder, "a", "b");
  const [place, entry] = atLeast(await checkCache(cache, CATALOG), 1);
  t.deepEqual([place.name, place.state], ["Cache", "ok"]);
  t.is(place.found, `${cache}, not there yet, writable`);
  t.deepEqual(entry, {
    name: "Download small",
    state: "absent",
    found: "not downloaded",
    advice: "batchwise fetch small",
  });
  t.deepEqual(await readdir(folder), []);
});

test("counts files by their hashes, and names those that are damaged", async (t) => {
  const cache = await temporaryFolder(t);
  await mkdir(join(cache, "small"));
  await writeFile(join(cache, "small", "images"), CONTENT);
  const [place, partly] = atLeast(await checkCache(cache, CATALOG), 2);
  t.is(place.found, `${cache}, 0.0 MB, writable`);
  t.deepEqual([partly.state, partly.found], ["ok", "1 of 2 files, verified by SHA-256"]);
  t.is(partly.advice, "batchwise fetch small");

  await writeFile(join(cache, "small", "labels"), CONTENT);
  const [, whole] = await checkCache(cache, CATALOG);
  t.deepEqual(whole, { name: "Download small", state: "ok", found: "2 of 2 files, verified by SHA-256" });

  for (const damage of [CONTENT.replace("p", "q"), `${CONTENT}!`]) {
    await writeFile(join(cache, "small", "labels"), damage);
    const [, damaged] = atLeast(await checkCache(cache, CATALOG), 2);
    t.deepEqual([damaged.state, damaged.found], ["warning", "damaged: labels"]);
  }
});

test("warns where a file stands in the cache's place", async (t) => {
  const path = join(await temporaryFolder(t), "cache");
  await writeFile(path, "no folder");
  const [place] = atLeast(await checkCache(path, CATALOG), 1);
  t.is(place.state, "warning");
  t.regex(place.advice ?? "", /BATCHWISE_CACHE_DIR/);
});

// The superuser may write everywhere.
(getuid?.() === 0 ? test.skip : test)("warns of a folder that cannot be written", async (t) => {
  const folder = await temporaryFolder(t);
  await chmod(folder, 0o500);
  const [place] = atLeast(await checkCache(join(folder, "cache"), CATALOG), 1);
  t.is(place.state, "warning");
});
