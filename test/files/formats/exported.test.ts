/** The commands that the list of known files prints, run by Python: what they write is read, and gives NumPy's number. */

import { execFileSync } from "node:child_process";
import { readdir } from "node:fs/promises";
import type { ExecutionContext } from "ava";
import { runCli } from "../../helpers/cli.js";
import { pythonWith } from "../../helpers/python.js";
import { needs } from "../../helpers/require.js";
import { temporaryFolder } from "../../helpers/temporary.js";

/** A network of 784-20-12-10 with sigmoids, its own answers as labels but for every seventh, and files of both. */
const BASE = `
import collections, gzip, json, os, pickle, struct, sys
import numpy as np
os.chdir(sys.argv[1])
rng = np.random.default_rng(3)
x = rng.integers(0, 256, (60, 28, 28)).astype(np.uint8)
d = {}
for i, (a, b) in enumerate(((784, 20), (20, 12), (12, 10)), 1):
    d[f"W{i}"], d[f"b{i}"] = rng.normal(0, 0.3, (a, b)), rng.normal(0, 0.3, b)
h = x.reshape(60, -1) / 255
for i in (1, 2, 3):
    h = h @ d[f"W{i}"] + d[f"b{i}"]
    if i < 3: h = 1 / (1 + np.exp(-h))
t = h.argmax(1).astype(np.uint8)
t[::7] = (t[::7] + 1) % 10
right = int((h.argmax(1) == t).sum())
np.savez("good.npz", x_test=x, y_test=t)
np.savez("weights.npz", **d)
turned = {k: (v.T if k[0] == "W" else v[:, None]) for k, v in d.items()}
`;
const END = "\nprint(right)\n";

const WRITERS = {
  torch: `
import datetime, torch, torch.nn as nn
net = nn.Sequential(nn.Flatten(), nn.Linear(784, 20), nn.Sigmoid(), nn.Linear(20, 12), nn.Sigmoid(), nn.Linear(12, 10))
for m, i in zip([m for m in net if isinstance(m, nn.Linear)], (1, 2, 3)):
    m.weight.data, m.bias.data = torch.tensor(d[f"W{i}"].T.copy()).float(), torch.tensor(d[f"b{i}"]).float()
torch.save(net.state_dict(), "state_dict.pth")
torch.save(net, "whole.pt")
torch.save({"epoch": 3, "model_state_dict": net.state_dict(), "optimizer_state_dict": {}}, "checkpoint.tar")
torch.save(net.state_dict(), "legacy.pth", _use_new_zipfile_serialization=False)
torch.save(net, "legacy whole.pt", _use_new_zipfile_serialization=False)
torch.jit.script(net).save("script.pt")
torch.save({"trained": datetime.date(2024, 1, 1), "state_dict": net.state_dict()}, "with a date.pt")
`,
  "scikit-learn": `
import joblib
from sklearn.neural_network import MLPClassifier
m = MLPClassifier((20, 12), activation="logistic")
m.coefs_, m.intercepts_, m.n_layers_, m.out_activation_, m.classes_ = [d[f"W{i}"] for i in (1, 2, 3)], [d[f"b{i}"] for i in (1, 2, 3)], 4, "softmax", np.arange(10)
pickle.dump(m, open("mlp.pkl", "wb")); joblib.dump(m, "mlp.joblib"); joblib.dump(m, "mlp_z.joblib", compress=3); joblib.dump(d, "dict.joblib")
`,
} as const;

const SETS = `
np.savez("flat.npz", x_test=x.reshape(60, 784), y_test=t)
np.savez("last.npz", x_test=x[..., None], y_test=t)
np.savez("first.npz", x_test=x[:, None], y_test=t)
np.savez("float.npz", x_test=(x / 255).astype("f4"), y_test=t.astype("f4"))
np.savez("fortran.npz", x_test=np.asfortranarray(x), y_test=t)
np.savez("one_hot.npz", x_test=x, y_test=np.eye(10, dtype=np.uint8)[t])
np.savez("medmnist.npz", train_images=x[:5], train_labels=t[:5, None], test_images=x, test_labels=t[:, None])
np.savez("xy.npz", X=x, y=t)
np.save("images.npy", x); np.save("labels.npy", t)
pickle.dump({"train_img": x[:5].reshape(5, 784), "train_label": t[:5], "test_img": x.reshape(60, 784), "test_label": t}, open("mnist.pkl", "wb"))
gzip.open("mnist.pkl.gz", "wb").write(pickle.dumps(((np.zeros((20000, 784), "f4"), t), (x.reshape(60, 784) / 255, t), ((x.reshape(60, 784) / 255).astype("f4"), t)), 2))
`;

/** Tables whose bytes are not read as they are. */
const TABLES = `
rows = [f"{a}," + ",".join(map(str, r)) for a, r in zip(t, x.reshape(60, -1))]
open("wide.csv", "w", encoding="utf-16").write("\\n".join(rows) + "\\n")
open("blanks.txt", "w").write("\\n".join(rows).replace(",", "  ") + "\\n")
`;

/** The same images and labels as IDX of other types and ranks. */
const IDX = `
def idx(name, code, a):
    open(name, "wb").write(struct.pack(">BBBB", 0, 0, code, a.ndim) + struct.pack(f">{a.ndim}I", *a.shape) + a.tobytes())
columns = np.zeros((60, 8), ">i4"); columns[:, 0] = t
idx("images", 8, x); idx("labels", 8, t)
idx("qmnist labels", 12, columns); idx("int labels", 12, t.astype(">i4")); idx("float labels", 14, t.astype(">f8"))
idx("float images", 13, (x / 255).astype(">f4")); idx("int images", 12, x.astype(">i4"))
idx("flat images", 8, x.reshape(60, 784)); idx("images of a channel", 8, x[:, None])
`;

/** Pixels and labels that a byte would change: each with the option that names its file. */
const CHANGED = `
def idx(name, code, a):
    open(name, "wb").write(struct.pack(">BBBB", 0, 0, code, a.ndim) + struct.pack(f">{a.ndim}I", *a.shape) + a.tobytes())
beyond = t.astype("i8"); beyond[5] += 256
missing = t.astype("i8"); missing[5] = -1
standardized = (x / 255 - 0.13) / 0.31
idx("images", 8, x)
for name, labels in (("beyond", beyond), ("missing", missing)):
    idx(name + " labels", 12, labels.astype(">i4"))
idx("half labels", 13, (t + 0.5).astype(">f4"))
np.savez("standardized.npz", x_test=standardized, y_test=t); np.savez("half.npz", x_test=x, y_test=t + 0.5)
np.savez("two columns.npz", x_test=x, y_test=np.c_[t, t])
pickle.dump({"train_img": x, "test_img": standardized.reshape(60, 784), "test_label": t}, open("book.pkl", "wb"))
try:
    import PIL
    for name in "13":
        os.makedirs("pictures/" + name); open(f"pictures/{name}/a.png", "wb").write(b"\\x89PNG\\r\\n\\x1a\\n")
except ImportError: pass
pickle.dump(((x, t), (x, t), (standardized.reshape(60, 784), t)), open("nielsen.pkl", "wb"), 2)
`;

/** Runs each command in its folder as `python3 -c CODE ARGUMENTS` would, but all of them in one process. */
const RUN_ALL = `
import glob, json, os, sys
for number, (code, *arguments) in enumerate(json.load(sys.stdin)):
    sys.argv = ["-c", *arguments]
    exec(compile(code, f"command {number}", "exec"), {"__name__": "__main__"})
    os.replace(*glob.glob("out.*"), f"out {number}.npz")
`;

interface Prepared {
  readonly folder: string;
  readonly right: number;
  readonly files: readonly string[];
}

async function prepared(t: ExecutionContext, interpreter: string, script: string): Promise<Prepared> {
  const folder = await temporaryFolder(t);
  const base = ["good.npz", "weights.npz"];
  const printed = execFileSync(interpreter, ["-c", BASE + script + END, folder], { encoding: "utf8" });
  const files = (await readdir(folder)).filter((name) => !base.includes(name));
  return { folder, right: Number(printed.trim().split("\n").at(-1)), files };
}

const run = (folder: string, args: readonly string[]) =>
  runCli(["--no-config", "--quiet", "--format", "json", ...args], { cwd: folder });

/** What a refusal advises: a command, by the arguments that a shell makes of it, and the options to give then. */
interface Advice {
  readonly what: string;
  readonly python: readonly string[];
  readonly options: readonly string[];
}

async function adviceOf(t: ExecutionContext, folder: string, args: readonly string[]): Promise<Advice> {
  const what = args.join(" ");
  const { status, stderr } = await run(folder, args);
  t.is(status, 3, `${what}: ${stderr}`);
  t.regex(stderr, /^batchwise: ERR_\w+: [^\n]+\n$/, what);
  const command = /python3 -c ("[^"]*"(?: '(?:[^']|'\\'')*')?)/.exec(stderr)?.[1];
  if (command === undefined) throw new Error(`${what}: ${stderr}`);
  const words = execFileSync("sh", ["-c", `printf '%s\\0' ${command}`], { encoding: "utf8" });
  const activation = / --activation (sigmoid|relu)/.exec(stderr)?.[1] ?? "sigmoid";
  const given = / give (--weights|--dataset) out\.\w+/.exec(stderr)?.[1] ?? "";
  const other = given === "--weights" ? ["--dataset", "good.npz"] : ["--weights", "weights.npz"];
  return {
    what,
    python: words.split("\0").slice(0, -1),
    options: [...other, "--activation", activation, given],
  };
}

/** Each is refused with a command; the commands are run as they stand; then their own options give NumPy's number. */
async function assertWork(
  t: ExecutionContext,
  interpreter: string,
  { folder, right }: Prepared,
  commandLines: readonly (readonly string[])[],
): Promise<void> {
  t.true(commandLines.length > 0);
  const advices: Advice[] = [];
  for (const args of commandLines) advices.push(await adviceOf(t, folder, args));
  const input = JSON.stringify(advices.map(({ python }) => python));
  execFileSync(interpreter, ["-c", RUN_ALL], { cwd: folder, input });
  for (const [number, { what, options }] of advices.entries()) {
    const { status, stdout, stderr } = await run(folder, [...options, `out ${number}.npz`]);
    t.is(status, 0, `${what}: ${stderr}`);
    t.is(Math.round(JSON.parse(stdout).result.accuracy * 60), right, what);
  }
}

const numpy = pythonWith("numpy");
/** The images of `right` answers, read as they are. */
async function assertRead(
  t: ExecutionContext,
  { folder, right }: Prepared,
  data: readonly (readonly string[])[],
): Promise<void> {
  t.true(data.length > 0);
  for (const args of data) {
    const { status, stdout, stderr } = await run(folder, [...args, "--weights", "weights.npz"]);
    t.is(status, 0, `${args.join(" ")}: ${stderr}`);
    t.is(Math.round(JSON.parse(stdout).result.accuracy * 60), right, args.join(" "));
  }
}

needs("numpy", numpy !== undefined)("reads IDX files of other types and ranks", async (t) => {
  const ready = await prepared(t, numpy ?? "", IDX);
  const labels = ["qmnist labels", "int labels", "float labels"].map((name) => ["images", name]);
  const images = ["float images", "int images", "flat images", "images of a channel"].map((name) => [
    name,
    "labels",
  ]);
  const options = [...labels, ...images].map(([dataset = "", labelled = ""]) => [
    "--dataset",
    dataset,
    "--labels",
    labelled,
  ]);
  await assertRead(t, ready, options);
});

needs("numpy", numpy !== undefined)("refuses pixels and labels that a byte would change", async (t) => {
  const { folder, files } = await prepared(t, numpy ?? "", CHANGED);
  for (const file of files.filter((name) => !["images", "pictures"].includes(name))) {
    const data = file.endsWith("labels") ? ["--dataset", "images", "--labels", file] : ["--dataset", file];
    const { status, stderr } = await run(folder, [...data, "--weights", "weights.npz"]);
    t.is(status, 3, `${file}: ${stderr}`);
    t.regex(stderr, /^batchwise: ERR_(PIXEL_VALUE|LABEL_RANGE|CSV_ROW|DATASET_FORMAT): [^\n]+\n$/m, file);
  }
});

const LIBRARIES = { torch: "torch", "scikit-learn": "sklearn" } as const;

for (const [name, module] of Object.entries(LIBRARIES) as [keyof typeof LIBRARIES, string][]) {
  const interpreter = pythonWith("numpy", module);
  needs(name, interpreter !== undefined)(`each command for weights works: ${name}`, async (t) => {
    const ready = await prepared(t, interpreter ?? "", WRITERS[name]);
    t.true(ready.right > 40 && ready.right < 60);
    const options = (file: string) => ["--weights", file, "--dataset", "good.npz"];
    const refused = ["script.pt", "with a date.pt", "dict.joblib"];
    const isRead = (file: string) => !refused.includes(file);
    for (const file of ready.files.filter(isRead)) {
      const { status, stdout, stderr } = await run(ready.folder, [
        ...options(file),
        "--activation",
        "sigmoid",
      ]);
      t.is(status, 0, `${file}: ${stderr}`);
      t.is(Math.round(JSON.parse(stdout).result.accuracy * 60), ready.right, file);
    }
    const lines = ready.files.filter((file) => !isRead(file)).map(options);
    await assertWork(t, interpreter ?? "", ready, lines);
  });
}

needs("numpy", numpy !== undefined)("reads arrays, pickles and tables", async (t) => {
  const ready = await prepared(t, numpy ?? "", SETS);
  const archives = ready.files.filter((name) => !name.endsWith(".npy"));
  await assertRead(t, ready, [
    ...archives.map((file) => ["--dataset", file]),
    ["--dataset", "images.npy"],
    ["--dataset", "images.npy", "--labels", "labels.npy"],
  ]);
});

needs("numpy", numpy !== undefined)("each command for tables works", async (t) => {
  const { folder, right, files } = await prepared(t, numpy ?? "", TABLES);
  t.deepEqual([...files].sort(), ["blanks.txt", "wide.csv"]);
  for (const file of files) {
    const refused = await run(folder, ["--dataset", file, "--weights", "weights.npz"]);
    t.is(refused.status, 3, refused.stderr);
    const command = / run (\w+ .+ > out\.csv) and give --dataset out\.csv/.exec(refused.stderr)?.[1];
    if (command === undefined) throw new Error(`${file}: ${refused.stderr}`);
    execFileSync("sh", ["-c", command], { cwd: folder });
    const { status, stdout, stderr } = await run(folder, [
      "--dataset",
      "out.csv",
      "--weights",
      "weights.npz",
    ]);
    t.is(status, 0, `${file}: ${stderr}`);
    t.is(Math.round(JSON.parse(stdout).result.accuracy * 60), right, file);
  }
});
