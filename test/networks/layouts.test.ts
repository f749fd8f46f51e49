/** Layouts in which people keep the arrays of a network, written by NumPy, held against NumPy's own forward pass in float64. */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import type { Network } from "#src/base/contracts/network.js";
import type { ErrorCode } from "#src/base/errors.js";
import { createEngine } from "#src/engines/registry.js";
import { decodeCsv } from "#src/files/formats/csv-arrays.js";
import { decodeJson } from "#src/files/formats/json-arrays.js";
import { loadNetwork } from "#src/index.js";
import { foldPreprocessing } from "#src/networks/fold-maps.js";
import { runCli } from "../helpers/cli.js";
import { inCase } from "../helpers/in-case.js";
import { runPython } from "../helpers/python.js";
import { numpy, withNumpy } from "../helpers/python-writers.js";
import { temporaryFile, temporaryFolder } from "../helpers/temporary.js";
import { coded, codedAsync } from "./coded.js";

const [INPUTS, CLASSES, IMAGES] = [12, 3, 20];

/**
 * Writes every layout. `case` states the forward pass that its readers would assume, and what they would name.
 * Each layer of a network of 12-7-7-3 is (inputs × outputs) in W, (outputs × inputs) in T.
 */
const WRITE = `
import collections, json, os, pickle, sys
import numpy as np
os.chdir(sys.argv[1])
rng = np.random.default_rng(5)
x = rng.integers(0, 256, (${IMAGES}, ${INPUTS})).astype(np.uint8)
x.tofile("pixels.bin")
W = [rng.normal(0, 0.5, s) for s in ((12, 7), (7, 7), (7, 3))]
b = [rng.normal(0, 0.5, n) for n in (7, 7, 3)]
T = [w.T.copy() for w in W]
column = [v[:, None] for v in b]
row = [v[None, :] for v in b]
none = [0 * v for v in b]
act = {"relu": lambda v: np.maximum(v, 0), "sigmoid": lambda v: 1 / (1 + np.exp(-v)), "tanh": np.tanh, "identity": lambda v: v}
def forward(names, weights=W, biases=b):
    h = x / 255
    for w, v, name in zip(weights, biases, (*names, "identity")): h = act[name](h @ w + v)
    return h.ravel().tolist()
cases = []
def case(file, assumed="relu", names=None, biases=b, options=None, weights=W):
    cases.append({"file": file, "assumed": assumed, "options": options or {}, "logits": forward(names or [assumed] * 2, weights, biases)})
def save(file, arrays, *rest, **more):
    np.savez(file, **arrays); case(file, *rest, **more)
def dump(file, value, *rest, protocol=None, **more):
    pickle.dump(value, open(file, "wb"), protocol); case(file, *rest, **more)
def text(file, value, *rest, **more):
    json.dump(value, open(file, "w")); case(file, *rest, **more)
def named(weights, biases, w="W%d", v="b%d", first=1):
    return {k % (i + first): a for i in range(3) for k, a in ((w, weights[i]), (v, biases[i]))}
flat = lambda weights, biases: [a for pair in zip(weights, biases) for a in pair]

save("book.npz", named(W, b), "sigmoid")
save("rows.npz", named(W, row), "sigmoid")
save("columns.npz", named(T, column))
save("vectors.npz", named(T, b))
save("lower.npz", named(W, b, "w%d", "b%d"))
save("upper.npz", named(T, column, "W%d", "B%d"))
save("from zero.npz", {"layer_sizes": np.array([12, 7, 7, 3]), **named(T, b, "W_%d", "b_%d", 0)})
save("words.npz", named(W, b, "weights%d", "biases%d"))
save("kernels.npz", named(W, b, "dense_%d/kernel", "dense_%d/bias", 0))
save("torch.npz", named(T, b, "fc%d.weight", "fc%d.bias"))
save("torch turned.npz", named(W, b, "fc%d.weight", "fc%d.bias"))
save("numbers.npz", {**named(W, b), "epochs": np.array(5), "rate": np.array(0.1), "loss": np.zeros(50)}, "sigmoid")
save("no biases.npz", {f"W{i}": w for i, w in enumerate(T, 1)}, biases=none)
save("words alone.npz", {"w_input_hidden": T[0], "w_hidden_output": T[2]}, weights=[W[0], W[2]], biases=none[::2], names=["relu"])
np.savez("positional.npz", *flat(W, b)); case("positional.npz")
save("half.npz", named([w.astype("f2") for w in T], [v.astype("f2") for v in column]), weights=[w.astype("f2").astype("f8") for w in W], biases=[v.astype("f2").astype("f8") for v in b])
save("fortran.npz", named([np.asfortranarray(w) for w in T], column))

for protocol in range(6):
    dump(f"list {protocol}.pkl", flat(W, row), protocol=protocol)
    dump(f"ordered {protocol}.pkl", collections.OrderedDict(named(W, b)), "sigmoid", protocol=protocol)
dump("tuple.pkl", tuple(flat(T, column)))
dump("pairs.pkl", list(zip(T, column)))
dump("two lists.pkl", [W, b])
dump("lists.pkl", {"weights": W, "biases": row, "learning_rate": 0.1, "sizes": [12, 7, 7, 3], "name": "mine"})
dump("nested.pkl", {f"layer{i}": {"W": T[i - 1], "b": column[i - 1]} for i in (1, 2, 3)})
dump("params.pkl", {"params": named(T, column), "epoch": 5, "best": np.float64(0.97), "done": True, "note": None})
dump("keys.pkl", {i: {"w": W[i], "b": b[i]} for i in range(3)})
dump("plain lists.pkl", {"weights": [w.tolist() for w in T], "biases": [v.tolist() for v in b]})
dump("objects.pkl", {"weights": np.array(T, dtype=object), "biases": np.array(b, dtype=object)})
dump("stated.pkl", {**named(W, b), "activation": "tanh"}, None, names=["tanh", "tanh"])
dump("each stated.pkl", {"weights": W, "biases": b, "activations": ["tanh", "relu", "softmax"]}, None, names=["tanh", "relu"])
dump("requested.pkl", named(T, column), None, names=["relu", "tanh"], options={"activation": ["relu", "tanh"]})
dump("one requested.pkl", named(T, column), None, names=["tanh", "tanh"], options={"activation": "tanh"})
np.save("dict.npy", named(T, column), allow_pickle=True); case("dict.npy")
os.mkdir("beside"); dump("beside/weights.pkl", T, "sigmoid"); pickle.dump(column, open("beside/biases.pkl", "wb"))

lists = lambda arrays: [a.tolist() for a in arrays]
text("nielsen.json", {"sizes": [12, 7, 7, 3], "weights": lists(T), "biases": lists(column), "cost": "CrossEntropyCost"}, "sigmoid")
text("nielsen-plain.json", {"sizes": [12, 7, 7, 3], "weights": lists(T), "biases": lists(column)}, "sigmoid")
text("lists.json", {"weights": lists(W), "biases": lists(b)})
text("layers.json", {"layers": [{"weights": w, "biases": v} for w, v in zip(lists(T), lists(b))]})
text("named.json", {k: v.tolist() for k, v in named(W, b).items()}, "sigmoid")
text("torch.json", {k: v.tolist() for k, v in named(T, b, "layers.%d.weight", "layers.%d.bias").items()})
text("list.json", lists(flat(T, column)))
text("stated.json", {"activation": "tanh", "network": [{"w": w, "b": v} for w, v in zip(lists(T), lists(b))]}, None, names=["tanh", "tanh"])

for folder, comma in (("commas", ","), ("spaces", " "), ("semicolons", ";")):
    os.mkdir(folder)
    for k, v in named(T, b).items(): np.savetxt(f"{folder}/{k}.csv", v, delimiter=comma, header="of the epoch 5")
    case(folder)
os.mkdir("arrays")
for k, v in named(T, column).items(): np.save(f"arrays/{k}.npy", v)
np.save("arrays/sizes.npy", np.array([12, 7, 7, 3])); case("arrays")
print(json.dumps(cases))
`;

interface Case {
  readonly file: string;
  /** Activation that is an assumption; null if the file or an option states it. */
  readonly assumed: string | null;
  readonly options: Parameters<typeof loadNetwork>[1];
  readonly logits: readonly number[];
}

withNumpy("reads each layout as NumPy computes it, and names what was assumed", async (t) => {
  const folder = await temporaryFolder(t);
  const cases = runPython(numpy, WRITE, folder) as readonly Case[];
  t.true(cases.length > 45);
  const pixels = new Uint8Array(await readFile(join(folder, "pixels.bin")));
  let largest = 0;
  for (const { file, assumed, options, logits } of cases) {
    await inCase(t, file, async () => {
      const network = await loadNetwork(join(folder, file), options);
      const found = network.assumptions.flatMap(({ subject, what }) => (subject === "pixels" ? [] : [what]));
      t.deepEqual(found, assumed === null ? [] : [`${assumed} between layers`]);
      const answer = new Float64Array(IMAGES * CLASSES);
      await (await createEngine("reference", foldPreprocessing(network))).forward(pixels, IMAGES, answer);
      t.is(logits.length, answer.length);
      for (const [index, logit] of logits.entries()) {
        largest = Math.max(largest, Math.abs(logit - (answer[index] ?? Number.NaN)));
      }
      t.true(largest < 1e-12, `${largest}`);
    });
  }
  t.log(`${cases.length} layouts, largest difference of logits ${largest.toExponential(1)}`);
});

const json = (value: unknown) => JSON.stringify(value);
const matrix = (rows: number, columns: number) =>
  Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) => row - column + 0.5),
  );

async function loaded(t: ExecutionContext, value: unknown, options = {}) {
  return loadNetwork(await temporaryFile(t, json(value), "n.json"), options);
}

test("names an orientation that shapes leave open, and numbers that may have standardized pixels", async (t) => {
  const square = { w1: matrix(4, 4), b1: [0.5, 0, 1, 2], w2: matrix(4, 4), b2: [0.5, 0, 1, 2] };
  t.deepEqual(
    (await loaded(t, square)).assumptions.map(({ what }) => what),
    ["relu between layers", "weights (inputs × outputs)", "pixels ÷ 255"],
  );
  const standardized = { W1: matrix(6, 2), b1: [0.5, 0], mean: 0.13, std: 0.31 };
  t.deepEqual(
    (await loaded(t, standardized)).assumptions.map(({ what }) => what),
    ["pixels ÷ 255 without its mean, std"],
  );
  t.deepEqual((await loaded(t, standardized, { mean: 0.13, std: 0.31 })).assumptions, []);
  const scaled = { w1: matrix(6, 2), s1: [0.5, 0] };
  t.deepEqual(
    (await loaded(t, scaled)).assumptions.map(({ what }) => what),
    ["s1 as biases", "pixels ÷ 255"],
  );
  // Without biases, the inputs are the longer side.
  t.deepEqual(
    (await loaded(t, { w: matrix(3, 8) })).layers.map(({ inputs, outputs }) => [inputs, outputs]),
    [[8, 3]],
  );
});

const LAYERS = { w1: matrix(6, 4), b1: [0.5, 0, 1, 2], w2: matrix(4, 3), b2: [0.5, 0, 1] };

test("refuses arrays that a layer could need and that no reader knows", async (t) => {
  const { w1, b1, w2, b2 } = LAYERS;
  for (const [title, value] of Object.entries({
    "a scale of a layer": { ...LAYERS, gamma1: b1 },
    "a moving mean": { ...LAYERS, running_mean: b1 },
    "a mean of each pixel": { ...LAYERS, mean: [0.5, 0, 1, 2, 3, 4] },
    "a bias that is missing": { w1, b1, w2 },
    "a layer that is missing": { w1, b1, w3: w2, b3: b2 },
    "a third matrix": { ...LAYERS, momentum: w1 },
    gradients: { ...LAYERS, dw1: w1, dw2: w2 },
    "sizes that the weights contradict": { ...LAYERS, sizes: [6, 5, 3] },
    "biases of whole numbers": { w1, b1: [1, 2, 3, 4], w2, b2: [1, 2, 3] },
    "layers of one size without numbers": { a: matrix(4, 4), b: matrix(4, 4), c: matrix(4, 2) },
    "shapes that do not chain": { w1, b1, w2: matrix(5, 3), b2 },
    convolutions: { w1: [[matrix(3, 3)]], b1: [0.5] },
  })) {
    await inCase(t, `refuses ${title}`, async () => {
      const error = await t.throwsAsync<Error & { code: ErrorCode }>(loaded(t, value));
      t.regex(error.code, /^ERR_NETWORK_(KEYS|CHAIN|RANK|ORDER)$/, error.message);
      t.notRegex(error.message, /\n/);
    });
  }
});

test("reads JSON within limits, and names the byte of a fault", async (t) => {
  await inCase(t, "reads numbers of every form, and texts", () => {
    const bytes = Buffer.from(
      '\ufeff {"a.w": [[-0.5, 1e2], [2E-1 ,3.25]],\r\n"n": NaN, "t": "\\u0041", "e": []}',
    );
    const { arrays, texts } = decodeJson("n", bytes);
    t.deepEqual(arrays.get("a.w")?.shape, [2, 2]);
    t.deepEqual([...(arrays.get("a.w")?.data ?? [])], [-0.5, 100, 0.2, 3.25]);
    t.deepEqual([...(arrays.get("n")?.data ?? [])], [Number.NaN]);
    t.deepEqual([...texts], [["t", "A"]]);
  });

  await inCase(t, "keeps lists of different lengths one by one", () => {
    const { arrays } = decodeJson("n", Buffer.from("[[[1, 2.5]], [[3.5], [4]], [5.5]]"));
    t.deepEqual(
      [...arrays].map(([name, { shape, data }]) => [name, shape, [...data]]),
      [
        ["0", [1, 2], [1, 2.5]],
        ["1", [2, 1], [3.5, 4]],
        ["2", [1], [5.5]],
      ],
    );
  });

  for (const [text, offset, expected] of [
    ['{"a": [1, 2', 11, /a comma or \]/],
    ['{"a": [1, 2]} x', 14, /the end of the file/],
    ['{"a": 01}', 6, /a value of JSON/],
    ['{"a": [1,]}', 9, /a value of JSON/],
    ['{"a" 1}', 5, /a colon/],
    ["{1: 2}", 1, /a key in quotes/],
    ['{"a": 1, "a": 2}', 12, /each key once/],
    ['{"a": "x', 6, /the end of a text/],
    ['{"a": "\\x"}', 6, /a text of JSON/],
    [`[${"1".repeat(1_101)}]`, 1_101, /fewer digits/],
    ["[".repeat(40), 17, /nesting at most 16 deep/],
    [`[${"{},".repeat(20_000)}{}]`, 49_155, /at most 16384 keys/],
  ] as const) {
    await inCase(t, `refuses ${text.slice(0, 20)}`, () => {
      const { facts, message } = coded(t, () => decodeJson("n", Buffer.from(text)), "ERR_WEIGHTS_TEXT");
      t.like(facts, { path: "n", offset });
      t.regex(message, expected);
    });
  }

  await inCase(t, "refuses JSON without weights by its name", async () => {
    for (const text of ['{"a": 1}', "[]", '{"cells": [], "nbformat": 4}']) {
      const path = await temporaryFile(t, text, "n.json");
      t.regex((await codedAsync(t, loadNetwork(path), "ERR_NETWORK_FORMAT")).message, /JSON|notebook/);
    }
  });
});

test("reads a CSV file as NumPy and others write it, and names the line of a fault by its byte", (t) => {
  const read = (text: string) => decodeCsv("W1.csv", Buffer.from(text));
  t.deepEqual(read("\ufeff# a comment\r\n1, 2.5e0\r\n\r\n-.5\t+3.\n"), {
    shape: [2, 2],
    data: Float64Array.of(1, 2.5, -0.5, 3),
  });
  t.deepEqual(read("nan;-inf"), {
    shape: [1, 2],
    data: Float64Array.of(Number.NaN, Number.NEGATIVE_INFINITY),
  });
  for (const [text, offset, expected] of [
    ["1,2\n3\n", 4, /2 numbers, as in the first row/],
    ["a,b\n1,2\n", 0, /numbers alone, found "a"/],
    ["1,0x10\n", 0, /numbers alone, found "0x10"/],
    ["1,,2\n2", 0, /numbers alone, found ""/],
    ["# nothing\n", 0, /rows of numbers/],
    [`1${" ".repeat(2 ** 22)}`, 0, /a line of at most/],
  ] as const) {
    const error = coded(t, () => read(text), "ERR_WEIGHTS_TEXT");
    t.like(error.facts, { path: "W1.csv", offset });
    t.regex(error.message, expected);
  }
});

/** The first bias of each layer. */
const firstBiases = ({ layers }: Pick<Network, "layers">) =>
  layers.map((layer) => ("biases" in layer ? layer.biases[0] : undefined));

test("reads biases beside a file of weights only under the names of both", async (t) => {
  const folder = await temporaryFolder(t);
  const weights = [matrix(4, 6), matrix(3, 4)];
  await writeFile(join(folder, "weights.json"), json(weights));
  const alone = await loadNetwork(join(folder, "weights.json"));
  t.deepEqual(firstBiases(alone), [0, 0]);
  await writeFile(
    join(folder, "biases.json"),
    json([
      [0.5, 1, 2, 3],
      [0.25, 1, 2],
    ]),
  );
  const both = await loadNetwork(join(folder, "weights.json"));
  t.deepEqual(firstBiases(both), [0.5, 0.25]);
  t.not(both.sha256, alone.sha256);
  await writeFile(join(folder, "net.json"), json(weights));
  t.deepEqual(firstBiases(await loadNetwork(join(folder, "net.json"))), [0, 0]);
  await writeFile(join(folder, "biases.json"), json([[0.5, 1]]));
  await codedAsync(t, loadNetwork(join(folder, "weights.json")), "ERR_NETWORK_KEYS");
});

test("takes one activation for each hidden layer, and no other number of them", async (t) => {
  const { w1, b1, w2, b2 } = LAYERS;
  const value = { w1, b1, w2, b2, w3: matrix(3, 2), b3: [0.5, 0] };
  const network = await loaded(t, value, { activation: ["tanh", "relu"] });
  t.deepEqual(
    network.layers.map(({ activation }) => activation),
    ["tanh", "relu", "identity"],
  );
  for (const activation of [["tanh"], ["tanh", "relu", "relu"]]) {
    const { message } = await codedAsync(t, loaded(t, value, { activation }), "ERR_OPTION_VALUE");
    t.regex(message, /--activation: expected one activation for each of 2 hidden layers, found "tanh/);
  }
  const stated = { ...value, activation: "tanh" };
  const { message } = await codedAsync(
    t,
    loaded(t, stated, { activation: ["tanh", "relu"] }),
    "ERR_OPTION_VALUE",
  );
  t.regex(message, /--activation: expected tanh, which .* names, found "tanh,relu"/);
  await codedAsync(t, loaded(t, value, { activation: ["tanh", "softmax"] }), "ERR_ARGUMENT");
  await codedAsync(t, loaded(t, value, { activation: "softmax" }), "ERR_OPTION_UNKNOWN");
  await codedAsync(t, loaded(t, value, { activation: [] }), "ERR_ARGUMENT");

  const path = await temporaryFile(t, json({ ...LAYERS, w3: matrix(3, 2), b3: [0.5, 0] }), "n.json");
  const out = join(await temporaryFolder(t), "out.onnx");
  const { status, stderr } = await runCli(["convert", path, out, "--activation", "tanh,relu"]);
  t.is(status, 0, stderr);
  t.deepEqual(
    (await loadNetwork(out)).layers.map(({ activation }) => activation),
    ["tanh", "relu", "identity"],
  );
});
