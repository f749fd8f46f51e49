import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import type { Prediction } from "#src/base/contracts/journal.js";
import type { PredictionsFormat } from "#src/base/contracts/run.js";
import { atLeast, FileError, RunError } from "#src/base/errors.js";
import type { PredictedImages } from "#src/evaluate/predictions/lines.js";
import { readPredictions } from "#src/evaluate/predictions/reader.js";
import { openPredictions } from "#src/evaluate/predictions/writer.js";
import { temporaryFolder } from "../../helpers/temporary.js";

const UNIX = process.platform !== "win32";

const FIRST: PredictedImages = {
  firstImage: 7,
  count: 2,
  labels: Uint8Array.from([2, 0]),
  predictions: Uint16Array.from([2, 1]),
  probabilities: Float64Array.from([0.125, 1 / 3, 1 - 0.125 - 1 / 3, 0.25, 0.75, 0]),
  ranking: Uint16Array.from([2, 1, 0, 1, 0, 2]),
};
const SECOND: PredictedImages = {
  firstImage: 9,
  count: 1,
  labels: Uint8Array.from([1]),
  predictions: Uint16Array.from([0]),
  probabilities: Float64Array.from([1, 5e-324, 5e-324]),
  ranking: Uint16Array.from([0, 1, 2]),
};

const LINES: Prediction[] = [
  {
    index: 7,
    label: 2,
    prediction: 2,
    probability: 1 - 0.125 - 1 / 3,
    topK: [
      { class: 2, probability: 1 - 0.125 - 1 / 3 },
      { class: 1, probability: 1 / 3 },
    ],
    correct: true,
  },
  {
    index: 8,
    label: 0,
    prediction: 1,
    probability: 0.75,
    topK: [
      { class: 1, probability: 0.75 },
      { class: 0, probability: 0.25 },
    ],
    correct: false,
  },
  {
    index: 9,
    label: 1,
    prediction: 0,
    probability: 1,
    topK: [
      { class: 0, probability: 1 },
      { class: 1, probability: 5e-324 },
    ],
    correct: false,
  },
];

async function written(path: string, format: PredictionsFormat, labelled = true, complete = true) {
  const writer = await openPredictions({ path, format, topK: 2, labelled });
  await writer.add(FIRST);
  await writer.add(SECOND);
  return writer.finish(complete);
}

async function all(predictions: AsyncIterable<Prediction>): Promise<Prediction[]> {
  const found: Prediction[] = [];
  for await (const one of predictions) found.push(one);
  return found;
}

test("writes either format in order and reads the same numbers back, with labels and without", async (t) => {
  for (const format of ["ndjson", "csv"] as const) {
    const folder = await temporaryFolder(t);
    const path = join(folder, `p.${format}`);
    const file = await written(path, format);
    const sha256 = createHash("sha256")
      .update(await readFile(path))
      .digest("hex");
    t.deepEqual(file, { path, sha256, format });
    t.deepEqual(await all(readPredictions(path, { sha256, format })), LINES, format);
    t.deepEqual(await readdir(folder), [`p.${format}`]);
    const bare = await written(path, format, false);
    t.deepEqual(
      await all(readPredictions(path, { sha256: bare?.sha256 ?? "", format })),
      LINES.map((one) => ({ ...one, label: null, correct: null })),
      format,
    );
  }
});

test("every line of NDJSON is JSON of its own", async (t) => {
  const path = join(await temporaryFolder(t), "p.ndjson");
  await written(path, "ndjson");
  const lines = (await readFile(path, "utf8")).split("\n");
  t.is(lines.pop(), "");
  t.deepEqual(
    lines.map((line) => JSON.parse(line)),
    LINES,
  );
});

test("CSV has a column for each of the top classes", async (t) => {
  const path = join(await temporaryFolder(t), "p.csv");
  await written(path, "csv");
  t.is(
    await readFile(path, "utf8"),
    `index,label,prediction,probability,correct,top1Class,top1Probability,top2Class,top2Probability
7,2,2,0.5416666666666667,true,2,0.5416666666666667,1,0.3333333333333333
8,0,1,0.75,false,1,0.75,0,0.25
9,1,0,1,false,0,1,1,5e-324
`,
  );
});

test("an incomplete run's predictions get a name that says so, and leave what stood there alone", async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, "p.ndjson");
  await writeFile(path, "from before");
  const file = await written(path, "ndjson", true, false);
  t.is(file?.path, `${path}.partial`);
  t.is(await readFile(path, "utf8"), "from before");
  t.deepEqual(
    await all(readPredictions(`${path}.partial`, { sha256: file?.sha256 ?? "", format: "ndjson" })),
    LINES,
  );
});

test("nothing done, or nothing wanted any more, leaves nothing behind", async (t) => {
  const folder = await temporaryFolder(t);
  const target = { path: join(folder, "p.csv"), format: "csv", topK: 2, labelled: true } as const;
  t.is(await (await openPredictions(target)).finish(false), null);
  const discarded = await openPredictions(target);
  await discarded.add(FIRST);
  await discarded.discard();
  t.deepEqual(await readdir(folder), []);
});

test("tells no more classes than there are", async (t) => {
  const path = join(await temporaryFolder(t), "p.ndjson");
  const writer = await openPredictions({ path, format: "ndjson", topK: 5, labelled: true });
  await writer.add(SECOND);
  await writer.finish(true);
  t.is(JSON.parse(await readFile(path, "utf8")).topK.length, 3);
});

test("says that a file cannot be written", async (t) => {
  const path = join(await temporaryFolder(t), "no", "p.csv");
  await t.throwsAsync(openPredictions({ path, format: "csv", topK: 2, labelled: true }), {
    instanceOf: RunError,
    code: "ERR_OUTPUT_WRITE",
  });
});

test("refuses a file that was written again since, before it yields anything", async (t) => {
  const path = join(await temporaryFolder(t), "p.ndjson");
  await written(path, "ndjson");
  const reading = readPredictions(path, { sha256: "0".repeat(64), format: "ndjson" });
  await t.throwsAsync(reading.next(), { instanceOf: FileError, code: "ERR_PREDICTIONS_HASH" });
  const missing = readPredictions(`${path}.no`, { sha256: "0".repeat(64), format: "ndjson" });
  await t.throwsAsync(missing.next(), { instanceOf: FileError, code: "ERR_FILE_READ" });
});

const [GOOD] = atLeast(
  LINES.map((line) => JSON.stringify(line)),
  1,
);
const CSV = "index,label,prediction,probability,correct,top1Class,top1Probability\n";
const BAD: readonly [format: PredictionsFormat, content: string, words: RegExp][] = [
  ["ndjson", `${GOOD}\n{"index": 8`, /line 2 is not a prediction/],
  ["ndjson", `${GOOD}\n${GOOD}\n`, /line 2 .*index: expected more than 7, found 7/],
  ["ndjson", GOOD.replace('"correct":true', '"correct":"yes"'), /line 1 .*correct: .*found string/],
  ["ndjson", `${GOOD}\n\n`, /line 2/],
  [
    "ndjson",
    `${GOOD}\n[${"[],".repeat(400_000)}1]\n`,
    /line 2 .*expected at most 75000 lists and objects, found more/,
  ],
  ["csv", `${CSV}0,1,1,0.5,true,1,0.5\n1,1\n`, /line 3 .*expected 7 cells, found 2/],
  ["csv", `${CSV}0,1,one,0.5,true,1,0.5\n`, /line 2 .*prediction: expected number, found string/],
  ["csv", `${CSV}0,1,1,0.5e,true,1,0.5\n`, /line 2 .*probability: expected number, found NaN/],
  ["csv", "index,label\n0,1\n", /line 1 .*expected the columns index, label, prediction/],
  [
    "csv",
    `${CSV.replace("top1", "top2")}0,1,1,0.5,true,1,0.5\n`,
    /line 1 is not a prediction: expected the columns/,
  ],
  ["csv", CSV.replace(",top1Probability", ""), /line 1 .*the columns/],
  ["csv", `${CSV}0,1,1,,true,1,0.5\n`, /line 2 .*expected a probability and classes, or neither/],
];
test("refuses a line that is no prediction, and names it", async (t) => {
  const folder = await temporaryFolder(t);
  for (const [format, content, words] of BAD) {
    const path = join(folder, `p.${format}`);
    await writeFile(path, content);
    const sha256 = createHash("sha256").update(content).digest("hex");
    await t.throwsAsync(
      all(readPredictions(path, { sha256, format })),
      { instanceOf: FileError, code: "ERR_PREDICTIONS_LINE", message: words },
      `${format} whose ${words.source}`,
    );
  }
});

test("refuses a line without an end before it fills the memory", async (t) => {
  const path = join(await temporaryFolder(t), "p.ndjson");
  const content = Buffer.alloc(5 * 2 ** 20, "x");
  await writeFile(path, content);
  const sha256 = createHash("sha256").update(content).digest("hex");
  await t.throwsAsync(all(readPredictions(path, { sha256, format: "ndjson" })), {
    code: "ERR_PREDICTIONS_LINE",
    message: /line 1 .*too long/,
  });
});

(UNIX ? test : test.skip)("refuses what a result calls its predictions and is no file", async (t) => {
  const pipe = join(await temporaryFolder(t), "pipe");
  execFileSync("mkfifo", [pipe]);
  for (const path of [pipe, "/dev/zero"]) {
    await t.throwsAsync(all(readPredictions(path, { sha256: "0".repeat(64), format: "csv" })), {
      code: "ERR_FILE_READ",
      message: /a device or a pipe/,
    });
  }
});
