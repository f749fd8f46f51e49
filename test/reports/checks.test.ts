/** Reports of checks, and JUnit. */
import test from "ava";
import { marked } from "marked";
import type { ChecksReport } from "#src/base/contracts/checks.js";
import { atLeast, FileError, RunError } from "#src/base/errors.js";
import { gateError, judge } from "#src/evaluate/gates.js";
import { checksFormatOf, renderChecks } from "#src/reports/checks.js";
import { brokenSuite, type JunitSuite, junitSuite, renderJunit } from "#src/reports/junit.js";
import { junitFaults, parseJunit } from "../helpers/junit.js";
import { pythonWith, runPython } from "../helpers/python.js";
import { needs } from "../helpers/require.js";
import { HOSTILE_NAMES, sampleEvaluation, withNames } from "../helpers/sample-result.js";
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
  const [passed, failed, missed, missedClass] = atLeast(lines, 4);
  t.regex(passed, /^passed {2}good {38}0\.8182 {2}9 of 11$/);
  t.regex(failed, /^failed {2}<\/td><script>.*… {2}0\.8182 {2}9 of 11$/);
  t.regex(missed, /^ {8}--min-accuracy: expected an accuracy of at least 0\.9, found/);
  t.regex(missedClass, /^ {8}--min-class-recall: .*for class 2 \(triangle\)/);
  t.regex(lines[4] ?? "", /^error {3}broken +- {8}-$/);
  t.is(lines[5], "        a|b.npz: cannot be read: no such file; is the path right?");
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
  t.deepEqual(checks[2].error, {
    code: "ERR_FILE_READ",
    message: "a|b.npz: cannot be read: no such file; is the path right?",
  });
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
  t.regex(t.throws(() => checksFormatOf("a.csv"))?.message ?? "", /\.xml or \.md/);
});

const python = pythonWith("xml.etree.ElementTree", "json");
const gates = judge({ minAccuracy: 0.5, minClassRecall: 0.5 }, evaluation);

test("a case for the evaluation and one for each gate; a missed gate is a failure", (t) => {
  const root = parseJunit(renderJunit([junitSuite({ evaluation, gates })]));
  t.deepEqual(junitFaults(root), []);
  const [{ attributes, children }] = atLeast(root.children, 1);
  t.like(attributes, {
    name: "shapes.onnx on shapes, test",
    tests: "3",
    failures: "1",
    errors: "0",
    time: "0.090",
  });
  const cases = children.filter(({ name }) => name === "testcase");
  t.deepEqual(
    cases.map((one) => [one.attributes.name, one.children.map(({ name }) => name)]),
    [
      ["evaluation", []],
      ["--min-accuracy", []],
      ["--min-class-recall", ["failure"]],
    ],
  );
  t.like(cases[2]?.children[0]?.attributes, {
    type: "ERR_GATE_CLASS_RECALL",
    message: gateError(gates[1]!).message,
  });
});

test("what did not reach its end is an error", (t) => {
  const fault = new RunError("ERR_INTERRUPTED", { doneImages: 3, totalImages: 11 });
  const root = parseJunit(
    renderJunit([
      junitSuite({ evaluation, gates: [], fault }, "a"),
      brokenSuite("b", new Error("no such file")),
    ]),
  );
  t.deepEqual(junitFaults(root), []);
  t.like(root.attributes, { tests: "2", failures: "0", errors: "2" });
  const errors = allWithin(root).filter(({ name }) => name === "error");
  t.deepEqual(
    errors.map(({ attributes }) => [attributes.type, attributes.message]),
    [
      ["ERR_INTERRUPTED", fault.message],
      ["ERR_INTERNAL", "no such file"],
    ],
  );
});

/** A name and message that try to be markup, with what XML forbids altogether. */
const HOSTILE: JunitSuite = {
  name: `]]>&"'<a b="c">\u0000\u001b\ud800\uffff\u{1f600}\u202e\u2066\u009b`,
  properties: [["line\nbreak\ttab", "\r"]],
  cases: [
    {
      name: "</testsuite>",
      elapsedMs: 1234.5678,
      problem: { kind: "failure", type: "<", message: "<!--\u0008" },
    },
  ],
};

test("no name opens an element or turns the text, and what XML forbids is shown as an escape", (t) => {
  const xml = renderJunit([HOSTILE]);
  const root = parseJunit(xml);
  t.deepEqual(junitFaults(root), []);
  t.is(
    root.children[0]?.attributes.name,
    `]]>&"'<a b="c">\\u{0}\\u{1b}\\u{d800}\\u{ffff}\u{1f600}\\u{202e}\\u{2066}\\u{9b}`,
  );
  t.deepEqual(root.children[0]?.children[0]?.children[0]?.attributes, {
    name: "line\nbreak\ttab",
    value: "\r",
  });
  const hostile = withNames(evaluation, HOSTILE_NAMES);
  t.deepEqual(junitFaults(parseJunit(renderJunit([junitSuite({ evaluation: hostile, gates })]))), []);
});

needs("python", python !== undefined)("expat, which is strict, reads the same names", (t) => {
  const script = `
import json, sys, xml.etree.ElementTree as tree
root = tree.fromstring(sys.argv[1].encode())
print(json.dumps([[one.tag, one.attrib] for one in root.iter()]))`;
  const xml = renderJunit([HOSTILE]);
  const found = runPython(python, script, xml);
  const root = parseJunit(xml);
  t.deepEqual(
    found,
    allWithin(root).map(({ name, attributes }) => [name, attributes]),
  );
});
