/** What a person types on the first day, and the advice that follows: help, an old Node.js, npm start, engines. */
import { execFile } from "node:child_process";
import { access, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import test from "ava";
import { ERROR_CODES } from "#src/base/errors.js";
import { COMMAND_NAMES, GROUPS } from "#src/base/options/define.js";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { runCli, spawnCli } from "../helpers/cli.js";
import { hasOnnxruntime } from "../helpers/engines.js";
import { model, tensor, value } from "../helpers/onnx.js";
import { needs } from "../helpers/require.js";
import { projectFolder, temporaryFile, temporaryFolder } from "../helpers/temporary.js";

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
  ] as const) {
    const { status, stdout, stderr } = await runCli([...words]);
    t.is(status, 0);
    t.is(stderr, "");
    t.is(stdout, (await runCli([...same])).stdout);
    t.regex(stdout, /^Usage: batchwise /);
  }
});

const GLOBAL_OPTIONS = ["--version", "--log-level", "--quiet", "--no-color", "--help"];

test("every help fits 80 columns, with each option in one line and the options of every command", async (t) => {
  for (const command of ["--help", ...COMMAND_NAMES]) {
    const { stdout } = await runCli(command === "--help" ? [command] : [command, "--help"]);
    const lines = stdout.split("\n");
    t.deepEqual(
      lines.filter((line) => [...line].length > 80),
      [],
      command,
    );
    const options = lines.filter((line) => /^ {2}(-\w, | {4})--/.test(line));
    t.true(options.length > GLOBAL_OPTIONS.length - 1, command);
    // The term, two spaces, words: a description that was broken would begin a line of its own.
    for (const line of options) t.regex(line, /^ {2}(-\w, | {4})--[\w-]+( <[^>]+>)? {2,}\S/);
    const deeper = lines.slice(0, lines.indexOf("Every command:")).filter((line) => /^ {8,}/.test(line));
    t.deepEqual(deeper, [], command);
    for (const option of GLOBAL_OPTIONS) t.true(stdout.includes(` ${option} `), `${command}: ${option}`);
  }
});

test("help groups the options of evaluate, and names its short flags", async (t) => {
  const { stdout } = await runCli(["--help"]);
  const headings = stdout.match(/^\w.*:$/gm);
  t.deepEqual(headings, ["Commands:", ...Object.values(GROUPS).map((name) => `${name}:`), "Examples:"]);
  for (const flag of [
    "-d, --dataset",
    "-w, --weights",
    "-t, --threads",
    "-b, --batch-size",
    "-o, --output",
  ]) {
    t.true(stdout.includes(flag), flag);
  }
});

test("help on 40 columns puts each description under its option, in at most 40 columns", async (t) => {
  const { stdout } = await runCli(["merge", "--help"], { env: { COLUMNS: "40" } });
  const [help = ""] = stdout.split("Values in [brackets]");
  t.regex(help, /^ {2}-o, --output <file>\n {6}\S/m);
  for (const line of help.split("\n")) t.true(line.length <= 40, line);
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
  const gone = await spawnCli(["--limit", "5"], {
    cwd: root,
    env: { ...env, INIT_CWD: join(folder, "gone") },
  });
  t.is(gone.status, 2);
  t.regex(gone.stderr, /^batchwise: ERR_WORKING_FOLDER: .*ENOENT; change to a folder that exists\n$/);
});

test("npm start says where options belong that npm took for itself", async (t) => {
  for (const [words, found] of [
    [["--threads", "8"], /ERR_USAGE: npm took --threads as its own option: .* npm start -- --threads …/],
    [["--dataset=mine"], /ERR_USAGE: npm took --dataset as its own option: .* npm start -- --dataset …/],
    [["show", "3", "--batch-size", "5"], /npm took --batch-size as its own option: /],
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
    /300 images of bundled with bundled: already finished; the result comes from the journal\n$/,
  );
  t.regex(again.stdout, /\nTime +: already finished; the result comes from the journal\n/);
  t.notRegex(again.stdout, /images\/s|p50/);
  const scores = (text: string) => text.slice(text.indexOf("\nClass"));
  t.is(scores(again.stdout), scores(first.stdout));
});

// Advice about the engine onnx, and the line about outputs that no option states, by the command line.

const recurrent = model({ nodes: [{ op: "LSTM", inputs: ["x"], output: "y" }], tensors: [] });

test("the engine onnx is advised only where the command can use it", async (t) => {
  const path = await temporaryFile(t, recurrent, "recurrent.onnx");
  // Names and shapes of a state dict with a convolution, as PyTorch's users save it.
  const header = JSON.stringify({
    "conv.weight": { dtype: "F32", shape: [1, 1, 1, 1], data_offsets: [0, 4] },
  });
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  const dict = await temporaryFile(
    t,
    Buffer.concat([size, Buffer.from(header), Buffer.alloc(4)]),
    "cnn.safetensors",
  );
  const output = join(await temporaryFolder(t), "out.safetensors");
  const suite = await temporaryFile(
    t,
    Buffer.from(JSON.stringify({ evaluations: [{ name: "recurrent", weights: path }] })),
    "suite.json",
  );
  for (const weights of [path, dict]) {
    for (const args of [
      ["--limit", "200", "--weights", weights],
      ["compare", "bundled", weights, "--limit", "200"],
      ["diagnose", "--weights", weights],
    ]) {
      const { status, stdout, stderr } = await runCli(args);
      t.deepEqual([status, stdout], [3, ""], `${args}: ${stderr}`);
      t.regex(stderr, /^batchwise: ERR_\w+: .*--engine onnx/m, `${args}`);
    }
    for (const args of [
      ["inspect", "--weights", weights],
      ["show", "0", "--weights", weights],
      ["predict", "fixtures/pictures/seven.png", "--weights", weights],
      ["bench", "--weights", weights, "--engine", "onnx"],
      ["fit", "--normalize", "standardize", "--dataset", "bundled", "--weights", weights, "--output", output],
      ["convert", weights, output],
    ]) {
      const { status, stdout, stderr } = await runCli(args);
      t.deepEqual([status, stdout], [3, ""], `${args}: ${stderr}`);
      t.regex(stderr, /^batchwise: ERR_\w+: .*(evaluate|stay as they are)/m, `${args}`);
      t.notRegex(stderr, /--engine/, `${args}`);
    }
  }
  const checked = await runCli(["check", suite]);
  t.regex(checked.stdout + checked.stderr, /"engine": "onnx" evaluates other models/);
  t.notRegex(checked.stdout + checked.stderr, /--engine/);
  const fit = ["--normalize", "standardize", "--dataset", "bundled", "--weights", path, "--output", output];
  const refused = await runCli(["fit", ...fit]);
  t.regex(
    refused.stderr,
    /fit reads chains of layers alone: evaluate other models with the --mean and --std/,
  );
  t.notRegex(refused.stderr, /convert/);
});

needs("onnxruntime", hasOnnxruntime)(
  "an end that no rule knows is named, and no option with it",
  async (t) => {
    const unknown = model({
      nodes: [
        { op: "MatMul", inputs: ["x", "w"], output: "z" },
        { op: "HardSigmoid", inputs: ["z"], output: "y" },
      ],
      tensors: [
        tensor(
          "w",
          [784, 10],
          Array.from({ length: 7840 }, (_, n) => Math.sin(n) / 50),
        ),
      ],
      inputs: [value("x", ["N", 784])],
      outputs: [value("y", ["N", 10])],
    });
    const path = await temporaryFile(t, unknown, "unknown.onnx");
    const args = [
      "--weights",
      path,
      "--engine",
      "onnx",
      "--limit",
      "50",
      "--threads",
      "0",
      "--format",
      "json",
    ];
    const run = (...more: string[]) => runCli([...args, ...more]);
    const stated = await run("--normalize", "scale", "--quiet");
    t.is(stated.status, 0, stated.stderr);
    const line = "sigmoid as outputs (unknown.onnx does not state it); no option states it";
    t.regex(stated.stderr, /^assumed: sigmoid as outputs /m);
    t.true(stated.stderr.includes(`assumed: ${line}\n`), stated.stderr);
    t.like(JSON.parse(stated.stdout).assumptions, [{ subject: "outputs", option: null }]);
    const both = await run();
    t.regex(both.stderr, /states neither\); set --normalize; no option states sigmoid as outputs$/m);
    const strict = await run("--normalize", "scale", "--strict");
    t.deepEqual([strict.status, strict.stdout], [3, ""]);
    t.regex(strict.stderr, /^batchwise: ERR_ASSUMED: .*sigmoid as outputs .*no option states it$/m);
  },
);
