import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { FileError } from "#src/base/errors.js";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { readResult } from "#src/evaluate/read-result.js";
import { validate } from "../helpers/published-schemas.js";
import { SAMPLE_COUNTS, SAMPLE_RESULT } from "../helpers/sample-result.js";
import { temporaryFolder } from "../helpers/temporary.js";

async function writtenAs(t: ExecutionContext, content: string): Promise<string> {
  const path = join(await temporaryFolder(t), "r.json");
  await writeFile(path, content);
  return path;
}

test("publishes the schema under a name of its own, without inventing a host", (t) => {
  const schema = JSON.parse(readFileSync(new URL("schemas/result.schema.json", PACKAGE_ROOT), "utf8"));
  t.is(schema.$schema, "https://json-schema.org/draft/2020-12/schema");
  t.is(schema.$id, "result.schema.json");
  const { files } = JSON.parse(readFileSync(new URL("package.json", PACKAGE_ROOT), "utf8"));
  t.true(files.includes("schemas"));
});

test("a result with everything in it, and one without labels, fit the published schema", (t) => {
  t.deepEqual(validate("result", SAMPLE_RESULT), []);
  t.deepEqual(validate("result", withoutLabels()), []);
});

test("the published schema refuses a missing field, an unknown one and a wrong type", (t) => {
  const { accuracy: _, ...withoutAccuracy } = SAMPLE_COUNTS;
  t.regex(validate("result", { ...SAMPLE_RESULT, result: withoutAccuracy }).join(), /accuracy/);
  t.regex(validate("result", { ...SAMPLE_RESULT, mood: "good" }).join(), /mood/);
  const wrong = { ...SAMPLE_RESULT, result: { ...SAMPLE_COUNTS, correct: 9.5 } };
  t.regex(validate("result", wrong).join(), /\/result\/correct must be integer/);
});

test("reads what was written", async (t) => {
  t.deepEqual(await readResult(await writtenAs(t, JSON.stringify(SAMPLE_RESULT))), SAMPLE_RESULT);
  const file = await writtenAs(t, JSON.stringify(withoutLabels()));
  t.deepEqual(
    { ...(await readResult(file)), predictions: [0, 1, 2] },
    { ...Object(withoutLabels()), predictions: [0, 1, 2] },
  );
});

test("reads past a field that a later version added", async (t) => {
  const later = { ...SAMPLE_RESULT, mood: "good", run: { ...SAMPLE_RESULT.run, gpus: 4 } };
  t.deepEqual(await readResult(await writtenAs(t, JSON.stringify(later))), SAMPLE_RESULT);
});

test("refuses a file of nothing but brackets before it takes a hundred times its size", async (t) => {
  const path = await writtenAs(t, "[".repeat(2_000_000));
  const error = await t.throwsAsync(readResult(path), { instanceOf: FileError, code: "ERR_JSON_SHAPE" });
  t.regex(error?.message ?? "", /expected nesting at most 32 deep/);
});

test("refuses a file that is no JSON", async (t) => {
  const path = await writtenAs(t, '{"schemaVersion": 1,');
  const error = await t.throwsAsync(readResult(path), { instanceOf: FileError, code: "ERR_JSON_SYNTAX" });
  t.true(error.message.startsWith(`${path}: `));
});

const NO_RESULTS: readonly [document: unknown, words: RegExp][] = [
  [[1, 2], /expected object, found array/],
  [{}, /schemaVersion/],
  [
    { ...SAMPLE_RESULT, result: { ...SAMPLE_COUNTS, accuracy: "high" } },
    /result\.accuracy: .*number, found string/,
  ],
  [{ ...SAMPLE_RESULT, result: { ...SAMPLE_COUNTS, perClass: [{}] } }, /result\.perClass\[0\]\.label: /],
  [
    { ...SAMPLE_RESULT, dataset: { ...SAMPLE_RESULT.dataset, split: "test\u001b[2J" } },
    /dataset\.split: .*"test"\|"train"/,
  ],
  [{ ...SAMPLE_RESULT, result: { total: 3 } }, /result\.labelled: /],
];
test("refuses a document that is no result, in one line", async (t) => {
  for (const [document, words] of NO_RESULTS) {
    const path = await writtenAs(t, JSON.stringify(document));
    const expected = { instanceOf: FileError, code: "ERR_JSON_SHAPE", message: words };
    const error = await t.throwsAsync(readResult(path), expected, words.source);
    t.is(error.message.split("\n").length, 1);
  }
});

test("refuses a result of a later schema, whatever else it holds", async (t) => {
  const path = await writtenAs(t, JSON.stringify({ schemaVersion: 2, everything: "new" }));
  const error = await t.throwsAsync(readResult(path), { instanceOf: FileError, code: "ERR_RESULT_VERSION" });
  t.regex(error.message, /schemaVersion 1, found 2/);
});

function withoutLabels(): unknown {
  const { timeline: _, ...rest } = SAMPLE_RESULT;
  const result = { labelled: false, total: 4, complete: true, predictedCounts: [1, 3, 0] };
  return { ...rest, predictionsFile: null, result, predictions: [1, 0, 1, 1] };
}
