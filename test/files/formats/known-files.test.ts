/** The list of known files: each is named, what it says to do works, and nothing is left out in silence. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import test from "ava";
import { FIXTURES } from "#src/base/package.js";
import { python, shellQuoted } from "#src/files/formats/known/known-file.js";
import { recognizeFile } from "#src/files/formats/known/recognize.js";
import { runCli } from "../../helpers/cli.js";
import { idxHeader, imageBytes, labelBytes } from "../../helpers/idx.js";
import { npyDict, npyFile, npyFloats } from "../../helpers/npy.js";
import { temporaryFile, temporaryFolder } from "../../helpers/temporary.js";
import { zipFile } from "../../helpers/zip.js";

const latin1 = (text: string) => Buffer.from(text, "latin1");
const LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n";
const CSV = `label,${Array.from({ length: 4 }, (_, index) => `pixel${index}`)}\n7,0,1,2,3\n`;
const WEIGHTS = JSON.stringify({
  W1: [
    [1, 2],
    [3, 4],
    [5, 6],
  ],
  b1: [7, 8],
});

/** Names and bytes of a file, what it is called, and what its next step mentions as weights and as images. */
const FILES: readonly (readonly [
  name: string,
  bytes: string | Uint8Array,
  found: RegExp,
  weights: RegExp,
  images: RegExp,
])[] = [
  ["a.npz", LFS, /Git LFS pointer/, /git lfs pull/, /git lfs pull/],
  ["a.pkl", "<!DOCTYPE html>\n<html>", /web page/, /raw file/, /raw file/],
  ["a.onnx", "404: Not Found", /404: Not Found/, /download it again/, /download it again/],
  [
    "a.xml",
    "<?xml version='1.0'?><Error><Code>AccessDenied",
    /XML response/,
    /download it again/,
    /download/,
  ],
  ["a.pdf", "%PDF-1.7\n", /PDF/, /file of the weights/, /image files/],
  ["a.rar", latin1("Rar!\x1a\x07\0"), /RAR/, /unrar x/, /--dataset/],
  ["a.7z", latin1("7z\xbc\xaf\x27\x1c\0"), /7z/, /7z x/, /--dataset/],
  ["a.xz", latin1("\xfd7zXZ\0\0"), /xz/, /xz -dk/, /--dataset/],
  ["a.h5", latin1("\x89HDF\r\n\x1a\n\0\0\0"), /HDF5/, /visititems/, /x_test/],
  [
    "m.h5",
    latin1("\x89HDF\r\n\x1a\nmodel_config layer_names weight_names"),
    /Keras HDF5/,
    /load_model/,
    /--weights/,
  ],
  ["m.weights.h5", latin1("\x89HDF\r\n\x1a\nlayers vars"), /weights\.h5/, /load_weights/, /--weights/],
  [
    "m.mat",
    latin1(`MATLAB 7.3 MAT-file${" ".repeat(493)}\x89HDF\r\n\x1a\n`),
    /MATLAB 7\.3/,
    /--dataset/,
    /h5py/,
  ],
  ["m.mat", "MATLAB 5.0 MAT-file, Platform: GLNXA64", /MATLAB/, /--dataset/, /loadmat/],
  ["m.tflite", latin1("\x1c\0\0\0TFL3\0\0"), /TensorFlow Lite/, /--tflite/, /--weights/],
  ["saved_model.pb", latin1("\x08\x01\x12\x08"), /SavedModel/, /--saved-model/, /--weights/],
  [
    "checkpoint",
    'model_checkpoint_path: "model.ckpt"\n',
    /TensorFlow checkpoint/,
    /get_weights/,
    /--weights/,
  ],
  [
    "model.json",
    '{"format":"layers-model","modelTopology":{}}',
    /layers model/,
    /tensorflowjs_converter/,
    /--weights/,
  ],
  ["model.json", '{"format":"graph-model","modelTopology":{}}', /graph model/, /--tfjs/, /--weights/],
  ["w.json", WEIGHTS, /weights as JSON, a dict with 2 arrays/, /np\.savez/, /--weights/],
  ["n.ipynb", '{"cells": [], "nbformat": 4}', /notebook/, /np\.savez/, /./],
  ["t.csv", CSV, /CSV text of 5 columns under a line/, /loadtxt/, /--dataset alone/],
  ["t.csv", CSV.replaceAll("\n", "\r\n"), /CSV text of 5/, /loadtxt/, /--dataset alone/],
  ["t.tsv", "7\t0\t1\t2\t3\n", /TSV text of 5 columns/, /loadtxt/, /--dataset alone/],
  ["t.csv", Buffer.from(`\ufeff${CSV}`), /byte order mark/, /utf-8-sig/, /--dataset alone/],
  ["t.csv", Buffer.from(`\ufeff${CSV}`, "utf16le"), /UTF-16/, /utf-16/, /iconv -f UTF-16/],
  ["t.txt", "7 0 1 2 3\n", /CSV text of 5 columns/, /loadtxt/, /tr -s ' ' ','/],
  ["t.csv", "0,1,2,3\n", /CSV text of 4 columns/, /loadtxt/, /--dataset alone/],
  ["a.png", latin1("\x89PNG\r\n\x1a\n"), /PNG/, /predict/, /predict/],
  ["a.jpg", latin1("\xff\xd8\xff\xe0"), /JPEG/, /\.png/, /batchwise predict/],
  ["a.gif", "GIF89a", /GIF/, /\.png/, /batchwise predict/],
  ["a.bmp", latin1("BM\x10\0\0\0\0\0\0\0"), /BMP/, /\.png/, /batchwise predict/],
  ["a.parquet", "PAR1", /Parquet/, /--dataset/, /--dataset alone/],
  ["a.arrow", "ARROW1\0\0", /Arrow/, /--dataset/, /from_file/],
  ["test_batch.bin", new Uint8Array(2 * 3_073), /CIFAR-10/, /--dataset/, /--dataset alone/],
  ["i", imageBytes(1), /IDX/, /--dataset/, /^$/],
  ["i.gz", gzipSync(imageBytes(1)), /IDX|gzip/, /--dataset/, /gzip -dk/],
  ["w.safetensors", latin1('\x40\0\0\0\0\0\0\0{"W1":'), /safetensors/, /^$/, /--weights/],
  ["m.onnx", latin1("\x08\x08\x12\x07pytorch"), /ONNX/, /^$/, /--weights/],
  [
    "t.pt",
    latin1("\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."),
    /PyTorch file/,
    /state_dict/,
    /--weights/,
  ],
  [
    "m.pkl",
    latin1("\x80\x02csklearn.svm\nSVC\nq\0."),
    /sklearn\.svm\.SVC/,
    /not a network of dense layers/,
    /--weights/,
  ],
  ["m.pkl", latin1("\x80\x02]q\0(K\x01K\x02e."), /pickle of a list/, /np\.savez/, /--weights/],
];

test("names each file, and says what to do with it as weights and as images", async (t) => {
  for (const [name, bytes, found, weights, images] of FILES) {
    const path = await temporaryFile(t, bytes, name);
    for (const [use, words] of [
      ["weights", weights],
      ["images", images],
    ] as const) {
      const known = await recognizeFile(path, { use, split: "test" });
      if (words.source === "^$") {
        t.is(known, undefined, `${name} as ${use}`);
        continue;
      }
      t.regex(known?.found ?? "", found, `${name} as ${use}`);
      t.regex(known?.nextStep ?? "", words, `${name} as ${use}`);
      t.notRegex(`${known?.found}${known?.nextStep}`, /\n/, name);
    }
  }
});

test("refuses such a file by the command line with exit status 3 and one line", async (t) => {
  for (const [name, bytes, found, weights, images] of FILES.filter(
    ([name], index) => index % 7 === 0 && !/^t\.[ct]sv$/.test(name),
  )) {
    const path = await temporaryFile(t, bytes, name);
    for (const [option, words] of [
      ["--weights", weights],
      ["--dataset", images],
    ] as const) {
      if (words.source === "^$") continue;
      const { status, stderr } = await runCli(["--quiet", option, path]);
      t.is(status, 3, stderr);
      const code = option === "--weights" ? "ERR_NETWORK_FORMAT" : "ERR_DATASET_FORMAT";
      t.true(stderr.startsWith(`batchwise: ${code}: `), stderr);
      t.is(stderr.trimEnd().split("\n").length, 1, stderr);
      t.regex(stderr, found);
      t.regex(stderr, words);
    }
  }
});

test("writes a path into a command so that a shell and Python read it back, and no control character", (t) => {
  t.is(python("my model.pt", "load(FILE)"), `python3 -c "load('my model.pt')"`);
  t.is(python("it's.pt", "load(FILE)"), `python3 -c "import sys; load(sys.argv[1])" 'it'\\''s.pt'`);
  for (const name of ["$(id).pt", "a`b.pt", 'a"b.pt', "a\\b.pt", "a!b.pt"]) {
    t.is(python(name, "load(FILE)"), `python3 -c "import sys; load(sys.argv[1])" '${name}'`);
  }
  t.is(python("a\u001b[2Jb.pt", "load(FILE)"), `python3 -c "load('FILE')"`);
  t.is(shellQuoted("a\nb"), "FILE");
  t.is(shellQuoted("./a-b_1.npz"), "./a-b_1.npz");
});

test("takes the one set below a folder, and names several", async (t) => {
  const put = async (folder: string, path: string, bytes: Uint8Array) => {
    const whole = join(folder, path);
    await mkdir(dirname(whole), { recursive: true });
    await writeFile(whole, bytes);
  };
  const [images, labels] = ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];
  const run = async (folder: string) => runCli(["--quiet", "--dataset", folder, "--weights", "bundled"]);
  const one = await temporaryFolder(t);
  const wide = Buffer.concat([idxHeader(0x08, [2, 28, 28]), new Uint8Array(2 * 784)]);
  await put(one, `data/MNIST/raw/${images}.gz`, gzipSync(wide));
  await put(one, `data/MNIST/raw/${labels}`, labelBytes(2));
  for (const folder of ["data", "data/MNIST", "data/MNIST/raw"])
    t.is((await run(join(one, folder))).status, 0, folder);
  const kaggle = await temporaryFolder(t);
  await put(kaggle, `${images}/${images}`, wide);
  await put(kaggle, `${labels}/${labels}`, labelBytes(2));
  t.is((await run(kaggle)).status, 0);
  await put(kaggle, `other/${images}`, wide);
  await put(kaggle, `other/${labels}`, labelBytes(2));
  const { status, stderr } = await run(kaggle);
  t.is(status, 3);
  t.regex(stderr, /ERR_DATASET_FILES: .*several sets lie below it: choose --dataset .*other or --dataset /);
});

test("points at EMNIST's files by its own names, and names what they do not state", async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "emnist-letters-test-images-idx3-ubyte.gz"), gzipSync(imageBytes(2)));
  const { status, stderr } = await runCli(["--quiet", "--dataset", folder]);
  t.is(status, 3);
  t.regex(stderr, /--labels .*emnist-letters-test-labels-idx1-ubyte.gz --transpose --label-offset -1/);
});

test("names the files of a folder that are read as images", async (t) => {
  const cases = [
    [["x_test.npy", "y_test.npy", "notes.md"], /one of its files: --dataset \S*x_test\.npy(?! or)/],
    [["mnist_test.csv", "set.mat"], /one of its files: --dataset \S*mnist_test\.csv(?! or)/],
    [["mnist.pkl.gz", "mnist.npz"], /--dataset \S*mnist\.npz or --dataset \S*mnist\.pkl\.gz/],
    [["test_images.npy", "test_labels.npy"], /--dataset \S*test_images\.npy(?! or)/],
    [
      ["odd-images-idx3-ubyte.gz", "odd-labels-idx1-ubyte.gz"],
      /--dataset \S*odd-images-idx3-ubyte\.gz(?! or)/,
    ],
    [["usps.h5"], /one of its files: --dataset \S*usps\.h5/],
  ] as const;
  for (const [names, next] of cases) {
    const folder = await temporaryFolder(t);
    for (const name of names) await writeFile(join(folder, name), "x");
    const { status, stderr } = await runCli(["--quiet", "--dataset", folder]);
    t.is(status, 3, stderr);
    t.regex(stderr, /^batchwise: ERR_DATASET_FILES: /);
    t.regex(stderr, next);
    t.notRegex(stderr, /python3/);
  }
});

test("names the files of a folder that was given as weights", async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "sample_weight.pkl"), "x");
  const { status, stderr } = await runCli(["--quiet", "--weights", folder]);
  t.is(status, 3);
  t.regex(stderr, /give one of its files: --weights .*sample_weight\.pkl/);
});

// Arrays that are refused as a network.

const [INPUTS, UNITS, CLASSES] = [12, 7, 3];
const zeros = (...shape: number[]) => npyFloats(shape, new Float32Array(shape.reduce((a, b) => a * b, 1)));
const LAYERS = {
  w1: zeros(INPUTS, UNITS),
  b1: zeros(UNITS),
  w2: zeros(UNITS, CLASSES),
  b2: zeros(CLASSES),
};

function npz(arrays: Readonly<Record<string, Buffer>>): Buffer {
  return zipFile(Object.entries(arrays).map(([name, content]) => ({ name: `${name}.npy`, content })));
}

test("arrays that are no network are refused with what would make them one", async (t) => {
  const wide = zeros(INPUTS);
  const whole = npyFile(npyDict("|i1", [INPUTS, UNITS]), new Uint8Array(INPUTS * UNITS));
  for (const [title, arrays, step] of [
    ["a scale of each unit", { gamma: zeros(UNITS) }, /save the layers by np\.savez/],
    [
      "a mean of each pixel",
      { mean: wide, std: wide },
      /mean and a deviation of each pixel: .*W1 \/ std\[:, None\]/,
    ],
    ["whole numbers", { w1: whole }, /multiply weights of whole numbers by their scales; save the layers/],
    [
      "convolutions",
      { w1: zeros(2, 1, 3, 3) },
      /only in the book's shapes or under PyTorch's names: state the layers with --architecture; or .*onnx\.export/,
    ],
  ] as const) {
    const path = await temporaryFile(t, npz({ ...LAYERS, ...arrays }), "m.npz");
    const { status, stderr } = await runCli(["--weights", path]);
    t.is(status, 3, title);
    t.regex(stderr, /^batchwise: ERR_(NETWORK|ARRAY)_\w+: /m, title);
    t.regex(stderr, step, title);
  }
});

/** What np.savez("cnn.npz", *model.get_weights()) writes of a convolution and a dense layer of Keras. */
const UNNAMED_CNN = {
  arr_0: zeros(5, 5, 1, 8),
  arr_1: zeros(8),
  arr_2: zeros(72, CLASSES),
  arr_3: zeros(CLASSES),
};

test("convolutions of Keras without names are called a network, and images without names are not", async (t) => {
  const path = await temporaryFile(t, npz(UNNAMED_CNN), "cnn.npz");
  const { status, stderr } = await runCli(["--weights", path]);
  t.is(status, 3);
  t.regex(stderr, /state the layers with --architecture/);
  t.notRegex(stderr, /these are images/);
  const images = { arr_0: zeros(20, 4, 4, 1), arr_1: zeros(20), arr_2: zeros(20, CLASSES) };
  const set = await runCli(["--weights", await temporaryFile(t, npz(images), "set.npz")]);
  t.regex(set.stderr, /these are images, not weights/);
});

test("only files of Keras with a model are sent to load_model", async (t) => {
  for (const [name, step] of [
    ["keras-2.weights.h5", /model\.load_weights.*state its layers with --architecture/],
    ["keras-3.h5", /load_model/],
  ] as const) {
    const path = await temporaryFile(t, await readFile(new URL(`keras/${name}`, FIXTURES)), "model.h5");
    t.regex((await recognizeFile(path, { use: "weights", split: "test" }))?.nextStep ?? "", step, name);
  }
});

test("a network given as images is sent to --weights, and images without names are not", async (t) => {
  const labels = npyFile(npyDict("|u1", [20]), new Uint8Array(20));
  for (const [arrays, step] of [
    [LAYERS, /this (is|looks like) a network.*: give it to --weights/],
    [{ arr_0: LAYERS.w1, arr_1: LAYERS.b1 }, /this looks like a network: give it to --weights/],
    [UNNAMED_CNN, /this looks like a network: give it to --weights/],
    [{ arr_0: zeros(20, 4, 4, 1), arr_1: labels, arr_2: zeros(20, 9) }, /x_test=.*d\['IMAGES'\]/],
    [{ arr_0: zeros(20, 9), arr_1: labels, arr_2: labels }, /x_test=.*d\['IMAGES'\].*y_test=d\['LABELS'\]/],
  ] as const) {
    const path = await temporaryFile(t, npz(arrays), "m.npz");
    const { status, stderr } = await runCli(["--dataset", path]);
    t.is(status, 3);
    t.regex(stderr, step);
  }
});
