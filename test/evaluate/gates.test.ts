import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import type { GateCode } from "#src/base/contracts/checks.js";
import { AS_STORED, hashOf } from "#src/base/contracts/dataset.js";
import { atLeast, DatasetError, FileError } from "#src/base/errors.js";
import {
  assertComparable,
  type Baseline,
  type Demands,
  gateError,
  judge,
  readBaseline,
} from "#src/evaluate/gates.js";
import { SAMPLE_COUNTS, SAMPLE_RESULT, sampleEvaluation, withNames } from "../helpers/sample-result.js";
import { temporaryFolder } from "../helpers/temporary.js";

const evaluation = sampleEvaluation();
const images = { sha256: hashOf(SAMPLE_RESULT.dataset), view: AS_STORED, offset: 0, total: 11 };

const NETWORK = { sha256: "n", activations: null, preprocessing: null };

/** An evaluation of a thousand images of one class. */
function ofThousand(correct: number) {
  return {
    dataset: { sha256: "a", view: AS_STORED, offset: 0, classNames: null },
    network: NETWORK,
    result: {
      correct,
      total: 1000,
      accuracy: correct / 1000,
      perClass: [{ label: 0, recall: correct / 1000 }],
    },
  };
}

function baselineOfThousand(correct: number, maxRegression: number): Baseline {
  return {
    path: "b.json",
    images: { sha256: "a", view: AS_STORED, offset: 0, total: 1000 },
    network: NETWORK,
    correct,
    maxRegression,
  };
}

const MISSED: readonly [demands: Demands, code: GateCode, message: string][] = [
  [
    { minAccuracy: 0.95 },
    "ERR_GATE_ACCURACY",
    "--min-accuracy: expected an accuracy of at least 0.95, found 0.9200, 0.0300 too low",
  ],
  [
    { expectAccuracy: 0.91 },
    "ERR_GATE_ACCURACY",
    "--expect-accuracy: expected an accuracy of 0.9100, found 0.9200, 0.0100 too high",
  ],
  [
    { expectAccuracy: 1 },
    "ERR_GATE_ACCURACY",
    "--expect-accuracy: expected an accuracy of 1.0000, found 0.9200, 0.0800 too low",
  ],
  [
    { minClassRecall: 0.93 },
    "ERR_GATE_CLASS_RECALL",
    "--min-class-recall: expected a recall of at least 0.93 for every class, found 0.9200 for class 0, 0.0100 too low",
  ],
  [
    { baseline: baselineOfThousand(923, 0.002) },
    "ERR_GATE_REGRESSION",
    "--max-regression: expected an accuracy at most 0.002 below the 0.9230 of b.json, found 0.9200, 0.0030 below",
  ],
];
test("says which gate was missed and by how much", (t) => {
  for (const [demands, code, message] of MISSED) {
    const [outcome] = atLeast(judge(demands, ofThousand(920)), 1);
    const error = gateError(outcome);
    t.deepEqual([outcome.passed, outcome.message], [false, message]);
    t.deepEqual([error.code, error.exitStatus, error.message], [code, 100, message]);
  }
});

test("passes at the very bound, where doubles would be a hair off", (t) => {
  const demands: Demands = {
    minAccuracy: 0.93,
    expectAccuracy: 0.93,
    minClassRecall: 0.93,
    baseline: baselineOfThousand(932, 0.002),
  };
  // 0.932 − 0.93 is 0.0020000000000000018.
  t.deepEqual(
    judge(demands, ofThousand(930)).map(({ name, passed }) => [name, passed]),
    [
      ["--min-accuracy", true],
      ["--expect-accuracy", true],
      ["--min-class-recall", true],
      ["--max-regression", true],
    ],
  );
  t.true(judge({ baseline: baselineOfThousand(900, 0) }, ofThousand(930))[0]?.passed);
  t.deepEqual(judge({}, evaluation), []);
});

test("names the worst class, by its name where it has one, and passes over those without images", (t) => {
  const [{ found }] = atLeast(judge({ minClassRecall: 0.5 }, evaluation), 1);
  t.is(found, "0.0000 for class 2 (triangle), 0.5000 too low");
  const [{ found: printed }] = atLeast(
    judge({ minClassRecall: 0.5 }, withNames(evaluation, ["a", "b", "c\u001b[0m"])),
    1,
  );
  t.false(printed.includes("\u001b"));
  const perClass = SAMPLE_COUNTS.perClass.map((one) => (one.label === 2 ? { ...one, recall: null } : one));
  t.is(
    judge({ minClassRecall: 0.9 }, sampleEvaluation({ perClass }))[0]?.found,
    "0.8333 for class 0 (circle), 0.0667 too low",
  );
});

test("an expected accuracy holds where the accuracy rounds to it, at the places given and at least four", (t) => {
  const { dataset, result } = ofThousand(0);
  // 59,654 of 60,000 is 0.994233…
  const judged = {
    dataset,
    network: NETWORK,
    result: { ...result, correct: 59_654, total: 60_000, accuracy: 59_654 / 60_000 },
  };
  for (const [expectAccuracy, passed] of [
    [0.9942, true],
    ["0.9942", true],
    ["0.99423", true],
    ["0.994200", false],
    [0.9942333333333333, true],
    ["0.9942333333333333", true],
    [0.9943, false],
    [0.99, false],
    ["0.994", false],
    [1e-7, false],
  ] as const) {
    t.is(judge({ expectAccuracy }, judged)[0]?.passed, passed, String(expectAccuracy));
  }
  t.true(judge({ expectAccuracy: 0.99 }, ofThousand(990))[0]?.passed);
});

test("two numbers that would read the same and are not are told in full", (t) => {
  const { dataset, network, result } = ofThousand(0);
  const judged = { dataset, network, result: { ...result, accuracy: 59_654 / 60_000 } };
  t.is(judge({ minAccuracy: 0.994234 }, judged)[0]?.found, "0.994233, 0.000001 too low");
  t.is(judge({ minAccuracy: 0.99424 }, judged)[0]?.found, "0.99423, 0.00001 too low");
  t.is(judge({ minAccuracy: 0.9942333334 }, judged)[0]?.found, "0.9942333333, 0.0000000001 too low");
});

test("refuses a baseline of other data, another first image or another count", (t) => {
  const baseline = { path: "b.json", images, network: NETWORK, correct: 9, maxRegression: 0 };
  t.notThrows(() => assertComparable(baseline, { images, network: NETWORK }));
  for (const other of [
    { sha256: "d".repeat(64) },
    { offset: 5 },
    { total: 10 },
    { view: { ...AS_STORED, transpose: true } },
  ]) {
    const error = t.throws(
      () => judge({ baseline: { ...baseline, images: { ...images, ...other } } }, evaluation),
      { instanceOf: DatasetError, code: "ERR_BASELINE_DATA" },
    );
    t.is(error.exitStatus, 3);
    t.regex(
      error.message,
      /^b\.json: expected a baseline of 11 images from index 0 of data a{12}…, found one of /,
    );
  }
});

test("reads a baseline, and refuses one that is partial or has no accuracy", async (t) => {
  const path = join(await temporaryFolder(t), "b.json");
  await writeFile(path, JSON.stringify(SAMPLE_RESULT));
  const { sha256, activations, preprocessing } = SAMPLE_RESULT.network;
  const network = { sha256, activations, preprocessing };
  t.deepEqual(await readBaseline(path, 0.1), { path, images, network, correct: 9, maxRegression: 0.1 });
  const partial = { ...SAMPLE_COUNTS, complete: false };
  const unlabelled = { labelled: false, total: 11, complete: true, predictedCounts: [11, 0, 0] };
  for (const result of [partial, unlabelled]) {
    await writeFile(path, JSON.stringify({ ...SAMPLE_RESULT, result }));
    await t.throwsAsync(readBaseline(path, 0), { instanceOf: DatasetError, code: "ERR_BASELINE_PARTIAL" });
  }
  await t.throwsAsync(readBaseline(`${path}.no`, 0), { instanceOf: FileError, code: "ERR_FILE_READ" });
});

test("refuses a baseline of the same file read in another way, and takes one of another network", (t) => {
  const network = {
    sha256: "n",
    activations: ["relu", "identity"],
    preprocessing: { kind: "standardize", mean: 0.5, std: 0.5 },
  } as const;
  const baseline = { path: "b.json", images, network, correct: 9, maxRegression: 0 };
  t.notThrows(() => assertComparable(baseline, { images, network }));
  for (const [what, other] of [
    ["activations", { activations: ["sigmoid", "identity"] }],
    ["preprocessing", { preprocessing: { kind: "scale" } }],
    ["preprocessing", { preprocessing: { kind: "standardize", mean: 0.5, std: 0.25 } }],
  ] as const) {
    const found = { images, network: { ...network, ...other } };
    const error = t.throws(() => assertComparable(baseline, found), { instanceOf: DatasetError });
    t.is(error.code, "ERR_BASELINE_READING");
    t.is(error.exitStatus, 3);
    t.true(error.message.includes(what), error.message);
    t.notThrows(() => assertComparable(baseline, { ...found, network: { ...found.network, sha256: "m" } }));
  }
  const old = { ...baseline, network: { sha256: "n", activations: null, preprocessing: null } };
  t.notThrows(() => assertComparable(old, { images, network }));
});
