/** The command line goes before the file, the file before the defaults. */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { CONFIG_NAME } from "#src/cli/config/find.js";
import { runCli, spawnCli } from "../../helpers/cli.js";
import { projectFolder } from "../../helpers/temporary.js";

async function configured(t: ExecutionContext, config: unknown): Promise<string> {
  const folder = await projectFolder(t);
  await writeFile(join(folder, CONFIG_NAME), JSON.stringify(config));
  return folder;
}

test("takes options from the file that is found, in a folder below it too", async (t) => {
  const folder = await configured(t, { limit: 120, threads: 0, batchSize: 50, format: "json", quiet: true });
  const below = join(folder, "below");
  await mkdir(below);
  for (const cwd of [folder, below]) {
    const { status, stdout, stderr } = await runCli([], { cwd });
    t.is(status, 0, stderr);
    t.is(stderr, "");
    const { run, result } = JSON.parse(stdout);
    t.deepEqual([result.total, run.threads, run.batchSize], [120, 0, 50]);
  }
});

test("the command line wins over the file, also where it says the default", async (t) => {
  const cwd = await configured(t, { limit: 120, threads: 0, batchSize: 50, format: "json" });
  const { run } = JSON.parse((await runCli(["--batch-size", "100"], { cwd })).stdout);
  t.is(run.batchSize, 100);
  t.regex((await runCli(["--format", "text"], { cwd })).stdout, /\nAccuracy : /);
});

test("--no-config switches it off, and --config names another", async (t) => {
  const cwd = await configured(t, { thread: 1 });
  t.is((await runCli(["--quiet", "--limit", "100"], { cwd })).status, 2);
  t.is((await runCli(["--quiet", "--limit", "100", "--no-config"], { cwd })).status, 0);
  await writeFile(join(cwd, "other.json"), JSON.stringify({ limit: 70, format: "json" }));
  const { stdout } = await runCli(["--config", "other.json"], { cwd });
  t.is(JSON.parse(stdout).result.total, 70);
});

test("gates and outputs of the file hold, outputs in the file's folder", async (t) => {
  const folder = await configured(t, { limit: 100, threads: 0, expectAccuracy: 0.5, output: ["out.json"] });
  const below = join(folder, "below");
  await mkdir(below);
  const { status, stderr } = await runCli(["--quiet"], { cwd: below });
  t.is(status, 100);
  t.regex(stderr, /^batchwise: ERR_GATE_ACCURACY: --expect-accuracy: /);
  t.true((await readdir(folder)).includes("out.json"));
  t.deepEqual(await readdir(below), []);
});

test("other commands take what says data and network, and nothing else", async (t) => {
  const cwd = await configured(t, { weights: "bundled-whiten", labels: false, format: "json", limit: 5 });
  const { status, stdout, stderr } = await runCli(["inspect"], { cwd });
  t.is(status, 0, stderr);
  t.regex(stdout, /network +bundled-whiten/);
  t.is((await runCli(["show", "7"], { cwd })).status, 0);
});

test("a folder that is called as a data set stays a folder", async (t) => {
  const cwd = await configured(t, { dataset: "./mnist", offline: true });
  await mkdir(join(cwd, "mnist"));
  const { stderr } = await runCli(["--quiet"], { cwd });
  t.regex(stderr, /^batchwise: ERR_DATASET_FILES: /);
});

test("tells at debug which file is used, and at other levels nothing", async (t) => {
  const cwd = await configured(t, { limit: 100, threads: 0, quiet: true });
  const lines = (await spawnCli(["--log-level", "debug"], { cwd })).stderr.trim().split("\n");
  t.true(lines.some((line) => JSON.parse(line).path === join(cwd, CONFIG_NAME)));
  t.is((await runCli([], { cwd })).stderr, "");
});

test("refuses --config where a command takes none", async (t) => {
  const { status, stderr } = await runCli(["convert", "bundled", "x.npz", "--config", "x.json"], {
    cwd: await projectFolder(t),
  });
  t.is(status, 2);
  t.regex(stderr, /^batchwise: ERR_USAGE: --config x\.json: convert takes no configuration file/);
});
