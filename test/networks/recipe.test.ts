/** The recipe in a file's metadata: written and read back whole, or refused; and what becomes of a wish for another. */
import test from "ava";
import type { Preprocessing } from "../../src/contracts/preprocessing.js";
import { choosePreprocessing, preprocessingMetadata, readPreprocessing } from "../../src/networks/recipe.js";
import { coded } from "./coded.js";

const RECIPES: readonly Preprocessing[] = [
  { kind: "none" },
  { kind: "scale" },
  { kind: "standardize", mean: 0.1 + 0.2, std: 1e-7 / 3 },
  { kind: "standardize", mean: 0, std: 1 },
  { kind: "whiten-zca", epsilon: 0.1, folded: true },
  { kind: "whiten-pca", epsilon: 1e-6, folded: true },
];

test("reads back to the last bit what it wrote", (t) => {
  for (const recipe of RECIPES) {
    t.deepEqual(readPreprocessing("a", new Map(Object.entries(preprocessingMetadata(recipe)))), recipe);
  }
});

test("writes texts alone, under these names", (t) => {
  t.deepEqual(preprocessingMetadata({ kind: "standardize", mean: 0.5, std: 0.25 }), {
    normalize: "standardize",
    mean: "0.5",
    std: "0.25",
  });
  t.deepEqual(preprocessingMetadata({ kind: "whiten-zca", epsilon: 0.1, folded: true }), {
    normalize: "whiten-zca",
    epsilon: "0.1",
    folded: "true",
  });
});

test("says nothing where the metadata say nothing", (t) => {
  t.is(readPreprocessing("a", new Map([["activation", "relu"]])), undefined);
});

test("refuses a kind that there is not", (t) => {
  coded(t, () => readPreprocessing("a", new Map([["normalize", "whiten"]])), "ERR_NETWORK_FORMAT");
});

const STANDARDIZE = { normalize: "standardize", mean: "0.1", std: "0.3" };
const WHITEN = { normalize: "whiten-zca", epsilon: "0.1", folded: "true" };
const BAD: readonly [what: string, key: string, metadata: Record<string, string>][] = [
  ["no mean", "mean", { normalize: "standardize", std: "0.3" }],
  ["no standard deviation", "std", { normalize: "standardize", mean: "0.1" }],
  ["an empty mean", "mean", { ...STANDARDIZE, mean: "" }],
  ["a mean in hexadecimal", "mean", { ...STANDARDIZE, mean: "0x10" }],
  ["a mean between spaces", "mean", { ...STANDARDIZE, mean: " 1 " }],
  ["a mean that is no number", "mean", { ...STANDARDIZE, mean: "NaN" }],
  ["a mean beyond float64", "mean", { ...STANDARDIZE, mean: "1e400" }],
  ["a standard deviation of 0", "std", { ...STANDARDIZE, std: "0" }],
  ["a standard deviation that no pixels have", "std", { ...STANDARDIZE, std: "1e-300" }],
  ["a mean of bytes", "mean", { ...STANDARDIZE, mean: "33.3" }],
  ["a standard deviation of bytes", "std", { ...STANDARDIZE, std: "78.6" }],
  ["a negative standard deviation", "std", { ...STANDARDIZE, std: "-0.3" }],
  ["an infinite standard deviation", "std", { ...STANDARDIZE, std: "Infinity" }],
  ["no epsilon", "epsilon", { normalize: "whiten-pca", folded: "true" }],
  ["an epsilon of 0", "epsilon", { ...WHITEN, epsilon: "0" }],
  ["whitening that is not folded", "folded", { ...WHITEN, folded: "false" }],
  ["whitening that does not say so", "folded", { normalize: "whiten-zca", epsilon: "0.1" }],
];
for (const [what, key, metadata] of BAD) {
  test(`refuses ${what}`, (t) => {
    const read = () => readPreprocessing("a.safetensors", new Map(Object.entries(metadata)));
    const { facts, message } = coded(t, read, "ERR_RECIPE");
    t.like(facts, { path: "a.safetensors", key });
    t.true(message.includes(`"${key}"`));
  });
}

test("keeps a recipe's control characters out of the message", (t) => {
  const metadata = new Map(Object.entries({ ...STANDARDIZE, std: "1\n\u001b[31m" }));
  coded(t, () => readPreprocessing("a", metadata), "ERR_RECIPE");
});

test("scales where nobody says anything, and takes the wish where only that is there", (t) => {
  t.deepEqual(choosePreprocessing("a", undefined, undefined), { kind: "scale" });
  t.deepEqual(choosePreprocessing("a", undefined, "scale"), { kind: "scale" });
  t.deepEqual(choosePreprocessing("a", undefined, "none"), { kind: "none" });
});

test("sends whoever asks for statistics that are not there to batchwise fit", (t) => {
  for (const asked of ["standardize", "whiten-zca", "whiten-pca"] as const) {
    const error = coded(t, () => choosePreprocessing("a", undefined, asked), "ERR_NORMALIZE_STATISTICS");
    t.true(error.message.includes(`run "batchwise fit --normalize ${asked}"`), error.message);
    t.is(error.exitStatus, 3);
  }
});

test("takes a recipe's own name as a wish, and refuses every other", (t) => {
  for (const said of RECIPES) {
    t.is(choosePreprocessing("a", said, undefined), said);
    t.is(choosePreprocessing("a", said, said.kind), said);
    for (const { kind } of RECIPES.filter((other) => other.kind !== said.kind)) {
      const error = coded(t, () => choosePreprocessing("a", said, kind), "ERR_NORMALIZE_MISMATCH");
      t.like(error.facts, { expected: said.kind, found: kind });
    }
  }
});
