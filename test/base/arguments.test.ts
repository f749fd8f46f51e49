/** Every public call refuses keys that it does not know, and values of another kind, before it reads anything. */
import { createRequire } from "node:module";
import test from "ava";
import { UsageError } from "#src/base/errors.js";
import * as library from "#src/index.js";
import { inCase } from "../helpers/in-case.js";
import { randomDataset, randomNetwork } from "../helpers/random.js";

const dataset = randomDataset(20);
const network = randomNetwork([64, 20, 10]);
const pixels = new Uint8Array(64);
const pending = Promise.resolve({});

type Call = (...given: readonly unknown[]) => unknown;

/** As JavaScript calls it: TypeScript would refuse most of what is tried here. */
function call(name: string, given: readonly unknown[]): unknown {
  const found: unknown = Object.entries(library).find(([exported]) => exported === name)?.[1];
  return (found as Call)(...given);
}

async function refusal(name: string, given: readonly unknown[]): Promise<UsageError> {
  try {
    await call(name, given);
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error(`${name} took ${given.map(String).join(", ")}`);
}

/** A call's arguments with one misspelt key, and what it may have been. */
const MISSPELT: Readonly<Record<string, readonly (readonly [given: readonly unknown[], meant: string])[]>> = {
  evaluate: [
    [[{ weight: "mine.pkl" }], "weights"],
    [[{ datset: "mine" }], "dataset"],
    [[{ "batch-size": 10 }], "batchSize"],
    [[{ timeout: 10 }], "timeoutSeconds"],
    [[{ weight: undefined }], "weights"],
    [[Object.create({ weight: "inherited.pkl" })], "weights"],
    [[{}, { onProgess() {} }], "onProgress"],
    [[{}, { onslab() {} }], "onSlab"],
  ],
  openEvaluator: [
    [[{ weight: "mine.pkl" }], "weights"],
    [[{}, { onstart() {} }], "onStart"],
  ],
  compare: [
    [[{ a: "bundled", b: "bundled", datset: "x" }], "dataset"],
    [[{ a: "bundled", b: "bundled" }, { onProgess() {} }], "onProgress"],
  ],
  check: [
    [["suite.json", { thread: 1 }], "threads"],
    [["suite.json", {}, { onEntries() {} }], "onEntry"],
  ],
  diagnose: [
    [[{ weight: "mine.pkl" }], "weights"],
    [[{ labeloffset: 1 }], "labelOffset"],
    [[{}, { onTryed() {} }], "onTried"],
  ],
  fitPreprocessing: [
    [[{ dataset: "x", weights: "y", normalise: "standardize" }], "normalize"],
    [[{ dataset: "x", weights: "y", normalize: "standardize" }, { ondownload() {} }], "onDownload"],
  ],
  loadNetwork: [
    [["bundled", { activaton: "relu" }], "activation"],
    [["bundled", { activation: "rleu" }], "relu"],
    [["bundled", { normalize: "scael" }], "scale"],
  ],
  openDataset: [
    [[{ dataset: "bundled", split: "test", label: "x" }], "labels"],
    [[{ dataset: "bundled", split: "tset" }], "test"],
  ],
  loadMnist: [
    [[{ one_hot_label: true }], "oneHotLabel"],
    [[{ normalise: false }], "normalize"],
  ],
  readIdx: [[["file", { dtyp: "u8" }], "dtype"]],
};

/** A call's arguments of which one is of another kind, and what the message says of it. */
const OTHER_KINDS: Readonly<
  Record<string, readonly (readonly [given: readonly unknown[], message: string])[]>
> = {
  evaluate: [
    [["mine.pkl"], 'evaluate: options: expected a plain object, found "mine.pkl"'],
    [[null], "evaluate: options: expected a plain object, found null"],
    [[[]], "evaluate: options: expected a plain object, found a list"],
    [
      [new Map([["weights", "x"]])],
      "evaluate: options: expected a plain object, found an object of class Map",
    ],
    [
      [pending],
      "evaluate: options: expected a plain object, found a promise, which await turns into its value",
    ],
    [[{}, () => {}], "evaluate: hooks: expected a plain object, found a function"],
    [[{ dataset: 5 }], "evaluate: dataset: expected a string, or an open data set, found 5"],
    [
      [{ dataset: new URL("file:///a") }],
      'evaluate: dataset: expected a string, or an open data set, found an object of class URL whose "facts" is nothing',
    ],
    [
      [{ dataset: { ...dataset, slabs: undefined } }],
      'evaluate: dataset: expected a string, or an open data set, found an object whose "slabs" is nothing',
    ],
    [
      [{ weights: pending }],
      "evaluate: weights: expected a string, or a loaded network, found a promise, which await turns into its value",
    ],
    [[{ weights: null }], "evaluate: weights: expected a string, or a loaded network, found null"],
    [
      [{ weights: { ...network, layers: [] } }],
      'evaluate: weights: expected a string, or a loaded network, found an object whose "layers" is an empty list',
    ],
    [
      [{ weights: { ...network, layers: [{ ...network.layers[0], biases: new Float64Array(3) }] } }],
      'evaluate: weights: expected a string, or a loaded network, found an object whose "layers" is a list with a layer of 64 inputs and 20 outputs with 1280 weights and 3 biases',
    ],
    [
      [{ weights: { ...network, layers: [network.layers[0], network.layers[0]] } }],
      "evaluate: weights: expected a string, or a loaded network, found one whose layer 2 reads 64 numbers of 20",
    ],
    [[{ labels: true }], "evaluate: labels: expected a string, or false, found true"],
    [[{ threads: true }], "evaluate: threads: expected a number, found true"],
    [[{ limit: 10n }], "evaluate: limit: expected a number, found 10"],
    [[{ warm: "yes" }], 'evaluate: warm: expected true or false, found "yes"'],
    [[{ engine: 1 }], "evaluate: engine: expected a string, found 1"],
    [
      [{ shard: { index: 1, cuont: 2 } }],
      'evaluate: shard: expected a string, or a shard, found an object whose "count" is nothing',
    ],
    [
      [{}, { signal: new AbortController() }],
      "evaluate: signal: expected an AbortSignal, found an object of class AbortController",
    ],
    [[{}, { onProgress: true }], "evaluate: onProgress: expected a function, found true"],
    [
      [{}, { log: {} }],
      'evaluate: log: expected a log with debug, info and warn, found an object whose "debug" is nothing',
    ],
  ],
  openEvaluator: [[["bundled"], 'openEvaluator: options: expected a plain object, found "bundled"']],
  compare: [
    [[{ a: "bundled" }], "compare: b: expected a string, or a loaded network, found nothing"],
    [[], "compare: a: expected a string, or a loaded network, found nothing"],
    [["a", "b"], 'compare: options: expected a plain object, found "a"'],
  ],
  check: [
    [[{ evaluations: [] }], "check: path: expected a string, found an object"],
    [["suite.json", { offline: 1 }], "check: offline: expected true or false, found 1"],
  ],
  fitPreprocessing: [
    [[{ dataset: "x", weights: "y" }], "fitPreprocessing: normalize: expected a string, found nothing"],
    [[undefined], "fitPreprocessing: dataset: expected a string, or an open data set, found nothing"],
  ],
  loadNetwork: [
    [[5], "loadNetwork: source: expected a string, found 5"],
    [["bundled", "relu"], 'loadNetwork: options: expected a plain object, found "relu"'],
  ],
  openDataset: [
    [["bundled"], 'openDataset: options: expected a plain object, found "bundled"'],
    [[{ dataset: "bundled" }], "openDataset: split: expected test or train or val, found nothing"],
  ],
  loadMnist: [[["mnist"], 'loadMnist: options: expected a plain object, found "mnist"']],
  readIdx: [
    [[new URL("file:///a")], "readIdx: path: expected a string, found an object of class URL"],
    [["a", { rank: "3" }], 'readIdx: rank: expected a whole number from 1, found "3"'],
  ],
  mergeParts: [
    [["a.json"], 'mergeParts: paths: expected a list of paths, found "a.json"'],
    [[[]], "mergeParts: paths: expected a list of paths, found an empty list"],
    [[[1]], "mergeParts: paths: expected a list of paths, found a list with 1"],
  ],
  score: [
    [[{ labels: "y.npy" }], "score: predictions: expected a string, found nothing"],
    [[{ predictions: "p.npy", labels: false }], "score: labels: expected a string, found false"],
  ],
  predict: [
    [["bundled", pixels], 'predict: network: expected a loaded network, found "bundled"'],
    [
      [pending, pixels],
      "predict: network: expected a loaded network, found a promise, which await turns into its value",
    ],
    [
      [network, Array(64).fill(0)],
      "predict: images: expected a Uint8Array, a Float32Array or a Float64Array, or an object with one as data and a shape, found a list",
    ],
    [
      [network, { data: pixels, shape: [2, 64] }],
      "predict: images: expected a Uint8Array, a Float32Array or a Float64Array, or an object with one as data and a shape, found 64 numbers of the shape (2, 64)",
    ],
    [
      [network, new Float32Array(64).fill(255)],
      "predict: images: expected floating-point pixels from 0 to 1, or bytes in a Uint8Array, found 255",
    ],
  ],
  imgShow: [
    [[Array(784).fill(0)], "imgShow: pixels: expected a Uint8Array, or a Float32Array, found a list"],
    [[pixels, [8, 8]], "imgShow: shape: expected an object with rows and columns, found a list"],
    [[pixels], "imgShow: pixels: expected 784 of 28 rows and 28 columns, found 64"],
  ],
};

/** Classes that are constructed, and the book's two functions of plain numbers. */
const UNCHECKED = new Set(["sigmoid", "softmax"]);

test("every function of the library is tried here", (t) => {
  const functions = Object.entries(library)
    .filter(([name, value]) => typeof value === "function" && /^[a-z]/.test(name) && !UNCHECKED.has(name))
    .map(([name]) => name);
  const tried = new Set([...Object.keys(MISSPELT), ...Object.keys(OTHER_KINDS)]);
  t.deepEqual(functions.sort(), [...tried].sort());
});

test("each call refuses a misspelt key or word, and suggests the right one", async (t) => {
  for (const [name, cases] of Object.entries(MISSPELT)) {
    await inCase(t, `${name} refuses a misspelt key or word, and suggests the right one`, async () => {
      for (const [given, meant] of cases) {
        const error = await refusal(name, given);
        t.is(error.code, "ERR_OPTION_UNKNOWN");
        t.is(error.exitStatus, 2);
        t.regex(error.message, new RegExp(`^unknown \\w+ of ${name} "[^"]+": did you mean "${meant}"\\?$`));
      }
    });
  }
});

test("each call refuses a value of another kind, and names what was expected and found", async (t) => {
  for (const [name, cases] of Object.entries(OTHER_KINDS)) {
    await inCase(
      t,
      `${name} refuses a value of another kind, and names what was expected and found`,
      async () => {
        for (const [given, message] of cases) {
          const error = await refusal(name, given);
          t.is(error.code, "ERR_ARGUMENT");
          t.is(error.exitStatus, 2);
          t.is(error.message, message);
        }
      },
    );
  }
});

test("a call refuses options of a sibling that it does not take itself, and lists its own", async (t) => {
  for (const [name, given] of [
    ["openEvaluator", { resume: "journal" }],
    ["openEvaluator", { warm: true }],
    ["compare", { a: "bundled", b: "bundled", probabilities: true }],
  ] as const) {
    const { code, message } = await refusal(name, [given]);
    t.is(code, "ERR_OPTION_UNKNOWN");
    t.regex(message, /: expected one of dataset, labels, /);
  }
});

test("a run of an evaluator is checked too, and the evaluator can still be used", async (t) => {
  const evaluator = await library.openEvaluator({ dataset, weights: network, threads: 0 });
  t.teardown(() => evaluator.close());
  const run = evaluator.run as Call;
  await t.throwsAsync(async () => run({ batchsize: 7 }), {
    code: "ERR_OPTION_UNKNOWN",
    message: /batchSize/,
  });
  await t.throwsAsync(async () => run(7), { code: "ERR_ARGUMENT" });
  t.is((await evaluator.run({ batchSize: 7 })).run.batches, 3);
});

test("takes what is undefined or inherited, and whatever else an object has", async (t) => {
  const options = Object.assign(Object.create({ dataset, threads: 0 }), {
    weights: network,
    limit: undefined,
  });
  const { result } = await library.evaluate(options, { signal: new AbortController().signal, log: console });
  t.is(result.total, 20);
  const more = { ...dataset, mine: 1 };
  t.is((await library.evaluate({ dataset: more, weights: network, threads: "0" })).result.total, 20);
});

test("an object made in another realm is as plain as one of this", async (t) => {
  const { runInNewContext } = createRequire(import.meta.url)("node:vm");
  const { code } = await refusal("evaluate", [runInNewContext("({ weight: 'x' })")]);
  t.is(code, "ERR_OPTION_UNKNOWN");
});
