/** The command line as a script sees it: stdout, one line on stderr, exit status. On what the repository carries. */
import { spawnSync } from "node:child_process";
import { copyFile, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { decode } from "fast-png";
import { atLeast, ERROR_CODES, type ErrorCode } from "#src/base/errors.js";
import { FIXTURES } from "#src/base/package.js";
import { CLI, type CliOptions, runCli, signalled, spawnCli } from "../helpers/cli.js";
import { temporaryFolder } from "../helpers/temporary.js";

const SMALL = ["--threads", "0", "--limit", "300"];

async function refuses(t: ExecutionContext, args: readonly string[], code: ErrorCode, options?: CliOptions) {
  const { status, stdout, stderr } = await runCli(["--quiet", ...args], options);
  t.is(status, ERROR_CODES[code].status, stderr);
  t.regex(stderr, new RegExp(`^batchwise: ${code}: .+\n$`));
  t.is(stdout, "");
  return stderr;
}

test("evaluates the bundled images with eight threads and ends with the book's line", async (t) => {
  const { status, stdout, stderr } = await spawnCli(["--threads", "8"]);
  t.is(status, 0);
  t.regex(stdout, /10,000 images/);
  t.regex(stdout, /\nAccuracy : 0\.9\d+\n$/);
  t.regex(stderr, /^evaluating 10,000 images of bundled.*\n$/);
});

test("eight threads: eight workers, none of the work on the coordinator, a hundred batches in all", async (t) => {
  const { stdout } = await runCli(["--threads", "8", "--warm", "--format", "json", "--quiet"]);
  const { run, result, schemaVersion } = JSON.parse(stdout);
  const batches: number[] = run.batchesByThread;
  t.like(run, { engine: "ml-matrix", workersStarted: 8 });
  t.is(batches[0], 0);
  t.is(batches.length, 9);
  t.true(batches.filter((count) => count > 0).length >= 2);
  t.is(
    batches.reduce((a, b) => a + b),
    100,
  );
  t.deepEqual([schemaVersion, result.total, result.complete], [1, 10_000, true]);
});

test("writes the answer to a file by its ending and still to stdout", async (t) => {
  const folder = await temporaryFolder(t);
  const [json, text] = [join(folder, "a.json"), join(folder, "b.txt")];
  const { status, stdout } = await runCli([...SMALL, "--output", json, "--output", text]);
  t.is(status, 0);
  t.is(JSON.parse(await readFile(json, "utf8")).result.total, 300);
  t.is(await readFile(text, "utf8"), stdout);
  t.deepEqual((await readdir(folder)).sort(), ["a.json", "b.txt"]);
});

test("tells scores by the flags that ask for them, and refuses them without labels", async (t) => {
  const asked = ["--top-k", "2", "--bootstrap", "50", "--seed", "7"];
  const { stdout } = await runCli([...SMALL, "--format", "json", "--quiet", ...asked]);
  const { result, timeline } = JSON.parse(stdout);
  t.is(result.scores.topK.k, 2);
  t.true(result.scores.topK.correct >= result.correct);
  t.is(result.macroF1Interval95.seed, 7);
  t.is(timeline.length, 3);
  const calibration = await runCli([...SMALL, "--format", "json", "--quiet", "--calibration"]);
  t.is(JSON.parse(calibration.stdout).result.scores.topK.k, 5);
  await refuses(t, ["--no-labels", "--calibration"], "ERR_USAGE");
});

test("says before any work what cannot be written, shown or named, in one line", async (t) => {
  await refuses(t, ["--output", "no/such/folder/a.json"], "ERR_OUTPUT_WRITE");
  await refuses(t, ["--dataset", "two\nlines\u001b[31m"], "ERR_DATASET_UNKNOWN");
  await refuses(t, ["show", "10000"], "ERR_IMAGE_INDEX");
  await refuses(t, ["show", "seven"], "ERR_OPTION_VALUE");
});

test("passes a gate that holds and fails with status 100 where one does not, the answer given all the same", async (t) => {
  const passed = await runCli([...SMALL, "--min-accuracy", "0.5"]);
  t.is(passed.status, 0);
  for (const gate of ["--min-accuracy", "--expect-accuracy"]) {
    const failed = await runCli([...SMALL, "--quiet", gate, "0.99999"]);
    t.is(failed.status, 100);
    t.regex(failed.stdout, /\nAccuracy : /);
    t.regex(
      failed.stderr,
      new RegExp(
        `^batchwise: ERR_GATE_ACCURACY: ${gate}: expected .*0.99999, found 0\\.9\\d*, 0\\.0\\d+ too low\n$`,
      ),
    );
  }
  const expected = /Accuracy : (.*)\n$/.exec(passed.stdout)?.[1] ?? "";
  t.is((await runCli([...SMALL, "--expect-accuracy", expected])).status, 0);
});

const BAD_VALUES: readonly [option: string, value: string][] = [
  ["--threads", "-1"],
  ["--threads", "abc"],
  ["--threads", "1e9"],
  ["--threads", "1000000000"],
  ["--threads", "1.5"],
  ["--batch-size", "0"],
  ["--batch-size", ""],
  ["--limit", "0"],
  ["--offset", "-5"],
  ["--timeout", "0"],
  ["--retries", "x"],
  ["--min-accuracy", "1.1"],
  ["--expect-accuracy", "NaN"],
  ["--output", "result.pdf"],
];
test("refuses a value that an option cannot have, and repeats both", async (t) => {
  for (const [option, value] of BAD_VALUES) {
    const stderr = await refuses(t, [`${option}=${value}`], "ERR_OPTION_VALUE");
    t.true(stderr.includes(option) && stderr.includes(`"${value}"`), stderr);
  }
});

const UNKNOWN_WORDS: readonly [args: string[], code: ErrorCode, hint: string][] = [
  [["evalute"], "ERR_OPTION_UNKNOWN", 'did you mean "evaluate"?'],
  [
    ["frobnicate"],
    "ERR_OPTION_UNKNOWN",
    "expected one of evaluate, show, inspect, diagnose, predict, score, compare",
  ],
  [["--thread", "8"], "ERR_USAGE", "Did you mean --threads?"],
  [["--engine", "ml-matrx"], "ERR_OPTION_UNKNOWN", 'did you mean "ml-matrix"?'],
  [["--split", "tset"], "ERR_OPTION_UNKNOWN", 'did you mean "test"?'],
  [["--format", "jsn"], "ERR_OPTION_UNKNOWN", 'did you mean "json"?'],
  [["--activation", "sigmod"], "ERR_OPTION_UNKNOWN", 'did you mean "sigmoid"?'],
  [["--normalize", "scal"], "ERR_OPTION_UNKNOWN", 'did you mean "scale"?'],
  [["inspect", "--format", "csv"], "ERR_OPTION_UNKNOWN", "expected one of text, json"],
  [["predict", "a.png", "--format", "junit"], "ERR_OPTION_UNKNOWN", "expected one of text, json"],
  [["--log-level", "debig"], "ERR_OPTION_UNKNOWN", 'did you mean "debug"?'],
  [["--dataset", "bundeld"], "ERR_DATASET_UNKNOWN", 'did you mean "bundled"?'],
  [["--weights", "bundel"], "ERR_NETWORK_UNKNOWN", 'did you mean "bundled"?'],
];
test("answers an unknown word with a suggestion, or with the words that it knows", async (t) => {
  for (const [args, code, hint] of UNKNOWN_WORDS) {
    const stderr = await refuses(t, args, code);
    t.true(stderr.toLowerCase().includes(hint.toLowerCase()), `${args.join(" ")}: ${stderr}`);
  }
});

test("shows no stack but at debug, where it is in the log", async (t) => {
  const { stderr } = await spawnCli(["--weights", "nowhere.pkl", "--log-level", "debug"]);
  const [line, ...log] = atLeast(stderr.trim().split("\n"), 1);
  t.regex(line, /^batchwise: ERR_NETWORK_UNKNOWN: /);
  t.true(log.some((entry) => JSON.parse(entry).err?.stack?.includes("readWeights")));
});

test("no command lets the name of a file move the terminal's cursor", async (t) => {
  const folder = await temporaryFolder(t);
  const weights = join(folder, "a\u001b[2Jb.safetensors");
  await copyFile(new URL("bundled.safetensors", FIXTURES), weights);
  for (const args of [
    ["evaluate", "--weights", weights, "--limit", "20", "--threads", "0"],
    ["inspect", "--weights", weights],
    ["convert", weights, join(folder, "c\u001b[2Jd.npz")],
    ["compare", weights, "bundled", "--limit", "20", "--threads", "0"],
    ["bench", "--weights", weights, "--limit", "20", "--repeat", "1", "--engine", "simd", "--threads", "0"],
  ]) {
    const { status, stdout, stderr } = await runCli(args);
    t.is(status, 0, stderr);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
    t.notRegex(stdout + stderr, /[\u0000-\u0009\u000b-\u001f]/, args[0]);
    t.true(stdout.includes("a\\u{1b}[2Jb.safetensors"), stdout);
  }
});

test("no picture, command or log line has a character that a terminal acts on", async (t) => {
  const folder = await temporaryFolder(t);
  const name = "a\u001b\u202e\u009b'\\b";
  const [weights, picture] = [join(folder, `${name}.safetensors`), join(folder, `${name}.png`)];
  await copyFile(new URL("bundled.safetensors", FIXTURES), weights);
  await copyFile(new URL("pictures/seven.png", FIXTURES), picture);
  for (const part of ["images-idx3-ubyte.gz", "labels-idx1-ubyte.gz"]) {
    await copyFile(new URL(`digits-${part}`, FIXTURES), join(folder, `${name}-${part}`));
  }
  const dataset = join(folder, `${name}-images-idx3-ubyte.gz`);
  const shown = "a\\u{1b}\\u{202e}\\u{9b}'\\b.png: 7 (";
  const cases: readonly (readonly [args: readonly string[], expected: string])[] = [
    [["predict", picture], shown],
    [
      ["diagnose", "--weights", weights, "--limit", "200"],
      "a\\x1b\\xe2\\x80\\xae\\xc2\\x9b\\'\\\\b.safetensors'",
    ],
    [
      ["evaluate", "--dataset", dataset, "--limit", "20", "--threads", "0", "--log-level", "trace"],
      "\\u202e\\u009b",
    ],
  ];
  for (const [args, expected] of cases) {
    const { status, stdout, stderr } = await spawnCli(args);
    t.is(status, 0, stderr);
    const written = stdout + stderr;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
    t.notRegex(written, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/, args[0]);
    t.true(written.includes(expected), written);
  }
});

/** Ten thousand messages, so that a signal comes before the end however busy the machine is. */
const SLOW = ["--engine", "reference", "--threads", "1", "--batch-size", "1"];

test("reports what was done when it is interrupted, and exits 130; exits 143 when it is terminated", async (t) => {
  const { status, stdout, stderr } = await runCli([...SLOW, "--format", "json"], signalled("SIGINT"));
  t.is(status, 130);
  const { result } = JSON.parse(stdout);
  t.false(result.complete);
  t.true(result.total < 10_000);
  t.regex(
    stderr,
    /batchwise: ERR_INTERRUPTED: interrupted after [\d,]+ of 10,000 images; the result is partial\n$/,
  );
  const terminated = await runCli(SLOW, signalled("SIGTERM"));
  t.is(terminated.status, 143);
  t.regex(terminated.stderr, /batchwise: ERR_TERMINATED: /);
});

test("shows an image with its label, shapes and ten probabilities, and writes it as PNG", async (t) => {
  const folder = await temporaryFolder(t);
  const png = join(folder, "digit.png");
  const { status, stdout, stderr } = await runCli(["show", "7", "--png", png]);
  t.true(stderr.includes(`written: ${png}\n`), stderr);
  t.is(status, 0);
  t.regex(stdout, /^label: \d\n\(784,\)\n\(28, 28\)\nprediction: \d\n/);
  t.regex(stdout, /[▀▄█]/);
  t.is(stdout.match(/\d\.\d{4}$/gm)?.length, 10);
  const { width, height, channels } = decode(await readFile(png));
  t.deepEqual([width, height, channels], [28, 28, 1]);
});

test("inspects shapes for one image and for a batch, as the book prints them", async (t) => {
  const { status, stdout } = await runCli(["inspect"]);
  t.is(status, 0);
  t.regex(stdout, /\(784,\) → \(50,\) → \(100,\) → \(10,\)/);
  t.regex(stdout, /100 × 784 → 100 × 50 → 100 × 100 → 100 × 10/);
  t.regex(stdout, /W1 \(784, 50\)/);
  const json = JSON.parse((await runCli(["inspect", "--format", "json"])).stdout);
  t.is(json.network.parameters, 784 * 50 + 50 + 50 * 100 + 100 + 100 * 10 + 10);
  t.is(json.network.multiplyAdds, 784 * 50 + 50 * 100 + 100 * 10);
  t.deepEqual(json.assumptions, []);
  t.like(json.network.layers[1], {
    kind: "dense",
    input: [50],
    output: [100],
    activation: "sigmoid",
    parameters: 50 * 100 + 100,
    multiplyAdds: 50 * 100,
  });
});

test("helps with examples and tells its version", async (t) => {
  const help = await runCli(["--help"]);
  t.is(help.status, 0);
  t.regex(help.stdout, /--batch-size/);
  t.regex(help.stdout, /Examples:/);
  const version = await runCli(["--version"]);
  t.regex(
    version.stdout,
    /^\d+\.\d+\.\d+\nNode\.js {3}[\d.]+, V8 .+\nPlatform {2}.+\nCPU {7}\d+ × .+\npiscina {3}5\.\d+\.\d+\nml-matrix 6\.\d+\.\d+\n$/,
  );
  t.is(version.status, 0);
});

test("ends quietly when the reader of stdout has seen enough", (t) => {
  const { status, stderr } = spawnSync(
    "bash",
    ["-c", `set -o pipefail; node ${CLI} --quiet --limit 500 --threads 0 | head -0`],
    {
      encoding: "utf8",
    },
  );
  t.is(stderr, "");
  t.is(status, 0);
});

test("predicts without labels, and writes each prediction into the JSON", async (t) => {
  const images = "fixtures/digits-images-idx3-ubyte.gz";
  const args = ["--dataset", images, "--no-labels", "--limit", "200", "--threads", "0", "--quiet"];
  const { status, stdout } = await runCli([...args, "--format", "json"]);
  t.is(status, 0);
  const { result, predictions } = JSON.parse(stdout);
  const scored = JSON.parse((await runCli(["--limit", "200", "--quiet", "--format", "json"])).stdout);
  t.is(predictions.length, 200);
  t.is(result.accuracy, undefined);
  t.deepEqual(
    result.predictedCounts,
    scored.result.confusionMatrix.reduce((sums: number[], row: number[]) =>
      sums.map((sum, n) => sum + row[n]!),
    ),
  );
  t.regex((await runCli(args)).stdout, /\nClass 9 {2}: \d+\n$/);
  await refuses(t, [...args, "--min-accuracy", "0.5"], "ERR_USAGE");
});

test("takes a name for each class and refuses a file that has too few", async (t) => {
  const folder = await temporaryFolder(t);
  const names = join(folder, "names.txt");
  await writeFile(names, "zero\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n");
  const { stdout } = await runCli(["show", "0", "--classes", names]);
  t.regex(stdout, /^label: [a-z]+\n/);
  await writeFile(names, "zero\none\n");
  await refuses(t, ["--classes", names], "ERR_CLASSES_FILE");
});
