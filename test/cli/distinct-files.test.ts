/** Outputs that are inputs or other outputs are refused before any work, whatever names lead to them. */
import { copyFile, cp, link, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import test, { type ExecutionContext } from "ava";
import { FIXTURES } from "#src/base/package.js";
import { runCli } from "../helpers/cli.js";
import { type Field, fields, model } from "../helpers/onnx.js";
import { temporaryFolder } from "../helpers/temporary.js";

const FEW = ["--limit", "20", "--threads", "0"];
const NETWORK = "network.safetensors";
const SHARD = "tfjs/group1-shard2of2.bin";

/** An ONNX model that names a file of data. */
function externalModel(location: string): Buffer {
  const place = fields([1, "location"], [2, location]);
  const tensor: readonly Field[] = [
    [1, 4],
    [2, 1],
    [8, "w"],
    [13, place],
    [14, 1],
  ];
  return model({ nodes: [], tensors: [fields(...tensor)] });
}

/** A folder with a file of each kind of input. */
async function inputs(t: ExecutionContext): Promise<string> {
  const folder = await temporaryFolder(t);
  const at = (name: string) => join(folder, name);
  const fixture = (name: string) => fileURLToPath(new URL(name, FIXTURES));
  await writeFile(at("classes.txt"), Array.from({ length: 10 }, (_, n) => `class ${n}\n`).join(""));
  await writeFile(at("run.config.json"), JSON.stringify({ limit: 20 }));
  const evaluation = { name: "as it is", limit: 20, baseline: "base.json" };
  await writeFile(at("suite.json"), JSON.stringify({ evaluations: [evaluation] }));
  await mkdir(at("data (old)"));
  for (const name of ["digits-images-idx3-ubyte.gz", "digits-labels-idx1-ubyte.gz"]) {
    await copyFile(fixture(name), join(at("data (old)"), name.replace("digits", "t10k")));
  }
  const pair = { images: "data (old)/t10k-images-idx3-ubyte.gz", labels: "labels.csv" };
  await copyFile(fixture("digits-labels-idx1-ubyte.gz"), at("labels.csv"));
  await writeFile(at("manifest.json"), JSON.stringify([pair]));
  await copyFile(at("manifest.json"), at("manifest"));
  await mkdir(at("mnist"));
  await copyFile(at("labels.csv"), at("mnist/t10k-labels-idx1-ubyte.gz"));
  await writeFile(at("model"), externalModel("data.csv"));
  await writeFile(at("data.csv"), "");
  await cp(fileURLToPath(new URL("tfjs/cnn", FIXTURES)), at("tfjs"), { recursive: true });
  const written = await runCli([...FEW, "--output", at("base.json"), "--predictions", at("base.csv")]);
  t.is(written.status, 0, written.stderr);
  const converted = await runCli(["convert", "bundled", at(NETWORK)]);
  t.is(converted.status, 0, converted.stderr);
  await symlink("base.json", at("link.json"));
  await link(at("base.json"), at("hard.json"));
  await symlink("absent.json", at("dangling.json"));
  await symlink(".", at("again"));
  // Two links to their own folder give a walk that follows links a way for each sequence of them.
  await symlink(".", at("twice"));
  return folder;
}

test("an output that is an input, or another output, is refused, and nothing is written over", async (t) => {
  const folder = await inputs(t);
  const at = (name: string) => join(folder, name);
  const base = at("base.json");
  const set = at("data (old)");
  const images = join(set, "t10k-images-idx3-ubyte.gz");
  const cases: readonly (readonly [what: string, args: readonly string[]])[] = [
    ["a baseline renewed", ["--baseline", base, "--output", base]],
    ["a baseline through a link", ["--baseline", base, "--output", at("link.json")]],
    ["a baseline through a hard link", ["--baseline", at("hard.json"), "--output", base]],
    ["a baseline below a linked folder", ["--baseline", base, "--output", at("again/base.json")]],
    ["a path with dots", ["--baseline", base, "--output", `${set}/../base.json`]],
    ["class names", ["--classes", at("classes.txt"), "--output", at("classes.txt")]],
    ["a configuration", ["--config", at("run.config.json"), "--output", at("run.config.json")]],
    ["a suite", ["check", at("suite.json"), "--output", at("suite.json")]],
    ["the baseline of a suite", ["check", at("suite.json"), "--output", base]],
    ["a part", ["merge", base, at("hard.json"), "--output", at("link.json")]],
    ["a result compared", ["compare", base, "bundled", "--output", base]],
    ["predictions of a result compared", ["compare", base, "bundled", "--output", at("base.csv")]],
    ["a network", ["convert", at(NETWORK), at(NETWORK)]],
    [
      "weights",
      [
        "fit",
        "-d",
        "bundled",
        "--normalize",
        "standardize",
        "--weights",
        at(NETWORK),
        "--output",
        at(NETWORK),
      ],
    ],
    ["labels", ["--labels", at("labels.csv"), "--dataset", set, "--predictions", at("labels.csv")]],
    ["labels of a manifest", ["--dataset", at("manifest.json"), "--predictions", at("labels.csv")]],
    ["a manifest", ["--dataset", at("manifest.json"), "--output", at("manifest.json")]],
    ["images", ["show", "3", "--dataset", set, "--png", join(set, "t10k-images-idx3-ubyte.gz")]],
    [
      "images of a pattern",
      ["show", "3", "-d", `${set}/*images*`, "--png", join(set, "t10k-images-idx3-ubyte.gz")],
    ],
    ["labels beside images", ["show", "3", "-d", images, "--png", join(set, "t10k-labels-idx1-ubyte.gz")]],
    ["labels of a manifest of any name", ["--dataset", at("manifest"), "--predictions", at("labels.csv")]],
    [
      "a set of the cache",
      ["show", "3", "--dataset", "mnist", "--png", at("mnist/t10k-labels-idx1-ubyte.gz")],
    ],
    ["data of a model of any name", ["--weights", at("model"), "--output", at("data.csv")]],
    ["weights of TensorFlow.js", ["--weights", at("tfjs/model.json"), "--output", at(SHARD)]],
    ["weights in a folder of TensorFlow.js", ["--weights", at("tfjs"), "--predictions", at(SHARD)]],
    ["a model.json in a folder", ["--weights", at("tfjs"), "--output", at("tfjs/model.json")]],
    ["answer and predictions", ["--output", at("p.csv"), "--predictions", at("p.csv")]],
    ["answer and journal", ["--output", at("j.json"), "--resume", at("j.json")]],
    ["predictions and journal", ["--predictions", at("q.csv"), "--resume", at("q.csv")]],
    ["partial predictions and journal", ["--predictions", at("q.csv"), "--resume", at("q.csv.partial")]],
    ["two answers", ["--output", at("new.json"), "--output", at("again/new.json")]],
    [
      "two answers through a link that leads nowhere",
      ["--output", at("absent.json"), "--output", at("dangling.json")],
    ],
  ];
  const names = [
    "base.json",
    "base.csv",
    "classes.txt",
    "run.config.json",
    "suite.json",
    NETWORK,
    "labels.csv",
    "data.csv",
    SHARD,
    "tfjs/model.json",
    "mnist/t10k-labels-idx1-ubyte.gz",
    "data (old)/t10k-labels-idx1-ubyte.gz",
  ];
  const read = () => Promise.all([...names, "manifest.json"].map((name) => readFile(at(name))));
  const before = await read();
  for (const [what, args] of cases) {
    const { status, stdout, stderr } = await runCli(args, { env: { BATCHWISE_CACHE_DIR: folder } });
    t.is(status, 2, `${what}: ${stderr}`);
    t.is(stdout, "", what);
    t.regex(
      stderr,
      /^batchwise: ERR_OUTPUT_SHARED: (--|<).*: expected a file of its own, found the file of \S+ \(.*\); choose another path\n$/,
      what,
    );
  }
  t.deepEqual(await read(), before);
});

test("outputs of earlier runs beside the inputs are replaced", async (t) => {
  const folder = await inputs(t);
  const at = (name: string) => join(folder, name);
  const set = at("data (old)");
  const again = [
    [...FEW, "--dataset", set, "--output", join(set, "answer.json"), "--predictions", join(set, "p.csv")],
    [...FEW, "--baseline", at("base.json"), "--output", at("new.json"), "--predictions", at("base.csv")],
    ["check", at("suite.json"), "--output", at("checks.json")],
  ];
  for (const args of [...again, ...again]) {
    const { status, stderr } = await runCli(args);
    t.is(status, 0, `${args.map((word) => basename(word)).join(" ")}: ${stderr}`);
  }
});

test("files that long manifests, large models and long results name are protected too", async (t) => {
  const folder = await inputs(t);
  const at = (name: string) => join(folder, name);
  const pairs = Array.from({ length: 12_000 }, (_, n) => ({ images: `${n}-images`, labels: `${n}-labels` }));
  await writeFile(at("long.json"), JSON.stringify([...pairs, { images: "images", labels: "labels.csv" }]));
  const padding = fields([1, 1], [2, 1], [8, "p"], [9, Buffer.alloc(9 * 2 ** 20)]);
  await writeFile(at("large"), Buffer.concat([externalModel("data.csv"), fields([7, fields([5, padding])])]));
  // More than a reader holds of any document.
  const predictions = Buffer.alloc(66 * 2 ** 20, "0,");
  const result = ['{"predictions":[', predictions, '0],"predictionsFile":"labels\\u002ecsv"}'].map(
    Buffer.from,
  );
  await writeFile(at("result.json"), Buffer.concat(result));
  for (const [args, input, output] of [
    [[...FEW, "--dataset"], "long.json", "labels.csv"],
    [[...FEW, "--weights"], "large", "data.csv"],
    [["compare", "bundled"], "result.json", "labels.csv"],
  ] as const) {
    const before = await readFile(at(output));
    const { status, stderr } = await runCli([...args, at(input), "--output", at(output)]);
    t.is(status, 2, stderr);
    t.regex(stderr, /ERR_OUTPUT_SHARED/, input);
    t.deepEqual(await readFile(at(output)), before);
  }
});
