/** Predictions made elsewhere: their columns, their ids, their numbers, and the numbers of scikit-learn. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import test, { type ExecutionContext } from "ava";
import { type Evaluation, type ScoreInput, score } from "#src/index.js";
import { inCase } from "../../helpers/in-case.js";
import { npyBytes, npyDict, npyFile, npyFloats } from "../../helpers/npy.js";
import { pythonWith, runPython } from "../../helpers/python.js";
import { needs } from "../../helpers/require.js";
import { temporaryFolder } from "../../helpers/temporary.js";

type Files = Readonly<Record<string, string | Uint8Array>>;

/** Scores files in a folder of their own. */
async function scoreFiles(
  t: ExecutionContext,
  files: Files,
  { predictions, labels, classes, ...options }: ScoreInput,
): Promise<Evaluation> {
  const folder = await temporaryFolder(t);
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  const inFolder = (name: string | undefined) => (name === undefined ? undefined : join(folder, name));
  return score({
    ...options,
    predictions: join(folder, predictions),
    labels: inFolder(labels),
    classes: inFolder(classes),
  });
}

/** Labels 0, 1, 2, 1 in an IDX file. */
const IDX = Buffer.of(0, 0, 8, 1, 0, 0, 0, 4, 0, 1, 2, 1);
const ALL_BUT_ONE = [
  [1, 0, 0],
  [0, 2, 0],
  [0, 1, 0],
];

test("reads classes of every form, and finds the same counts", async (t) => {
  const forms: Files = {
    "kaggle.csv": "ImageId,Label\n1,0\n2,1\n3,1\n4,1\n",
    "shuffled.csv": "id,prediction\n3,1\n0,0\n2,1\n1,1\n",
    "pandas.csv": ",predicted\n0,0.0\n1,1.0\n2,1.0\n3,1.0\n",
    "windows.csv": '\ufeff"ImageId";"Label"\r\n"1";"0"\r\n2;1\r\n3;1\r\n4;1\r\n',
    "tabs.tsv": "pred\tnote\n0\ta\n1\tb\n1\tc\n1\td\n\n",
    "savetxt.csv": "# made by NumPy\n0.000000000000000000e+00\n1.0e+00\n1\n1\n",
    "ours.ndjson": [0, 1, 1, 1].map((prediction, index) => JSON.stringify({ index, prediction })).join("\n"),
    "packed.csv.gz": gzipSync("prediction\n0\n1\n1\n1\n"),
    "bytes.npy": npyBytes([4], [0, 1, 1, 1]),
    "column.npy": npyFloats([4, 1], [0, 1, 1, 1]),
    "hot.npy": npyBytes([4, 3], [1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0]),
    "hot-fortran.npy": npyFile(
      npyDict("|u1", [4, 3], true),
      Uint8Array.of(1, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0),
    ),
  };
  for (const predictions of Object.keys(forms)) {
    await inCase(t, predictions, async () => {
      const files = { ...forms, "labels-idx1-ubyte": IDX };
      const { result, network, run, assumptions } = await scoreFiles(t, files, {
        predictions,
        labels: "labels-idx1-ubyte",
      });
      t.deepEqual(result.confusionMatrix, ALL_BUT_ONE);
      t.is(result.accuracy, 0.75);
      t.is(result.scores, null);
      t.is(network.name, `predictions of ${predictions}`);
      t.is(run.engine, "none");
      t.deepEqual(assumptions, []);
    });
  }
});

test("reads labels of every form, by their ids where both files have some", async (t) => {
  const forms: Files = {
    "labels-idx1-ubyte": IDX,
    "labels.npy": npyBytes([4], [0, 1, 2, 1]),
    "hot.npy": npyBytes([4, 3], [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0]),
    "labels.csv": "id,label\nd,1\nb,1\na,0\nc,2\n",
    "labels.ndjson": ["a", "b", "c", "d"]
      .map((id, n) => JSON.stringify({ id, label: n % 4 === 3 ? 1 : n }))
      .join("\n"),
  };
  const byName = "id,prediction\na,0\nb,1\nc,1\nd,1\n";
  const byPlace = "prediction\n0\n1\n1\n1\n";
  for (const labels of Object.keys(forms)) {
    const isNamed = /csv|ndjson/.test(labels);
    const files = { ...forms, "answers.csv": isNamed ? byName : byPlace };
    const { result } = await scoreFiles(t, files, { predictions: "answers.csv", labels });
    t.deepEqual(result.confusionMatrix, ALL_BUT_ONE, labels);
  }
});

test("labels beside the predictions need no other file, and must be those of another file", async (t) => {
  const files = { "a.csv": "prediction,actual\n0,0\n1,1\n1,2\n1,1\n", "l.npy": npyBytes([4], [0, 1, 1, 1]) };
  const { result, dataset } = await scoreFiles(t, files, { predictions: "a.csv" });
  t.deepEqual(result.confusionMatrix, ALL_BUT_ONE);
  t.is(dataset.name, "a.csv");
  await t.throwsAsync(scoreFiles(t, files, { predictions: "a.csv", labels: "l.npy" }), {
    code: "ERR_ANSWERS_ROW",
    message: /line 4: expected the label 1, as in the labels, found 2/,
  });
});

test("classes can be names", async (t) => {
  const files = {
    "a.csv": 'id,predicted,actual\n"x, y",cat,cat\nz,dog,1\n',
    names: "cat\ndog\n",
    "p.csv": "prob_dog,prob_cat,actual\n0.75,0.25,dog\n0.5,0.5,cat\n",
  };
  const { result, dataset } = await scoreFiles(t, files, { predictions: "a.csv", classes: "names" });
  t.deepEqual(result.confusionMatrix, [
    [1, 0],
    [0, 1],
  ]);
  t.deepEqual(dataset.classNames, ["cat", "dog"]);
  const scored = await scoreFiles(t, files, { predictions: "p.csv", classes: "names" });
  t.is(scored.result.correct, 2);
  t.is(scored.result.scores?.brierScore, (2 * 0.25 ** 2 + 0.5) / 2);
});

test("the data set's labels, view and hash are those of an evaluation", async (t) => {
  const first = await score({ predictions: await predictionsOf(t, 0), dataset: "bundled" });
  t.is(first.result.correct, first.result.perClass[0]?.support ?? -1);
  t.is(first.dataset.location?.dataset, "bundled");
  const shifted = await score({ predictions: await predictionsOf(t, 1), dataset: "bundled", labelOffset: 1 });
  t.is(shifted.result.correct, first.result.correct);
  t.is(shifted.dataset.sha256, first.dataset.sha256);
});

/** A file with this prediction for each image of the bundled set. */
async function predictionsOf(t: ExecutionContext, label: number): Promise<string> {
  const path = join(await temporaryFolder(t), "p.npy");
  await writeFile(path, npyBytes([10_000], new Uint8Array(10_000).fill(label)));
  return path;
}

test("what the numbers are is stated, decided by what they can be, or refused", async (t) => {
  const logits = npyFloats([2, 2], [3, 1, -1, 2]);
  const rounded = npyFloats([2, 2], [0.666, 0.333, 0.25, 0.75]);
  const files = { "logits.npy": logits, "rounded.npy": rounded, "half.npy": npyFloats([1, 2], [0.25, 0.25]) };
  const two = { ...files, "l.npy": npyBytes([2], [0, 1]), "one.npy": npyBytes([1], [0]) };
  const assumed = await scoreFiles(t, two, { predictions: "logits.npy", labels: "l.npy" });
  t.like(assumed.assumptions, [{ subject: "outputs", source: "logits.npy", option: "--values" }]);
  const stated = await scoreFiles(t, two, { predictions: "logits.npy", labels: "l.npy", values: "logits" });
  t.deepEqual(stated.assumptions, []);
  t.deepEqual(stated.result, assumed.result);
  const close = await scoreFiles(t, two, { predictions: "rounded.npy", labels: "l.npy" });
  t.regex(close.assumptions[0]?.what ?? "", /sums differ from 1 by up to 0\.001/);
  for (const [predictions, labels, options, code] of [
    ["logits.npy", "l.npy", { strict: true }, "ERR_ASSUMED"],
    ["rounded.npy", "l.npy", { strict: true }, "ERR_ASSUMED"],
    ["logits.npy", "l.npy", { values: "probabilities" }, "ERR_ANSWERS_ROW"],
    ["half.npy", "one.npy", {}, "ERR_ANSWERS_ROW"],
  ] as const) {
    await t.throwsAsync(scoreFiles(t, two, { predictions, labels, ...options }), { code }, predictions);
  }
});

test("files that do not fit are refused by the line", async (t) => {
  const labels = { "l.npy": npyBytes([3], [0, 1, 2]), "named.csv": "id,label\na,0\nb,1\n" };
  const refused: readonly (readonly [string, string, keyof typeof labels | undefined, string, RegExp])[] = [
    [
      "doubled",
      "id,pred\n1,0\n2,1\n2,1\n",
      "l.npy",
      "ERR_ANSWERS_ROW",
      /line 4: expected each id once .*line 3/,
    ],
    [
      "missing",
      "id,pred\n1,0\n3,1\n",
      "l.npy",
      "ERR_ANSWERS_MATCH",
      /3 labels.*found 2, and none for id "2"/,
    ],
    [
      "beyond",
      "ImageId,Label\n1,0\n2,1\n4,1\n",
      "l.npy",
      "ERR_ANSWERS_ROW",
      /line 4: .*from 1 to 3, found "4"/,
    ],
    ["from 0", "id,pred\n0,0\n1,1\n3,1\n", "l.npy", "ERR_ANSWERS_ROW", /from 0 to 2, found "3"/],
    ["unknown", "id,pred\na,0\nc,1\n", "named.csv", "ERR_ANSWERS_ROW", /an id of .*named\.csv, found "c"/],
    ["too few", "pred\n0\n1\n", "l.npy", "ERR_ANSWERS_MATCH", /found 2; do the files/],
    ["too many", "pred\n0\n1\n1\n1\n", "l.npy", "ERR_ANSWERS_MATCH", /found 4/],
    ["no class", "pred\n0\n1.5\n1\n", "l.npy", "ERR_ANSWERS_ROW", /line 3: expected a class/],
    ["negative", "pred\n0\n-1\n1\n", "l.npy", "ERR_ANSWERS_ROW", /line 3/],
    ["a gap", "pred\n0\n\n1\n", "l.npy", "ERR_ANSWERS_ROW", /line 3: expected a row, found an empty line/],
    ["short row", "id,pred\n0,1\n1\n", "l.npy", "ERR_ANSWERS_ROW", /line 3: expected 2 cells, found 1/],
    ["open quote", 'id,pred\n0,"1\n', "l.npy", "ERR_ANSWERS_ROW", /closing quote/],
    ["no header", "0,1\n1,1\n", "l.npy", "ERR_ANSWERS_FORMAT", /names of the columns/],
    ["no column", "id,colour\n0,red\n", "l.npy", "ERR_ANSWERS_FORMAT", /a column prediction/],
    ["two columns", "pred,predicted\n0,1\n", "l.npy", "ERR_ANSWERS_FORMAT", /remove one/],
    ["a class missing", "p0,p2\n0.5,0.5\n", "l.npy", "ERR_ANSWERS_FORMAT", /a column for each class/],
    ["ambiguous", "label,p0,p1\n0,0.5,0.5\n", "l.npy", "ERR_ANSWERS_FORMAT", /it can mean both/],
    [
      "no maximum",
      "pred,p0,p1,p2\n1,0.5,0.25,0.25\n1,0,1,0\n2,0,0,1\n",
      "l.npy",
      "ERR_ANSWERS_ROW",
      /most probable class 0, found 1/,
    ],
    [
      "no sum",
      "p0,p1,p2\n0.5,0.25,0.25\n0,0.5,0\n0,0,1\n",
      "l.npy",
      "ERR_ANSWERS_ROW",
      /line 3: .*sum is 1, found the sum 0\.5/,
    ],
    [
      "not a number",
      "p0,p1\n0.5,nan\n",
      "l.npy",
      "ERR_ANSWERS_ROW",
      /line 2: expected a number in column p1/,
    ],
    ["no labels", "pred\n0\n", undefined, "ERR_USAGE", /no column actual/],
    ["no object", '{"pred":1}\n[]\n', "l.npy", "ERR_ANSWERS_ROW", /line 2: expected an object/],
    [
      "longer list",
      '{"logits":[1,2]}\n{"logits":[1,2,3]}\n',
      "l.npy",
      "ERR_ANSWERS_ROW",
      /2 logits, as in the first line/,
    ],
    ["empty", "\n\n", "l.npy", "ERR_ANSWERS_FORMAT", /rows of answers, found none/],
  ];
  for (const [name, text, file, code, message] of refused) {
    const given = { predictions: "p.csv", labels: file };
    await t.throwsAsync(scoreFiles(t, { ...labels, "p.csv": text }, given), { code, message }, name);
  }
  const arrays: Files = {
    "p.npy": npyFloats([2, 2, 2], new Float32Array(8)),
    "l.npy": npyFloats([2, 2], [1, 1, 0, 1]),
    "q.npy": npyBytes([2], [0, 1]),
  };
  await t.throwsAsync(scoreFiles(t, arrays, { predictions: "p.npy", labels: "q.npy" }), {
    code: "ERR_ANSWERS_FORMAT",
  });
  await t.throwsAsync(scoreFiles(t, arrays, { predictions: "q.npy", labels: "l.npy" }), {
    code: "ERR_ANSWERS_FORMAT",
  });
  const many = npyFile(npyDict("<u2", [2]), new Uint8Array(Uint16Array.of(0, 300).buffer));
  await t.throwsAsync(
    scoreFiles(t, { many, "q.npy": arrays["q.npy"] ?? "" }, { predictions: "q.npy", labels: "many" }),
    {
      code: "ERR_LABEL_RANGE",
    },
  );
});

const python = pythonWith("sklearn", "numpy");
const withScikit = needs("scikit-learn", python !== undefined);

/** Predictions of a classifier with ties and rare classes, in every form, and what scikit-learn says of them. */
const SCRIPT = `
import json, sys
import numpy as np
from sklearn.metrics import *
folder, n, classes = sys.argv[1], 3000, 7
rng = np.random.default_rng(5)
y = np.minimum(rng.geometric(0.35, n) - 1, classes - 1)
z = rng.normal(size=(n, classes)); z[np.arange(n), y] += 1.5
p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
c = p.argmax(axis=1)
np.save(f"{folder}/logits.npy", z); np.save(f"{folder}/probabilities.npy", p); np.save(f"{folder}/y.npy", y)
order = rng.permutation(n)
with open(f"{folder}/shuffled.csv", "w") as f:
    f.write("ImageId,predicted," + ",".join(f"prob_{k}" for k in range(classes)) + "\\n")
    for i in order: f.write(f"{i + 1},{c[i]}," + ",".join(map(repr, p[i].tolist())) + "\\n")
with open(f"{folder}/lines.ndjson", "w") as f:
    for i in order: f.write(json.dumps({"index": int(i), "probabilities": p[i].tolist(), "actual": int(y[i])}) + "\\n")
report = classification_report(y, c, output_dict=True, zero_division=0)
print(json.dumps({
    "confusion": confusion_matrix(y, c).tolist(), "accuracy": accuracy_score(y, c), "report": report,
    "logLoss": log_loss(y, p), "balanced": balanced_accuracy_score(y, c), "kappa": cohen_kappa_score(y, c),
    "matthews": matthews_corrcoef(y, c), "top3": top_k_accuracy_score(y, p, k=3),
}))`;

interface Reported {
  readonly confusion: readonly (readonly number[])[];
  readonly accuracy: number;
  readonly logLoss: number;
  readonly balanced: number;
  readonly kappa: number;
  readonly matthews: number;
  readonly top3: number;
  readonly report: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const CLOSE = 1e-12;
/** Each image's loss is rounded to half of 2⁻³² once. */
const LOSS_CLOSE = 2 ** -33;

withScikit("finds scikit-learn's own report, in every form of the same predictions", async (t) => {
  const folder = await temporaryFolder(t);
  const expected = runPython(python, SCRIPT, folder) as Reported;
  const near = (found: number | null, wanted: number | undefined, what: string, within = CLOSE) =>
    t.true(
      Math.abs((found ?? Number.NaN) - (wanted ?? Number.NaN)) <= within,
      `${what}: ${found}, ${wanted}`,
    );
  for (const name of ["logits.npy", "probabilities.npy", "shuffled.csv", "lines.ndjson"]) {
    await inCase(t, name, async () => {
      const labels = join(folder, "y.npy");
      const { result } = await score({ predictions: join(folder, name), labels, topK: 3 });
      t.deepEqual(result.confusionMatrix, expected.confusion);
      t.is(result.accuracy, expected.accuracy);
      for (const { label, precision, recall, f1, support } of result.perClass) {
        const of = expected.report[label];
        near(precision, of?.precision, `precision of ${label}`);
        near(recall, of?.recall, `recall of ${label}`);
        near(f1, of?.["f1-score"], `F1 of ${label}`);
        t.is(support, of?.support ?? -1);
      }
      for (const mean of ["macro", "weighted"] as const) {
        near(result.averages[mean].precision, expected.report[`${mean} avg`]?.precision, mean);
        near(result.averages[mean].f1, expected.report[`${mean} avg`]?.["f1-score"], mean);
      }
      near(result.balancedAccuracy, expected.balanced, "balanced accuracy");
      near(result.cohensKappa, expected.kappa, "kappa");
      near(result.matthewsCorrelation, expected.matthews, "Matthews");
      near(result.scores?.logLoss ?? null, expected.logLoss, "log loss", LOSS_CLOSE);
      near(result.scores?.topK.accuracy ?? null, expected.top3, "top 3");
    });
  }
});
