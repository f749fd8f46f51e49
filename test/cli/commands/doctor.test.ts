import { cp, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { ENGINES } from "#src/base/contracts/network.js";
import { FIXTURES, installedVersion, PACKAGE_ROOT, packageVersion } from "#src/base/package.js";
import type { Check, Diagnosis } from "#src/cli/doctor/checks.js";
import { renderDoctor } from "#src/cli/doctor/doctor.js";
import { runCli, runProgram, spawnCli } from "../../helpers/cli.js";
import { hasOnnxruntime } from "../../helpers/engines.js";
import { temporaryFile, temporaryFolder } from "../../helpers/temporary.js";

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
    "batchwise: ERR_DOCTOR: expected all that is required to work, found Engine simd failing; the table says how\n",
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
    "batchwise: ERR_DOCTOR: expected all that is required to work, found WebAssembly SIMD and Bundled data failing; the table says how\n",
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
