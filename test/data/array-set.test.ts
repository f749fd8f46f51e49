/** Images and labels in arrays of every type and shape: .npz, .npy, pickles, PyTorch files. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { type DatasetRequest, evaluate, openDataset } from "#src/index.js";
import { copiesOf } from "../helpers/all-of.js";
import { runCli } from "../helpers/cli.js";
import { inCase } from "../helpers/in-case.js";
import { npyBytes, npyDict, npyFile, npyFloats } from "../helpers/npy.js";
import { dict, latin1, list, numpy as numpyArray, text, whole } from "../helpers/pickle.js";
import { pythonWith } from "../helpers/python.js";
import { needs } from "../helpers/require.js";
import { temporaryFile, temporaryFolder } from "../helpers/temporary.js";
import { zipFile } from "../helpers/zip.js";
import { codedAsync } from "../networks/coded.js";

type Options = Partial<DatasetRequest>;

async function read(dataset: string, options: Options = {}) {
  const set = await openDataset({ dataset, split: "test", ...options });
  const from = async (offset: number) => {
    const range = { offset, limit: set.facts.total - offset };
    const [slab] = await copiesOf(set.slabs(range, { multiple: range.limit, lanes: 1 }));
    return { pixels: [...(slab?.pixels ?? [])], labels: [...(slab?.labels ?? [])] };
  };
  return {
    ...(await from(0)),
    second: await from(1),
    facts: set.facts,
    assumed: set.facts.assumptions?.map(({ what }) => what) ?? [],
  };
}

const npz = (arrays: Readonly<Record<string, Uint8Array>>) =>
  zipFile(Object.entries(arrays).map(([name, content]) => ({ name: `${name}.npy`, content })));

/** Two images of 2 × 2 pixels. */
const PIXELS = [0, 1, 200, 255, 9, 8, 7, 60];
const LABELS = npyBytes([2], [7, 3]);
const SQUARE = "images of 2 × 2 pixels";
const PARTS = "pixels from 0 to 1 as bytes ÷ 255";

const doubles = (shape: readonly number[], values: readonly number[]) => {
  const bytes = Buffer.alloc(8 * values.length);
  for (const [n, value] of values.entries()) bytes.writeDoubleBE(value, 8 * n);
  return npyFile(npyDict(">f8", shape), bytes);
};

/** Elements (2,2,2) with the first axis fastest. */
const inColumns = (values: readonly number[]) =>
  Uint8Array.from(values, (_, n) => values[(n & 1) * 4 + (n & 2) + (n >> 2)]!);
/** Elements (2,4) as 16-bit integers, with the first axis fastest. */
const flatColumns = Buffer.from(Int16Array.from(PIXELS, (_, n) => PIXELS[(n & 1) * 4 + (n >> 1)]!).buffer);

test("reads images of every type and shape, and names what is assumed", async (t) => {
  const cases: readonly (readonly [string, Uint8Array, string[]])[] = [
    ["flat", npyBytes([2, 4], PIXELS), [SQUARE]],
    ["rows and columns", npyBytes([2, 2, 2], PIXELS), []],
    ["a last channel", npyBytes([2, 2, 2, 1], PIXELS), []],
    ["a first channel", npyBytes([2, 1, 2, 2], PIXELS), []],
    ["floats of bytes", npyFloats([2, 2, 2], PIXELS), []],
    [
      "parts of 1",
      npyFloats(
        [2, 2, 2],
        PIXELS.map((pixel) => pixel / 255),
      ),
      [PARTS],
    ],
    ["Fortran order", npyFile(npyDict("|u1", [2, 2, 2], true), inColumns(PIXELS)), []],
    ["flat, in Fortran order", npyFile(npyDict("<i2", [2, 4], true), flatColumns), [SQUARE]],
    ["big-endian doubles", doubles([2, 2, 2], PIXELS), []],
  ];
  for (const [name, images, assumed] of cases) {
    await inCase(t, name, async () => {
      const found = await read(await temporaryFile(t, npz({ x_test: images, y_test: LABELS }), "a.npz"));
      t.deepEqual([found.pixels, found.labels, found.assumed], [PIXELS, [7, 3], assumed]);
      t.deepEqual(found.second, { pixels: PIXELS.slice(4), labels: [3] });
      t.like(found.facts, { total: 2, shape: { rows: 2, columns: 2, channels: 1 } });
    });
  }
  const truth = npyFile(npyDict("|b1", [2, 2, 2]), Uint8Array.of(0, 1, 1, 0, 1, 0, 0, 0));
  const found = await read(await temporaryFile(t, npz({ x_test: truth, y_test: LABELS }), "a.npz"));
  t.deepEqual(found.pixels, [0, 255, 255, 0, 255, 0, 0, 0]);
});

test("bytes that are zeros and ones are assumed to be parts of 1, unless white is stated", async (t) => {
  const dataset = await temporaryFile(
    t,
    npz({ x_test: npyBytes([2, 2, 2], [0, 1, 1, 0, 1, 1, 0, 0]), y_test: LABELS }),
    "binary.npz",
  );
  const found = await read(dataset);
  t.deepEqual(found.assumed, [PARTS]);
  t.deepEqual(found.pixels, [0, 255, 255, 0, 255, 255, 0, 0]);
  const stated = await read(dataset, { pixelMax: "255" });
  t.deepEqual(stated.assumed, []);
  t.deepEqual(stated.pixels, [0, 1, 1, 0, 1, 1, 0, 0]);
});

test("--normalize none gives a network the numbers from 0 to 1 that a set holds, stated or assumed", async (t) => {
  const values = Array.from({ length: 784 }, (_, n) => (n % 256) / 255);
  const dataset = await temporaryFile(
    t,
    npz({ x_test: doubles([1, 28, 28], values), y_test: npyBytes([1], [1]) }),
    "floats.npz",
  );
  // The first output is larger for bytes, and the second one for numbers up to 1.
  const layer = {
    W1: doubles(
      [784, 2],
      Array.from({ length: 1568 }, (_, n) => 1 - (n % 2)),
    ),
    b1: doubles([2], [0, 1000]),
  };
  const weights = await temporaryFile(t, npz(layer), "layer.npz");
  const run = { dataset, weights, threads: 0 } as const;
  for (const options of [
    { normalize: "none" },
    { normalize: "none", pixelMax: "1" },
    { normalize: "scale" },
  ] as const) {
    const { result, network } = await evaluate({ ...run, ...options });
    t.is(result.correct, 1);
    t.is(network.preprocessing?.kind, "scale");
  }
  const bytes = npz({
    x_test: npyBytes(
      [1, 28, 28],
      values.map((value) => Math.round(value * 255)),
    ),
    y_test: npyBytes([1], [1]),
  });
  const set = await temporaryFile(t, bytes, "bytes.npz");
  t.is((await evaluate({ ...run, dataset: set, normalize: "none" })).result.correct, 0);
  const two = await runCli(["-d", dataset, "-d", dataset, "--weights", weights, "--normalize", "none"]);
  t.is(two.status, 2);
  t.regex(two.stderr, /would read numbers from 0 to 1 as bytes: set --normalize scale/);
});

test("turns colours channels last", async (t) => {
  const values = Array.from({ length: 24 }, (_, n) => n);
  const turned = [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11];
  for (const [shape, options, first] of [
    [[2, 2, 2, 3], {}, values.slice(0, 12)],
    [[2, 3, 2, 2], {}, turned],
    [[2, 12], { imageShape: "3x2x2" }, turned],
    [[2, 12], {}, values.slice(0, 12)],
  ] as const) {
    const path = await temporaryFile(t, npz({ x_test: npyBytes(shape, values), y_test: LABELS }), "a.npz");
    const found = await read(path, options);
    t.deepEqual(found.pixels.slice(0, 12), first, `${shape}`);
    t.like(found.facts, { shape: { rows: 2, columns: 2, channels: 3 } });
  }
});

test("reads labels as numbers, in a column, and as one-hot rows", async (t) => {
  const x_test = npyBytes([2, 2, 2], PIXELS);
  for (const labels of [
    npyFloats([2], [2, 0]),
    npyBytes([2, 1], [2, 0]),
    npyFloats([2, 3], [0, 0, 1, 1, 0, 0]),
    npyFile(npyDict("|u1", [2, 3], true), Uint8Array.of(0, 1, 0, 0, 1, 0)),
  ]) {
    const found = await read(await temporaryFile(t, npz({ x_test, y_test: labels }), "a.npz"));
    t.deepEqual([found.labels, found.second.labels], [[2, 0], [0]]);
  }
});

test("finds arrays by the names that others give them, in three splits", async (t) => {
  const x = npyBytes([2, 2, 2], PIXELS);
  const other = npyBytes([1, 2, 2], [1, 2, 3, 4]);
  for (const [images, labels] of [
    ["S_images", "S_labels"],
    ["X_S", "y_S"],
    ["S_x", "S_y"],
    ["S_data", "S_labels"],
  ] as const) {
    const named = (name: string, split: string) => name.replace("S", split);
    const arrays = {
      [named(images, "train")]: other,
      [named(labels, "train")]: npyBytes([1], [0]),
      [named(images, "val")]: x,
      [named(labels, "val")]: LABELS,
    };
    const path = await temporaryFile(t, npz(arrays), "a.npz");
    t.deepEqual((await read(path, { split: "val" })).labels, [7, 3], images);
    const error = await codedAsync(t, read(path), "ERR_NPZ_ARRAYS");
    t.regex(error.message, /x_test and y_test, found .*\(1, 2, 2\)/);
  }
  for (const [images, labels, assumed] of [
    ["X", "y", []],
    ["images", "labels", []],
    ["arr_0", "arr_1", ["images in arr_0, labels in arr_1"]],
    ["b", "a", ["images in b, labels in a"]],
  ] as const) {
    const path = await temporaryFile(t, npz({ [images]: x, [labels]: LABELS }), "a.npz");
    const found = await read(path);
    t.deepEqual([found.labels, found.assumed], [[7, 3], assumed], images);
  }
});

test("reads .npy files with the labels beside them, or named, or without", async (t) => {
  const folder = await temporaryFolder(t);
  const { writeFile } = await import("node:fs/promises");
  for (const [name, bytes] of [
    ["x_test.npy", npyFloats([2, 2, 2], PIXELS)],
    ["y_test.npy", LABELS],
    ["pictures.npy", npyBytes([2, 4], PIXELS)],
    ["cut.npy", npyBytes([2, 4], PIXELS).subarray(0, -1)],
  ] as const) {
    await writeFile(join(folder, name), bytes);
  }
  const labels = join(folder, "y_test.npy");
  t.deepEqual((await read(join(folder, "x_test.npy"))).labels, [7, 3]);
  const named = await read(join(folder, "pictures.npy"), { labels });
  t.deepEqual([named.pixels, named.labels, named.second.labels], [PIXELS, [7, 3], [3]]);
  t.is((await read(join(folder, "pictures.npy"), { labels: false })).facts.labelsPath, undefined);
  const alone = await codedAsync(t, read(join(folder, "pictures.npy")), "ERR_DATASET_FORMAT");
  t.regex(alone.message, /set --labels FILE\.npy, or --no-labels/);
  await codedAsync(t, read(join(folder, "cut.npy"), { labels }), "ERR_NPY_LENGTH");
});

const PYTHON = `
import os, pickle, sys
import numpy as np
os.chdir(sys.argv[1])
x = np.arange(2 * 3072, dtype="u4").reshape(2, 3072).astype("u1")
os.mkdir("py"); os.mkdir("hundred")
def batch(name, n, labels):
    pickle.dump({"batch_label": "b", "labels": labels, "data": x + np.uint8(n), "filenames": ["a.png", "b.png"]}, open(name, "wb"), 2)
batch("py/test_batch", 0, [3, 1])
for n in range(1, 6): batch(f"py/data_batch_{n}", n, [n, n + 1])
pickle.dump({"label_names": ["a", "b", "c", "d"]}, open("py/batches.meta", "wb"), 2)
pickle.dump({"x": x, "f": print}, open("code.pkl", "wb"))
`;
/** Arrays that are long enough to stay in the file. */
const LONG = `
import os, pickle, sys
import numpy as np
os.chdir(sys.argv[1])
x = np.arange(300 * 256, dtype="u4").astype("u1").reshape(300, 16, 16)
y = np.arange(300) % 7
for protocol in range(6):
    for name, images in (("c", x), ("f", np.asfortranarray(x))):
        pickle.dump({"x": images, "y": y.tolist(), "note": b"n" * 70_000}, open(f"{name}{protocol}.pkl", "wb"), protocol)
pickle.dump({"x": x, "y": y}, open("trailing.pkl", "wb"), 4); open("trailing.pkl", "ab").write(b"..")
whole = open("c4.pkl", "rb").read(); open("cut.pkl", "wb").write(whole[:60_000])
open("fewer.pkl", "wb").write(pickle.dumps({"x": x, "y": y}, 3).replace(b"K\\x10K\\x10", b"K\\x11K\\x10"))
`;
const TORCH = `
import torch
a = torch.tensor([[[0, 1], [200, 255]], [[9, 8], [7, 60]]], dtype=torch.uint8)
y = torch.tensor([7, 3])
torch.save((a, y), "test.pt")
torch.save((a, y), "legacy.pt", _use_new_zipfile_serialization=False)
torch.save({"data": a.float() / 255, "targets": y}, "dict.pt")
torch.save((a.transpose(1, 2), y), "turned.pt")
torch.save((a[:1].expand(2, 2, 2), y), "repeated.pt")
`;

async function made(t: ExecutionContext, interpreter: string, script: string): Promise<string> {
  const folder = await temporaryFolder(t);
  execFileSync(interpreter, ["-c", script, folder]);
  return folder;
}

const numpy = pythonWith("numpy");
needs("numpy", numpy !== undefined)("reads long arrays of pickles of every protocol", async (t) => {
  const folder = await made(t, numpy ?? "", LONG);
  const pixels = Array.from({ length: 300 * 256 }, (_, n) => n % 256);
  const labels = Array.from({ length: 300 }, (_, n) => n % 7);
  for (const protocol of [0, 1, 2, 3, 4, 5]) {
    for (const order of ["c", "f"]) {
      const path = join(folder, `${order}${protocol}.pkl`);
      const found = await read(path);
      t.deepEqual([found.pixels, found.labels], [pixels, labels], `${order}${protocol}`);
      t.deepEqual(found.second, { pixels: pixels.slice(256), labels: labels.slice(1) });
      const sha256 = createHash("sha256")
        .update(await readFile(path))
        .digest("hex");
      const set = await openDataset({ dataset: path, split: "test" });
      t.is(await set.sha256(), sha256);
    }
  }
  for (const [name, code] of [
    ["trailing", "ERR_DATASET_FORMAT"],
    ["cut", "ERR_PICKLE_TRUNCATED"],
    ["fewer", "ERR_NPZ_ARRAY"],
  ] as const) {
    await codedAsync(t, read(join(folder, `${name}.pkl`)), code);
  }
});

needs("numpy", numpy !== undefined)(
  "reads CIFAR's batches for Python, and runs nothing of a pickle",
  async (t) => {
    const folder = await made(t, numpy ?? "", PYTHON);
    const set = await read(join(folder, "py"));
    t.like(set.facts, {
      total: 2,
      shape: { rows: 32, columns: 32, channels: 3 },
      classNames: ["a", "b", "c", "d"],
    });
    t.deepEqual([set.labels, set.assumed], [[3, 1], []]);
    t.deepEqual(
      set.pixels.slice(0, 6),
      [0, 1024, 2048, 1, 1025, 2049].map((value) => value % 256),
    );
    const train = await read(join(folder, "py"), { split: "train" });
    t.deepEqual(train.labels, [1, 2, 2, 3, 3, 4, 4, 5, 5, 6]);
    t.deepEqual([train.pixels[3072 * 4], train.second.labels.length], [3, 9]);
    t.like((await read(join(folder, "py", "data_batch_2"))).facts, { total: 2, shape: { channels: 3 } });
    await codedAsync(t, read(join(folder, "py"), { split: "val" }), "ERR_DATASET_SPLIT");
    await t.throwsAsync(read(join(folder, "code.pkl"), { labels: false }), {
      message: /builtins\.print|pickle/,
    });
  },
);

test("refuses class names of CIFAR's batches that cannot be printed, or are there twice", async (t) => {
  const { writeFile } = await import("node:fs/promises");
  const data = numpyArray("u1", [1, 3_072], new Uint8Array(3_072));
  const folder = await temporaryFolder(t);
  await writeFile(
    join(folder, "test_batch"),
    latin1(`\x80\x03${dict({ labels: list([whole(1)]), data, filenames: list([text("a.png")]) })}.`),
  );
  for (const [names, message] of [
    [["cat", "dog\u001b[31m"], /a control character on place 2/],
    [["cat", "cat"], /"cat" on places 1 and 2/],
    [["cat", ""], /none on place 2/],
  ] as const) {
    await writeFile(
      join(folder, "batches.meta"),
      latin1(`\x80\x02${dict({ label_names: list(names.map(text)) })}.`),
    );
    t.regex((await codedAsync(t, read(folder), "ERR_CLASSES_FILE")).message, message);
  }
});

const torch = pythonWith("numpy", "torch");
needs("torch", torch !== undefined)("reads torchvision's processed files, of both formats", async (t) => {
  const folder = await made(t, torch ?? "", PYTHON + TORCH);
  for (const name of ["test.pt", "legacy.pt", "dict.pt"]) {
    const found = await read(join(folder, name));
    t.deepEqual([found.pixels, found.labels, found.second.labels], [PIXELS, [7, 3], [3]], name);
  }
  const turned = await read(join(folder, "turned.pt"));
  t.deepEqual(
    [turned.pixels, turned.second.pixels],
    [
      [0, 200, 1, 255, 9, 7, 8, 60],
      [9, 7, 8, 60],
    ],
  );
  const repeated = await codedAsync(t, read(join(folder, "repeated.pt")), "ERR_NPZ_ARRAY");
  t.regex(repeated.message, /found 8 of 4; save tensor\.contiguous\(\)/);
});
