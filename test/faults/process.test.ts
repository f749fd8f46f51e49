/** Signals, readers that go away, and terminals that are none. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { CLI, signalledWhen, spawnCli } from "../helpers/cli.js";
import { recordFault } from "../helpers/fault-table.js";
import { repeatedSet } from "../helpers/repeated-set.js";
import { needs } from "../helpers/require.js";
import { temporaryFolder } from "../helpers/temporary.js";

/** Begins at once, and takes its time. */
const SLOW = ["--engine", "reference", "--threads", "0", "--batch-size", "100"];

for (const [signal, status, code] of [
  ["SIGINT", 130, "ERR_INTERRUPTED"],
  ["SIGTERM", 143, "ERR_TERMINATED"],
  ["SIGHUP", 129, "ERR_TERMINATED"],
] as const) {
  test(`${signal} keeps all predictions before the first image that is missing`, async (t) => {
    const folder = await temporaryFolder(t);
    const path = join(folder, "p.ndjson");
    const found = await spawnCli(
      [...SLOW, ...(await repeatedSet(t, 6)), "--predictions", path, "--format", "json"],
      // The first slab is on the disk; of the second what is whole is kept too.
      signalledWhen(signal, async () => {
        const [name] = await readdir(folder);
        return name !== undefined && (await stat(join(folder, name))).size > 0;
      }),
    );
    t.is(found.status, status, found.stderr);
    const { result, predictionsFile } = JSON.parse(found.stdout);
    t.false(result.complete);
    t.true(result.total > 0);
    t.is(predictionsFile.path, `${path}.partial`);
    const lines = (await readFile(`${path}.partial`, "utf8")).trimEnd().split("\n");
    t.is(lines.length, result.total);
    t.deepEqual(await readdir(folder), ["p.ndjson.partial"]);
    await recordFault({
      fault: signal,
      status: found.status,
      line: `${code}: after ${result.total} of 60,000 images`,
      kept: `${result.total} images, and as many lines of predictions`,
    });
  });
}

test("a signal ends the reading of a pipe whose program is silent", async (t) => {
  // Beginnings of a JSON text, which weights and results may be, and of IDX.
  const json = Buffer.from('{"name":"');
  for (const [head, ...args] of [
    [json, "--no-config", "--weights", "-"],
    [
      Buffer.of(0, 0, 8, 3, 0, 1, 0, 0, 0, 0, 0, 28, 0, 0, 0, 28),
      "--no-config",
      "--no-labels",
      "--dataset",
      "-",
    ],
    [json, "report", "-"],
  ] as const) {
    const child = spawn(process.execPath, [CLI, ...args]);
    let stderr = "";
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    // More than the pipe holds: the bytes are gone when the command reads. The pipe stays open.
    child.stdin.write(Buffer.concat([head, Buffer.alloc(4 * 2 ** 20, "x")]), () => child.kill("SIGINT"));
    t.deepEqual(await once(child, "close"), [130, null], stderr);
    t.regex(stderr, /^batchwise: ERR_INTERRUPTED: [^\n]+\n$/);
  }
});

test("a signal ends a diagnosis while it draws its samples", async (t) => {
  const { status, stderr } = await spawnCli(["diagnose", ...(await repeatedSet(t, 6))], {
    onStderr: (child, text) => void (text.startsWith("diagnosing") && child.kill("SIGTERM")),
  });
  t.is(status, 143, stderr);
  t.regex(stderr, /ERR_TERMINATED/);
});

test("a second signal ends the process at once, and leaves no temporary file", async (t) => {
  const folder = await temporaryFolder(t);
  const args = ["--engine", "reference", "--threads", "0", "--batch-size", "20000", "--predictions"];
  const { status } = await spawnCli([...args, join(folder, "p.ndjson"), ...(await repeatedSet(t, 2))], {
    onStderr(child, text) {
      if (!text.startsWith("evaluating")) return;
      // The one batch holds the event loop: both wait there for its end. Two of a kind could become one.
      for (const signal of ["SIGINT", "SIGTERM"] as const) child.kill(signal);
    },
  });
  // On a busy machine the kernel may hand them to two threads, and so in either order.
  t.true(status === 143 || status === 130, `status ${status}`);
  // After one signal the predictions of the batch would be here.
  t.deepEqual(await readdir(folder), []);
  await recordFault({
    fault: "SIGINT, and SIGTERM at once",
    status,
    line: "none: at once",
    kept: "nothing, and no temporary file",
  });
});

test("a first line is enough for whoever reads stdout", async (t) => {
  const script = `set -o pipefail; "${process.execPath}" "${CLI}" --no-config --quiet --limit 500 --format json | head -1`;
  const { status, stdout, stderr } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
  t.is(stderr, "");
  t.is(stdout, "{\n");
  t.is(status, 0);
  await recordFault({
    fault: "stdout closed early (| head -1)",
    status,
    line: "none",
    kept: "one line, as asked",
  });
});

test("a reader that leaves at once hides no missed gate", async (t) => {
  const command = `"${process.execPath}" "${CLI}" --no-config --quiet --limit 500 --format json --min-accuracy 1`;
  const { status, stderr } = spawnSync("bash", ["-c", `set -o pipefail; ${command} | exec true`], {
    encoding: "utf8",
  });
  t.regex(stderr, /^batchwise: ERR_GATE_ACCURACY: [^\n]+\n$/);
  t.is(status, 100);
  await recordFault({
    fault: "stdout closed before the answer, and a gate missed",
    status,
    line: stderr.trim(),
    kept: "the exit status",
  });
});

const withTerminal = needs("script", existsSync("/usr/bin/script"));

withTerminal("a terminal of zero columns is written to in plain lines, and the run ends", async (t) => {
  const command = `stty cols 0 rows 0; "${process.execPath}" "${CLI}" --no-config --limit 500`;
  const { status, stdout } = spawnSync("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    encoding: "utf8",
    timeout: 60_000,
  });
  t.is(status, 0);
  t.regex(stdout, /evaluating/);
  t.regex(stdout, /Accuracy : 0\.\d+\r?\n/);
  await recordFault({ fault: "a terminal of zero columns", status, line: "none: plain lines", kept: "all" });
});

test("an output below what is no folder is refused before the evaluation", async (t) => {
  const { status, stdout, stderr } = await spawnCli(["--limit", "500", "--output", `${CLI}/answer.json`]);
  t.is(status, 6, stderr);
  t.regex(stderr, /ERR_OUTPUT_WRITE: .*answer\.json: the output could not be written: not a directory/);
  t.is(stdout, "");
});
