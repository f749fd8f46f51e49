/** The recipe in a file's metadata: written and read back whole, or refused; and what becomes of a wish for another. */
import test from "ava";
import type { Preprocessing } from "#src/base/contracts/network.js";
import { choosePreprocessing, preprocessingMetadata, readPreprocessing } from "#src/networks/recipe.js";
import { inCase } from "../helpers/in-case.js";
import { coded } from "./coded.js";

const RECIPES: readonly Preprocessing[] = [
  { kind: "none" },
  { kind: "scale" },
  { kind: "standardize", mean: 0.1 + 0.2, std: 1e-7 / 3 },
  { kind: "standardize", mean: 0, std: 1 },
  { kind: "whiten-zca", epsilon: 0.1, folded: true },
  { kind: "whiten-pca", epsilon: 1e-6, folded: true },
];

test("reads back to the last bit the texts that it wrote, and nothing from none", async (t) => {
  await inCase(t, "reads back to the last bit what it wrote", () => {
    for (const recipe of RECIPES) {
      t.deepEqual(readPreprocessing("a", new Map(Object.entries(preprocessingMetadata(recipe)))), recipe);
    }
  });

  await inCase(t, "writes texts alone, under these names", () => {
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

  await inCase(t, "says nothing where the metadata say nothing", () => {
    t.is(readPreprocessing("a", new Map([["activation", "relu"]])), undefined);
  });
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

test("refuses each recipe that is unknown, incomplete or no number, in one line", async (t) => {
  await inCase(t, "refuses a kind that there is not", () => {
    coded(t, () => readPreprocessing("a", new Map([["normalize", "whiten"]])), "ERR_NETWORK_FORMAT");
  });

  await inCase(t, "refuses each recipe that is incomplete or no number", async () => {
    for (const [what, key, metadata] of BAD) {
      await inCase(t, `refuses ${what}`, () => {
        const read = () => readPreprocessing("a.safetensors", new Map(Object.entries(metadata)));
        const { facts, message } = coded(t, read, "ERR_RECIPE");
        t.like(facts, { path: "a.safetensors", key });
        t.true(message.includes(`"${key}"`));
      });
    }
  });

  await inCase(t, "keeps a recipe's control characters out of the message", () => {
    const metadata = new Map(Object.entries({ ...STANDARDIZE, std: "1\n\u001b[31m" }));
    coded(t, () => readPreprocessing("a", metadata), "ERR_RECIPE");
  });
});

test("assumes pixels ÷ 255 if nobody states anything, and takes what is asked for otherwise", (t) => {
  t.deepEqual(choosePreprocessing("a/w.npz", undefined, {}), {
    preprocessing: { kind: "scale" },
    assumptions: [{ subject: "pixels", what: "pixels ÷ 255", source: "w.npz", option: "--normalize" }],
  });
  for (const [asked, preprocessing] of [
    [{ normalize: "scale" }, { kind: "scale" }],
    [{ normalize: "none" }, { kind: "none" }],
    [
      { mean: 0.5, std: 2 },
      { kind: "standardize", mean: 0.5, std: 2 },
    ],
    [
      { normalize: "standardize", mean: -0.25, std: 1.5 },
      { kind: "standardize", mean: -0.25, std: 1.5 },
    ],
  ] as const) {
    t.deepEqual(choosePreprocessing("a", undefined, asked), { preprocessing, assumptions: [] });
  }
});

test("names what to do for numbers that nobody states", (t) => {
  for (const [normalize, step] of [
    ["standardize", "--mean and --std"],
    ["whiten-zca", "batchwise fit --normalize whiten-zca"],
    ["whiten-pca", "batchwise fit --normalize whiten-pca"],
  ] as const) {
    const error = coded(
      t,
      () => choosePreprocessing("a", undefined, { normalize }),
      "ERR_NORMALIZE_STATISTICS",
    );
    t.true(error.message.includes(step), error.message);
    t.is(error.exitStatus, 3);
  }
});

test("takes a recipe's own name and numbers as asked for, and refuses all others", (t) => {
  for (const stated of RECIPES) {
    const { kind } = stated;
    const same = kind === "standardize" ? { mean: stated.mean, std: stated.std } : { normalize: kind };
    for (const asked of [{}, { normalize: kind }, same]) {
      t.deepEqual(choosePreprocessing("a", stated, asked), { preprocessing: stated, assumptions: [] });
    }
    for (const other of RECIPES.filter((one) => one.kind !== kind)) {
      coded(t, () => choosePreprocessing("a", stated, { normalize: other.kind }), "ERR_NORMALIZE_MISMATCH");
    }
    const error = coded(
      t,
      () => choosePreprocessing("a", stated, { mean: 0.77, std: 2 }),
      "ERR_NORMALIZE_MISMATCH",
    );
    t.true(error.message.includes("--mean 0.77 --std 2"), error.message);
  }
});

test("refuses half of a pair of numbers, and numbers beside another preprocessing", (t) => {
  for (const asked of [
    { mean: 0.5 },
    { std: 0.5 },
    { mean: 0.5, std: 0.5, normalize: "scale" },
    { mean: 0.5, std: 0.5, normalize: "none" },
  ] as const) {
    coded(t, () => choosePreprocessing("a", undefined, asked), "ERR_USAGE");
  }
});
