/** Options, shards, and what makes two runs the same. */
import test from "ava";
import { DatasetError, UsageError } from "#src/base/errors.js";
import { parseShard } from "#src/base/options/values.js";
import { resolveOptions, shardOf } from "#src/evaluate/options.js";
import { firstDifference, identityKey, identityOf } from "#src/evaluate/run-identity.js";
import { compare, diagnose, evaluate, openEvaluator } from "#src/index.js";
import { randomDataset, randomNetwork } from "../helpers/random.js";

test("a plain evaluation asks for no probabilities and no bootstrap", (t) => {
  const { probabilities, topK, bootstrap, seed } = resolveOptions({}, 2);
  t.deepEqual(
    { probabilities, topK, bootstrap, seed },
    { probabilities: false, topK: undefined, bootstrap: 0, seed: 1 },
  );
});

test("top k, calibration and probabilities ask for probabilities, which simd leaves to ml-matrix", (t) => {
  for (const input of [{ topK: "1" }, { calibration: true }, { probabilities: true }]) {
    const { probabilities, engine } = resolveOptions({ ...input, engine: "simd" }, 2);
    t.deepEqual([probabilities, engine], [true, "ml-matrix"], JSON.stringify(input));
    t.is(resolveOptions({ ...input, engine: "reference" }, 2).engine, "reference");
  }
});

test("options that were resolved mean the same when they are resolved again", (t) => {
  for (const input of [{}, { topK: 3 }, { calibration: true, bootstrap: 10, seed: 4 }]) {
    const options = resolveOptions(input, 2);
    t.deepEqual(resolveOptions({ ...options, timeoutSeconds: options.timeoutMs / 1000 }, 2), options);
  }
});

test("refuses values out of range, and scores without labels", (t) => {
  for (const input of [
    { topK: 0 },
    { topK: "2.5" },
    { bootstrap: -1 },
    { bootstrap: 1_000_001 },
    { bootstrap: 9, seed: 2 ** 32 },
    { bootstrap: 9, seed: "x" },
  ]) {
    const refused = { instanceOf: UsageError, code: "ERR_OPTION_VALUE" };
    t.throws(() => resolveOptions(input, 2), refused, JSON.stringify(input));
  }
  for (const [option, input] of [
    ["--top-k", { topK: 3 }],
    ["--calibration", { calibration: true }],
    ["--bootstrap", { bootstrap: 10 }],
  ] as const) {
    t.throws(() => resolveOptions({ ...input, labels: false }, 2), {
      instanceOf: UsageError,
      code: "ERR_USAGE",
      message: new RegExp(`^${option} .* --no-labels`),
    });
  }
});

test("shards follow each other without gap or overlap, and differ by one image at most", (t) => {
  for (const [limit, count] of [
    [10, 3],
    [10_000, 7],
    [5, 5],
    [1, 1],
    [4_294_967_295, 999],
  ] as const) {
    let next = 42;
    const sizes = new Set<number>();
    for (let index = 1; index <= count; index++) {
      const range = shardOf({ offset: 42, limit }, { index, count });
      t.is(range.offset, next);
      next += range.limit;
      sizes.add(range.limit);
    }
    t.is(next, 42 + limit);
    t.true(Math.max(...sizes) - Math.min(...sizes) <= 1);
  }
});

test("refuses to cut fewer images than shards", (t) => {
  const error = t.throws(() => shardOf({ offset: 0, limit: 3 }, { index: 1, count: 4 }), {
    instanceOf: DatasetError,
    code: "ERR_SHARD_EMPTY",
  });
  t.regex(error?.message ?? "", /found 3 for 4/);
});

test("reads i/n, and refuses all that is none", (t) => {
  t.deepEqual(parseShard("2/3"), { index: 2, count: 3 });
  for (const text of ["0/3", "4/3", "1", "1/0", "-1/3", "1/3/5", "1.5/3", " 1/3", ""]) {
    t.throws(() => parseShard(text), { instanceOf: UsageError, code: "ERR_OPTION_VALUE" }, text);
  }
});

const pair = { dataset: randomDataset(10), network: randomNetwork([64, 20, 10]), classes: 10 };
const WHOLE = { offset: 0, limit: 10 };
const OPTIONS = {
  engine: "ml-matrix",
  probabilities: false,
  topK: undefined,
  bootstrap: 0,
  seed: 1,
} as const;
const identity = await identityOf(pair, WHOLE, OPTIONS);

test("a run is the same whatever engine of the same predictions computes it", async (t) => {
  t.is(identityKey(identity), identityKey(await identityOf(pair, WHOLE, { ...OPTIONS, engine: "simd" })));
  t.is(firstDifference(identity, JSON.parse(JSON.stringify(identity))), undefined);
});

test("whatever changes the answer makes another run, and is named", async (t) => {
  const { dataset, network } = pair;
  const scaled = { ...network, preprocessing: { kind: "none" } as const };
  const others = [
    ["arithmetic", await identityOf(pair, WHOLE, { ...OPTIONS, engine: "onnx" })],
    ["limit", await identityOf(pair, { offset: 0, limit: 9 }, OPTIONS)],
    ["topK", await identityOf(pair, WHOLE, { ...OPTIONS, topK: 2 })],
    [
      "dataset",
      await identityOf(
        { ...pair, dataset: { ...dataset, sha256: async () => "2".repeat(64) } },
        WHOLE,
        OPTIONS,
      ),
    ],
    [
      "network",
      await identityOf({ ...pair, network: { ...network, sha256: "3".repeat(64) } }, WHOLE, OPTIONS),
    ],
    ["preprocessing", await identityOf({ ...pair, network: scaled }, WHOLE, OPTIONS)],
    [
      "labelled",
      await identityOf(
        { ...pair, dataset: { ...dataset, facts: { ...dataset.facts, labelsPath: undefined } } },
        WHOLE,
        OPTIONS,
      ),
    ],
    [
      "activations",
      await identityOf({ ...pair, network: randomNetwork([64, 20, 10], "relu") }, WHOLE, OPTIONS),
    ],
  ] as const;
  for (const [what, other] of others) {
    t.is(firstDifference(identity, other)?.what, what);
    t.not(identityKey(other), identityKey(identity));
  }
  t.is(new Set(others.map(([, other]) => identityKey(other))).size, others.length);
});

test("its key does not hang on the order in which its facts were written", (t) => {
  const turned = Object.fromEntries(Object.entries(identity).reverse());
  t.is(identityKey(turned as unknown as typeof identity), identityKey(identity));
});

test("a word that an option does not have compiles in no call, and is refused by each with a suggestion", async (t) => {
  const refused = { instanceOf: UsageError, code: "ERR_OPTION_UNKNOWN" };
  const calls: readonly [call: () => Promise<unknown>, meant: string][] = [
    // @ts-expect-error: no engine is called so.
    [() => evaluate({ engine: "smid" }), "simd"],
    // @ts-expect-error: no split is called so.
    [() => evaluate({ split: "tset" }), "test"],
    // @ts-expect-error: no activation is called so.
    [() => openEvaluator({ activation: "rleu" }), "relu"],
    // @ts-expect-error: no engine is called so.
    [() => compare({ a: "bundled", b: "bundled", engine: "refrence" }), "reference"],
    // @ts-expect-error: no normalization is called so.
    [() => diagnose({ normalize: "scael" }), "scale"],
    // @ts-expect-error: no option is called so.
    [() => evaluate({ batchsize: 10 }), "batchSize"],
  ];
  for (const [call, meant] of calls) {
    const { message = "" } = (await t.throwsAsync(call, refused)) ?? {};
    t.true(message.includes(`did you mean "${meant}"?`), message);
  }
});

test("options that an open data set or a loaded network would ignore are refused", async (t) => {
  const dataset = randomDataset(20);
  const weights = randomNetwork([64, 8, 10]);
  const facts = { ...dataset.facts, labelsPath: undefined };
  for (const [input, problem] of [
    [{ dataset, labels: "labels" }, "labels has no effect on an open data set: give it to openDataset"],
    [{ dataset, labels: false }, "labels has no effect on an open data set"],
    [{ dataset, classes: "names" }, "classes has no effect on an open data set"],
    [{ dataset, split: "train" }, "split has no effect on an open data set"],
    [{ weights, activation: "relu" }, "activation has no effect on a loaded network: give it to loadNetwork"],
  ] as const) {
    const { message = "" } = (await t.throwsAsync(evaluate({ ...input }), { code: "ERR_USAGE" })) ?? {};
    t.true(message.startsWith(problem), message);
  }
  // What is true of them already changes nothing.
  t.notThrows(() => resolveOptions({ dataset, split: "test", weights, activation: "sigmoid" }, 1));
  t.notThrows(() => resolveOptions({ dataset: { ...dataset, facts }, labels: false }, 1));
});

test("options that exclude each other are refused, with the reason, in the library too", async (t) => {
  for (const [input, problem] of [
    [{ labels: false, topK: 2 }, "--top-k and --no-labels exclude each other"],
    [{ labels: false, labelOffset: 1 }, "--label-offset and --no-labels exclude each other"],
    [{ mean: 0.1 }, "--mean needs --std"],
    [{ mean: 0.1, std: 0.3, normalize: "scale" }, "--mean and --normalize scale exclude each other"],
    [{ seed: 2 }, "--seed needs --bootstrap"],
    [{ seed: 2, bootstrap: 0 }, "--seed needs --bootstrap"],
  ] as const) {
    const { message = "" } = (await t.throwsAsync(evaluate({ ...input }), { code: "ERR_USAGE" })) ?? {};
    t.true(message.startsWith(problem), message);
  }
  // Neutral values state nothing.
  t.notThrows(() =>
    resolveOptions({ labels: false, bootstrap: 0, labelOffset: "0", calibration: false, seed: "1" }, 1),
  );
});
