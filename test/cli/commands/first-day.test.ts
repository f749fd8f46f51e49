/** What a person types on the first day: help, an old Node.js, npm start, a wrong ending. */
import { execFile } from "node:child_process";
import { access, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import test from "ava";
import { ERROR_CODES } from "#src/base/errors.js";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { runCli, spawnCli } from "../../helpers/cli.js";
import { projectFolder, temporaryFolder } from "../../helpers/temporary.js";

const run = promisify(execFile);

test("help, with or without a command, prints what --help prints", async (t) => {
  for (const [words, same] of [
    [["help"], ["--help"]],
    [["help", "help"], ["--help"]],
    [
      ["help", "show"],
      ["show", "--help"],
    ],
    [
      ["--quiet", "help", "runs"],
      ["runs", "--help"],
    ],
  ]) {
    const { status, stdout, stderr } = await runCli(words);
    t.is(status, 0);
    t.is(stderr, "");
    t.is(stdout, (await runCli(same)).stdout);
    t.regex(stdout, /^Usage: batchwise /);
  }
});

test("help for a command that is not there suggests one", async (t) => {
  const { status, stdout, stderr } = await runCli(["help", "shwo"]);
  t.is(status, 2);
  t.is(stdout, "");
  t.is(stderr, 'batchwise: ERR_OPTION_UNKNOWN: unknown command "shwo": did you mean "show"?\n');
});

test("an old Node.js gets one line before anything is loaded", async (t) => {
  const hook = join(await temporaryFolder(t), "old.cjs");
  for (const [found, isOld] of [
    ["20.18.3", true],
    ["18.20.8", true],
    ["8.17.0", true],
    ["20.19.0", false],
    ["22.0.0", false],
  ] as const) {
    await writeFile(hook, `Object.defineProperty(process.versions, "node", { value: "${found}" });`);
    const { status, stderr } = await spawnCli(["help"], {
      env: { NODE_OPTIONS: `--require ${JSON.stringify(hook)}` },
    });
    t.is(status, isOld ? 2 : 0);
    const line = `batchwise: ERR_NODE_VERSION: ${ERROR_CODES.ERR_NODE_VERSION.say({ found })}\n`;
    t.is(stderr, isOld ? line : "");
  }
});

test("npm start takes paths, and looks for a configuration, from the caller's folder", async (t) => {
  const folder = await projectFolder(t);
  await writeFile(join(folder, "batchwise.config.json"), '{ "limit": 30 }');
  const env = { npm_lifecycle_event: "start", npm_package_name: "batchwise", INIT_CWD: folder };
  const root = fileURLToPath(PACKAGE_ROOT);
  const { status, stderr } = await spawnCli(["--quiet", "--output", "result.json"], { cwd: root, env });
  t.is(status, 0, stderr);
  await t.notThrowsAsync(access(join(folder, "result.json")));
  const { stdout } = await spawnCli(["--quiet"], { cwd: root, env });
  t.regex(stdout, /30 of 10,000 images/);
  const other = await spawnCli(["--quiet", "--limit", "5"], {
    cwd: folder,
    env: { ...env, npm_package_name: "x" },
  });
  t.regex(other.stdout, /5 of 10,000 images/);
});

test("npm start says where options belong that npm took for itself", async (t) => {
  for (const [words, found] of [
    [["--threads", "8"], /ERR_USAGE: npm took --threads for itself: .* npm start -- --threads …/],
    [["--dataset=mine"], /ERR_USAGE: npm took --dataset for itself: .* npm start -- --dataset …/],
    [["show", "3", "--batch-size", "5"], /npm took --batch-size for itself: /],
    [["json"], /ERR_USAGE: unknown command "json": .* npm start -- --option …/],
  ] as const) {
    const failed = await t.throwsAsync<Error & { code: number; stderr: string }>(
      run("npm", ["start", ...words], { cwd: fileURLToPath(PACKAGE_ROOT) }),
    );
    t.is(failed?.code, 2);
    t.regex(failed?.stderr ?? "", found);
  }
});

test("a network that only a configuration names is told with the configuration's path", async (t) => {
  const folder = await projectFolder(t);
  await writeFile(join(folder, "batchwise.config.json"), '{ "weights": "nowhere.safetensors" }');
  const { status, stderr } = await runCli([], { cwd: folder });
  t.is(status, 3);
  t.regex(stderr, /^--weights was given by .*batchwise\.config\.json\nbatchwise: ERR_NETWORK_UNKNOWN: /);
  const typed = await runCli(["--weights", "elsewhere.npz"], { cwd: folder });
  t.regex(typed.stderr, /^batchwise: ERR_NETWORK_UNKNOWN: /);
  const slip = await runCli(["show", "x"], { cwd: folder });
  t.is(slip.stderr, 'batchwise: ERR_OPTION_VALUE: INDEX: expected a whole number from 0, found "x"\n');
});

test("fit writes a safetensors file alone, and says so before any work", async (t) => {
  const folder = await temporaryFolder(t);
  for (const name of ["x.npz", "x.onnx", "x"]) {
    const output = join(folder, name);
    const args = ["fit", "--normalize", "standardize", "--dataset", "nowhere", "--weights", "nowhere"];
    const { status, stderr } = await runCli([...args, "--output", output]);
    t.is(status, 2);
    t.regex(stderr, /ERR_OPTION_VALUE: --output: expected a \.safetensors file \(.*\), found /);
    await t.throwsAsync(access(output), { code: "ENOENT" });
  }
});

test("a run that its journal has finished says so, and shows no speed of nothing", async (t) => {
  const folder = await temporaryFolder(t);
  const args = ["--limit", "300", "--resume", join(folder, "run.journal")];
  const first = await runCli(args);
  const again = await runCli(args);
  t.is(again.status, 0);
  t.regex(
    again.stderr,
    /300 images of bundled with bundled: already finished; the answer is from the journal\n$/,
  );
  t.regex(again.stdout, /\nTime +: already finished; the answer is from the journal\n/);
  t.notRegex(again.stdout, /images\/s|p50/);
  const scores = (text: string) => text.slice(text.indexOf("\nClass"));
  t.is(scores(again.stdout), scores(first.stdout));
});
