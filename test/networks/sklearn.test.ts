/** Classifiers of scikit-learn, saved by pickle and joblib in each way: the framework's own answers, or a refusal. */
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";
import test from "ava";
import { FIXTURES, PACKAGE_ROOT } from "#src/base/package.js";
import { argmax } from "#src/engines/logits.js";
import { createEngine } from "#src/engines/registry.js";
import { type EvaluateInput, evaluate, loadNetwork, predict } from "#src/index.js";
import { foldPreprocessing } from "#src/networks/fold-maps.js";
import { runCli } from "../helpers/cli.js";
import { AVAILABLE_ENGINES } from "../helpers/engines.js";
import { inCase } from "../helpers/in-case.js";
import { pythonWith, runPython } from "../helpers/python.js";
import { needs } from "../helpers/require.js";
import { temporaryFile } from "../helpers/temporary.js";

const python = pythonWith("sklearn", "joblib");
const testSklearn = needs("scikit-learn", python !== undefined);
const MODELS = readFileSync(new URL("test/networks/sklearn.py", PACKAGE_ROOT), "utf8");
const IMAGES = 40;

interface Model {
  readonly files: readonly string[];
  /** Whether it was trained on pixels ÷ 255. */
  readonly scale: boolean;
  readonly predictions: readonly string[];
  readonly proba: readonly (readonly number[])[] | null;
  /** (images, classes), or (images, 1) for two classes. */
  readonly decision: readonly (readonly number[])[] | null;
}

interface Made {
  readonly pixels: readonly number[];
  readonly models: Readonly<Record<string, Model>>;
  readonly refused: readonly string[];
}

let made: Promise<Made> | undefined;
let folder = "";

/** Made once for all tests of this file: training takes seconds. */
async function make(): Promise<Made> {
  made ??= (async () => {
    folder = await mkdtemp(join(tmpdir(), "batchwise-test-"));
    return runPython(python, MODELS, folder) as Made;
  })();
  return made;
}

test.after.always(() => rm(folder, { recursive: true, force: true }));

const SCORES =
  /^(sgd(-log)?|perceptron|svc|ridge|minmax|maxabs|gaps|animals|named-words|named-bytes|lr-ovr|lr-liblinear)(-cv|-binary)?$/;

testSklearn("classifiers give scikit-learn's scores and classes, in every way of saving", async (t) => {
  const { models, ...images } = await make();
  const pixels = Uint8Array.from(images.pixels);
  let files = 0;
  for (const [name, model] of Object.entries(models)) {
    for (const file of model.files) {
      await inCase(t, file, async () => {
        const network = await loadNetwork(join(folder, file), { normalize: model.scale ? "scale" : "none" });
        const layers = foldPreprocessing(network);
        const classes = layers.at(-1)!.outputs;
        const isScores = SCORES.test(name) && name !== "sgd-log-binary";
        t.is(layers.at(-1)!.ends, isScores ? "scores" : "softmax");
        const logits = new Float64Array(IMAGES * classes);
        await (await createEngine("reference", layers)).forward(pixels, IMAGES, logits);
        t.true(largestGap(logits, classes, model) < 1e-9);
        if (isScores) t.throws(() => predict(network, pixels.subarray(0, 6)), { code: "ERR_NETWORK_SCORES" });
        else if (model.proba !== null && classes === model.proba[0]!.length) {
          const { data } = predict(network, { data: pixels, shape: [IMAGES, 6] });
          t.true(model.proba.flat().every((one, n) => Math.abs(one - data[n]!) < 1e-12));
        }
        files += 1;
      });
    }
  }
  t.true(files > 300);
});

/** Largest difference of decision functions; classes that the network does not know are left out. */
function largestGap(logits: Float64Array, classes: number, { decision, scale }: Model): number {
  if (decision === null) return 0;
  let largest = 0;
  for (const [image, expected] of decision.entries()) {
    const row = [...logits.subarray(image * classes, (image + 1) * classes)].filter((one) => one > -1e29);
    const [first = 0, second = 0] = row;
    const found = expected.length === 1 ? [first === -second ? second : second - first] : row;
    if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
    for (const [n, one] of found.entries()) largest = Math.max(largest, Math.abs(one - expected[n]!));
  }
  return scale ? largest : largest / 100;
}

interface Expected {
  /** Bytes, (images, 4). */
  readonly images: readonly (readonly number[])[];
  /** Predicted class of each image, by file. */
  readonly classes: Readonly<Record<string, readonly number[]>>;
}

test("files of scikit-learn 1.2, 1.6 and 1.9 give its own predictions", async (t) => {
  const folderOfFixtures = new URL("sklearn/", FIXTURES);
  const { images, classes }: Expected = JSON.parse(
    readFileSync(new URL("expected.json", folderOfFixtures), "utf8"),
  );
  const pixels = Uint8Array.from(images.flat());
  for (const [file, expected] of Object.entries(classes)) {
    await inCase(t, file, async () => {
      const network = await loadNetwork(fileURLToPath(new URL(file, folderOfFixtures)), {
        normalize: "none",
      });
      const layers = foldPreprocessing(network);
      const width = layers.at(-1)!.outputs;
      const logits = new Float64Array(images.length * width);
      await (await createEngine("reference", layers)).forward(pixels, images.length, logits);
      t.deepEqual(
        images.map((_, image) => argmax(logits, image * width, width)),
        [...expected],
      );
    });
  }
  t.is(Object.keys(classes).length, 15);
});

type Labelled = EvaluateInput & { readonly labels?: string | undefined };

const NUMBERS: Readonly<Record<string, number>> = {
  ...{ zero: 0, one: 1, two: 2, three: 3 },
  ...{ ant: 0, bee: 1, cow: 2, dog: 3 },
};
const DIGITS = /^classes "0" to "3" as labels 0 to 3$/;

/** Classes of each kind, with what is assumed about them. */
const NAMED: readonly (readonly [name: string, assumed: RegExp | undefined])[] = [
  ["lr", undefined],
  ["floats", undefined],
  ["gaps", undefined],
  ["named-digits", DIGITS],
  ["named-objects", DIGITS],
  ["named-bytes", DIGITS],
  ["named-gaps", DIGITS],
  ["named-words", /^classes "zero" to "three" as labels 0 to 3$/],
  ["animals", undefined],
];

testSklearn("classes that are numbers with gaps, digits, words or names are the data's labels", async (t) => {
  const { models } = await make();
  const of = (name: string, more: Labelled = {}): Labelled => ({
    dataset: join(folder, "set.npz"),
    ...{ weights: join(folder, `${name}.4.pkl`), normalize: "scale", threads: 1 },
    ...(name === "animals" ? { classes: join(folder, "animals.txt") } : {}),
    ...more,
  });
  for (const [name, assumed] of NAMED) {
    await inCase(t, name, async () => {
      const { predictions, assumptions } = await evaluate(of(name));
      t.deepEqual(
        [...(predictions ?? [])],
        models[name]!.predictions.map((one) => NUMBERS[one] ?? Number(one)),
      );
      if (assumed === undefined) t.deepEqual(assumptions, []);
      else t.regex(assumptions[0]?.what ?? "", assumed);
      if (assumed !== undefined)
        await t.throwsAsync(evaluate(of(name, { strict: true })), { code: "ERR_ASSUMED" });
    });
  }
  await t.throwsAsync(evaluate(of("animals", { classes: undefined })), {
    code: "ERR_NETWORK_CLASSES",
    message: /outputs named by digits, found "ant", "bee", "cow", "dog"; give --classes a file/,
  });
  const words = join(folder, "animals.txt");
  await t.throwsAsync(evaluate(of("animals", { classes: words, calibration: true })), {
    code: "ERR_NETWORK_SCORES",
    message: /found scores; leave out --predictions, --report, --calibration/,
  });
  const { assumptions } = await evaluate(of("named-digits", { classes: words, calibration: true }));
  t.regex(assumptions[0]?.what ?? "", DIGITS);
  for (const name of ["svc", "animals"]) {
    const { status, stderr } = await runCli([
      "convert",
      join(folder, `${name}.joblib`),
      join(folder, "out.onnx"),
    ]);
    t.is(status, 3);
    t.regex(stderr, name === "svc" ? /ERR_NETWORK_SCORES.*no format that is written/ : /ERR_NETWORK_CLASSES/);
  }
});

testSklearn("convert keeps assumptions about labels and pixels in the file that it writes", async (t) => {
  await make();
  const dataset = join(folder, "set.npz");
  const assumed = {
    "standard.joblib": [/^pixels as bytes/],
    "minmax-clip.joblib": [/^pixels as bytes/],
    "named-digits.4.pkl": [/^labels that its writer assumed$/, /^pixels ÷ 255/],
  };
  for (const [file, words] of Object.entries(assumed)) {
    for (const ending of ["onnx", "safetensors"]) {
      await inCase(t, `${file} to ${ending}`, async () => {
        const written = join(folder, `${file}.${ending}`);
        const { status, stderr } = await runCli(["convert", join(folder, file), written]);
        t.is(status, 0, stderr);
        const before = await evaluate({ dataset, weights: join(folder, file), threads: 0 });
        for (const engine of AVAILABLE_ENGINES) {
          if (engine === "onnx" && ending !== "onnx") continue;
          const after = await evaluate({ dataset, weights: written, threads: 0, engine });
          t.deepEqual(after.predictions, before.predictions);
          t.is(after.assumptions.length, words.length, engine);
          for (const one of words)
            t.true(
              after.assumptions.some(({ what }) => one.test(what)),
              engine,
            );
          const strict = evaluate({ dataset, weights: written, threads: 0, engine, strict: true });
          await t.throwsAsync(strict, { code: "ERR_ASSUMED" });
        }
      });
    }
  }
});

const PIXELS: Readonly<Record<string, RegExp>> = {
  lr: /^pixels ÷ 255$/,
  standard: /^pixels as bytes, since the scaler's means reach 1?\d\d(\.\d)?$/,
  "standard-small": /^pixels ÷ 255, since the scaler's means reach 0\.\d+$/,
  minmax: /^pixels as bytes, since the scaler's maxima reach 19\d$/,
  maxabs: /^pixels as bytes, since the scaler's maxima reach 19\d$/,
  search: /^pixels as bytes, since the scaler's means reach/,
};

/** Files and the code and words of their refusal. */
const REFUSED: readonly (readonly [RegExp, string, RegExp])[] = [
  [/^svc/, "ERR_PICKLE_FORBIDDEN", /sklearn\.svm\._classes\.SVC.*nothing was run.*skl2onnx/],
  [/^before/, "ERR_PICKLE_FORBIDDEN", /PolynomialFeatures/],
  [/^sparse/, "ERR_PICKLE_FORBIDDEN", /scipy\.sparse/],
  [/^scaler/, "ERR_NETWORK_FORMAT", /StandardScaler.*not a network/],
  [/^not-fitted/, "ERR_NETWORK_LAYER", /coef_.*fit the model before it is saved/],
  [/^negative/, "ERR_NETWORK_LAYER", /the class -1; train it with labels from 0/],
  [/^far/, "ERR_NETWORK_OUTPUTS", /at most 1,024 outputs, found 65,535/],
  [/^several/, "ERR_NETWORK_LAYER", /several labels for one image/],
  [
    /^(bz2|lzma|xz)/,
    "ERR_NETWORK_FORMAT",
    /compressed by (bz2|lzma|xz).*joblib\.dump\(joblib\.load\(.*--weights/,
  ],
  [/^calls-system/, "ERR_PICKLE_FORBIDDEN", /requests posix\.system; nothing was run/],
  [
    /^calls-(eval|objects|classes)/,
    "ERR_PICKLE_FORBIDDEN",
    /requests (builtins|__builtin__)\.eval; nothing was run/,
  ],
  [/^calls-getattr/, "ERR_PICKLE_FORBIDDEN", /requests (builtins|__builtin__)\.getattr; nothing was run/],
];

testSklearn("the scaler's statistics show the pixels, and other files are refused by name", async (t) => {
  const { refused } = await make();
  for (const [name, words] of Object.entries(PIXELS)) {
    const { assumptions, preprocessing } = await loadNetwork(join(folder, `${name}.joblib`));
    t.regex(assumptions.map(({ what }) => what).join(), words, name);
    t.is(preprocessing.kind, words.source.includes("bytes") ? "none" : "scale");
  }
  t.is(refused.length, 20);
  for (const file of refused) {
    const [, code, message] = REFUSED.find(([known]) => known.test(file)) ?? [];
    await t.throwsAsync(
      loadNetwork(join(folder, file)),
      { code: code ?? "", message: message ?? /^$/ },
      file,
    );
  }
  t.false(existsSync(join(folder, "ran")));
});

test("a file that unpacks to much more than its own size is refused", async (t) => {
  const start = Buffer.from("\x80\x02csklearn.svm.classes\nLinearSVC\n", "latin1");
  const bomb = deflateSync(Buffer.concat([start, Buffer.alloc(2 ** 26)]));
  const path = await temporaryFile(t, bomb, "bomb.joblib");
  await t.throwsAsync(loadNetwork(path), { code: "ERR_PICKLE_LIMIT", message: /unpacked bytes/ });
  await writeFile(path, deflateSync(start).subarray(0, -3));
  await t.throwsAsync(loadNetwork(path), {
    code: "ERR_NETWORK_FORMAT",
    message: /found a damaged one .*is the file complete\?$/,
  });
});

test("a classifier of a kind that is read, but saved in another way, is refused with the way to save it", async (t) => {
  for (const [names, step] of [
    ["csklearn.linear_model\nSGDClassifier\nq\x00cscipy.sparse._csr\ncsr_matrix\n", /model\.densify\(\)/],
    ["csklearn.linear_model\nSGDClassifier\nq\x00cnumpy\nmemmap\n", /without mmap_mode/],
    ["csklearn.model_selection._search\nGridSearchCV\n", /refit=True/],
    ["csklearn.model_selection._search\nGridSearchCV\nq\x00csklearn.svm._classes\nSVC\n", /skl2onnx/],
  ] as const) {
    const path = await temporaryFile(t, Buffer.from(`\x80\x02${names}.`, "latin1"), "model.pkl");
    await t.throwsAsync(loadNetwork(path), { message: step }, names);
  }
});
