/** What the commands write fits the contract that checks it on reading, and the JSON Schema that the package publishes. */

import { readdirSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import type * as z from "zod";
import { benchmarkSchema } from "#src/base/contracts/bench.js";
import { checksReportSchema, setsReportSchema } from "#src/base/contracts/checks.js";
import { comparisonSchema } from "#src/base/contracts/comparison.js";
import { diagnosisFileSchema } from "#src/base/contracts/diagnosis.js";
import { journalHeader, journalLine, predictionSchema } from "#src/base/contracts/journal.js";
import { resultSchema } from "#src/base/contracts/result.js";
import { atLeast } from "#src/base/errors.js";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { evaluate, IncompleteError } from "#src/index.js";
import { renderJson } from "#src/reports/json.js";
import { runCli } from "../helpers/cli.js";
import { PUBLISHED_SCHEMAS, type PublishedSchema, validate } from "../helpers/published-schemas.js";
import { temporaryFolder } from "../helpers/temporary.js";

/** A document, and the contract and the published schema that it must fit. */
type Written = readonly [name: PublishedSchema, contract: z.ZodType, document: object];

const SETS = ["--dataset", "bundled", "--dataset", "bundled", "--limit", "100"];
const SMALL = ["--limit", "300", "--threads", "0", "--quiet"];

async function jsonOf(t: ExecutionContext, args: readonly string[], expected = 0): Promise<object> {
  const { status, stdout, stderr } = await runCli([...args, "--format", "json"]);
  t.is(status, expected, stderr);
  return JSON.parse(stdout);
}

async function linesOf(path: string): Promise<object[]> {
  const text = await readFile(path, "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

async function written(t: ExecutionContext): Promise<readonly Written[]> {
  const folder = await temporaryFolder(t);
  const [predictions, journal, suite] = atLeast(
    ["p.ndjson", "run.journal", "suite.json"].map((name) => join(folder, name)),
    3,
  );
  const whole = await jsonOf(t, [
    ...SMALL,
    "--top-k",
    "2",
    "--bootstrap",
    "10",
    "--predictions",
    predictions,
  ]);
  const unlabelled = await jsonOf(t, [...SMALL, "--no-labels"]);
  const part = await jsonOf(t, [...SMALL, "--shard", "1/2", "--top-k", "2", "--resume", journal]);
  const abort = new AbortController();
  const options = { limit: 300, threads: 1, batchSize: 10 };
  const interrupted = evaluate(options, { signal: abort.signal, onProgress: () => abort.abort() });
  const { partial } = await t.throwsAsync(interrupted, { instanceOf: IncompleteError });
  const evaluations = [
    { name: "met", limit: 100, minAccuracy: 0.5 },
    { name: "missed", limit: 100, minAccuracy: 1 },
    { name: "broken", weights: "missing.npz" },
  ];
  await writeFile(suite, JSON.stringify({ evaluations }));
  const [header, ...ranges] = atLeast(await linesOf(journal), 1);
  t.true(ranges.length > 0);
  return [
    ["result", resultSchema, whole],
    ["result", resultSchema, unlabelled],
    ["result", resultSchema, part],
    ["result", resultSchema, JSON.parse(renderJson(partial))],
    ["journal", journalHeader, header],
    ...ranges.map((range) => ["journal", journalLine, range] satisfies Written),
    ...(await linesOf(predictions)).map((line) => ["prediction", predictionSchema, line] satisfies Written),
    ["comparison", comparisonSchema, await jsonOf(t, ["compare", "bundled", "bundled-whiten", ...SMALL])],
    ["checks-report", checksReportSchema, await jsonOf(t, ["check", suite, "--quiet"], 3)],
    ["sets-report", setsReportSchema, await jsonOf(t, [...SETS, "--min-accuracy", "1", "--quiet"], 100)],
    [
      "benchmark",
      benchmarkSchema,
      await jsonOf(t, [
        "bench",
        "--limit",
        "100",
        "--repeat",
        "1",
        "--duration",
        "0",
        "--threads",
        "0,1",
        "--quiet",
      ]),
    ],
    ["diagnosis", diagnosisFileSchema, await jsonOf(t, ["diagnose", "--limit", "100", "--quiet"])],
  ];
}

test("what each command writes fits its contract and its published schema, which refuse one key more or less", async (t) => {
  for (const [name, contract, document] of await written(t)) {
    t.deepEqual(validate(name, document), [], name);
    // Reading drops unknown keys: nothing was written that the contract does not name.
    t.deepEqual(contract.parse(document), document, name);
    t.true(validate(name, { ...document, mood: "good" }).length > 0, name);
    const [first] = Object.keys(document);
    const shorter = Object.fromEntries(Object.entries(document).filter(([key]) => key !== first));
    t.true(validate(name, shorter).length > 0, name);
    t.false(contract.safeParse(shorter).success, name);
  }
});

test("publishes one schema per kind of document, each of whose fields is described", (t) => {
  const folder = new URL("schemas/", PACKAGE_ROOT);
  const files = readdirSync(folder).filter((name) => name.endsWith(".schema.json"));
  t.deepEqual(files.toSorted(), PUBLISHED_SCHEMAS.map((name) => `${name}.schema.json`).toSorted());
  for (const name of [
    "benchmark",
    "checks-report",
    "sets-report",
    "comparison",
    "diagnosis",
    "journal",
    "prediction",
    "result",
  ]) {
    const schema = JSON.parse(readFileSync(new URL(`${name}.schema.json`, folder), "utf8"));
    t.deepEqual(undescribed(schema, name), []);
  }
});

test("no pattern of a published schema needs more than a plain regular expression, as Python's", (t) => {
  for (const name of PUBLISHED_SCHEMAS) {
    const text = readFileSync(new URL(`schemas/${name}.schema.json`, PACKAGE_ROOT), "utf8");
    // Python's re knows neither \p{…} nor named groups of ECMAScript.
    t.notRegex(text, /"pattern": *"[^"]*(\\\\[pP]\{|\(\?<[a-z])/, name);
  }
});

interface JsonSchema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
}

function undescribed({ properties = {}, items, anyOf = [], oneOf = [] }: JsonSchema, at: string): string[] {
  return [
    ...Object.entries(properties).flatMap(([key, field]) => [
      ...(field.description === undefined ? [`${at}.${key}`] : []),
      ...undescribed(field, `${at}.${key}`),
    ]),
    ...(items === undefined ? [] : undescribed(items, `${at}[]`)),
    ...[...anyOf, ...oneOf].flatMap((branch) => undescribed(branch, at)),
  ];
}
