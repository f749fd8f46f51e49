import test from "ava";
import { marked } from "marked";
import type { ChecksReport } from "#src/base/contracts/checks.js";
import { FileError } from "#src/base/errors.js";
import { judge } from "#src/evaluate/gates.js";
import { CHECKS_FORMATS, checksFormatOf, renderChecks } from "#src/reports/checks.js";
import { junitFaults, parseJunit } from "../helpers/junit.js";
import { HOSTILE_NAMES, sampleEvaluation } from "../helpers/sample-result.js";
import { allWithin } from "../helpers/xml.js";

const evaluation = sampleEvaluation();
const fault = new FileError("ERR_FILE_READ", { path: "a|b.npz", reason: "no such file" });

const REPORT: ChecksReport = {
  suite: "/suites/checks.json",
  totalMs: 12.5,
  checks: [
    {
      name: "good",
      status: "passed",
      evaluation,
      gates: judge({ minAccuracy: 0.5 }, evaluation),
      fault: undefined,
    },
    {
      name: HOSTILE_NAMES[1],
      status: "failed",
      evaluation,
      gates: judge({ minAccuracy: 0.9, minClassRecall: 0.5 }, evaluation),
      fault: undefined,
    },
    { name: "broken", status: "error", evaluation: undefined, gates: [], fault },
  ],
};

test("the text is one table with what was missed below each line, and the counts last", (t) => {
  const lines = renderChecks("text", REPORT).split("\n");
  t.regex(lines[0], /^passed {2}good {38}0\.8182 {2}9 of 11$/);
  t.regex(lines[1], /^failed {2}<\/td><script>.*… {2}0\.8182 {2}9 of 11$/);
  t.regex(lines[2], /^ {8}--min-accuracy: expected an accuracy of at least 0\.9, found/);
  t.regex(lines[3], /^ {8}--min-class-recall: .*for class 2 \(triangle\)/);
  t.regex(lines[4], /^error {3}broken +- {8}-$/);
  t.is(lines[5], "        a|b.npz: cannot be read: no such file");
  t.is(lines[6], "3 checks: 1 passed, 1 failed, 1 error");
  t.is(lines.length, 8);
});

test("JUnit keeps to its schema: a missed gate is a failure, what is broken an error", (t) => {
  const root = parseJunit(renderChecks("junit", REPORT));
  t.deepEqual(junitFaults(root), []);
  t.deepEqual([root.attributes.tests, root.attributes.failures, root.attributes.errors], ["6", "2", "1"]);
  const suites = allWithin(root).filter(({ name }) => name === "testsuite");
  t.deepEqual(
    suites.map(({ attributes }) => attributes.name),
    REPORT.checks.map(({ name }) => name),
  );
});

test("the JSON has each evaluation as evaluate answers it, and the code of each error", (t) => {
  const { schemaVersion, checks, suite, timing } = JSON.parse(renderChecks("json", REPORT));
  t.is(schemaVersion, 1);
  t.is(suite, "/suites/checks.json");
  t.is(timing.totalMs, 12.5);
  t.deepEqual(checks[0].evaluation.result, evaluation.result);
  t.false("probabilities" in checks[0].evaluation);
  t.true(checks[0].gates[0].passed);
  t.deepEqual(checks[2].error, { code: "ERR_FILE_READ", message: "a|b.npz: cannot be read: no such file" });
  t.is(checks[2].evaluation, null);
});

test("Markdown is one table that no name breaks out of", async (t) => {
  const html = await marked.parse(renderChecks("markdown", REPORT), { gfm: true });
  t.is(html.match(/<tr>/g)?.length, 4);
  t.is(html.match(/<td/g)?.length, 15);
  t.false(/<script|<em>bold|href/.test(html));
  t.regex(html, /<h3>3 checks: 1 passed, 1 failed, 1 error<\/h3>/);
});

test("knows the formats by their endings", (t) => {
  t.deepEqual(["a.txt", "a.json", "a.XML", "a.md"].map(checksFormatOf), [
    "text",
    "json",
    "junit",
    "markdown",
  ]);
  t.is(CHECKS_FORMATS.length, 4);
  t.regex(t.throws(() => checksFormatOf("a.csv"))?.message ?? "", /\.xml or \.md/);
});
