import test from "ava";
import { RunError } from "#src/base/errors.js";
import { gateError, judge } from "#src/evaluate/gates.js";
import { brokenSuite, type JunitSuite, junitSuite, renderJunit } from "#src/reports/junit.js";
import { junitFaults, parseJunit } from "../helpers/junit.js";
import { pythonWith, runPython } from "../helpers/python.js";
import { needs } from "../helpers/require.js";
import { HOSTILE_NAMES, sampleEvaluation, withNames } from "../helpers/sample-result.js";
import { allWithin } from "../helpers/xml.js";

const python = pythonWith("xml.etree.ElementTree", "json");
const evaluation = sampleEvaluation();
const gates = judge({ minAccuracy: 0.5, minClassRecall: 0.5 }, evaluation);

test("a case for the evaluation and one for each gate; a missed gate is a failure", (t) => {
  const root = parseJunit(renderJunit([junitSuite({ evaluation, gates })]));
  t.deepEqual(junitFaults(root), []);
  const { attributes, children } = root.children[0];
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
  t.like(cases[2].children[0].attributes, {
    type: "ERR_GATE_CLASS_RECALL",
    message: gateError(gates[1]).message,
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
  name: `]]>&"'<a b="c">\u0000\u001b\ud800\uffff\u{1f600}`,
  properties: [["line\nbreak\ttab", "\r"]],
  cases: [
    {
      name: "</testsuite>",
      elapsedMs: 1234.5678,
      problem: { kind: "failure", type: "<", message: "<!--\u0008" },
    },
  ],
};

test("no name opens an element, and what XML forbids is replaced", (t) => {
  const xml = renderJunit([HOSTILE]);
  const root = parseJunit(xml);
  t.deepEqual(junitFaults(root), []);
  t.is(root.children[0].attributes.name, `]]>&"'<a b="c">\ufffd\ufffd\ufffd\ufffd\u{1f600}`);
  t.deepEqual(root.children[0].children[0].children[0].attributes, { name: "line\nbreak\ttab", value: "\r" });
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
