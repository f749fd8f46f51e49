/** Markdown and CSV, which other programs read. */

import test from "ava";
import { marked } from "marked";
import { atLeast } from "#src/base/errors.js";
import { csvCell, renderCsv } from "#src/reports/csv.js";
import { markdownText, renderMarkdown } from "#src/reports/markdown.js";
import { pythonWith, runPython } from "../helpers/python.js";
import { needs } from "../helpers/require.js";
import {
  HOSTILE_NAMES,
  sampleEvaluation,
  unlabelledEvaluation,
  withNames,
} from "../helpers/sample-result.js";

const MISSED = {
  name: "--min-accuracy",
  code: "ERR_GATE_ACCURACY",
  passed: false,
  expected: "an accuracy of at least 0.9",
  found: "0.8181818181818182",
  message: "",
} as const;

/** The cells of each table, as a browser would show them. */
function tablesOf(markdown: string): string[][][] {
  const html = marked.parse(markdown, { async: false, gfm: true });
  return [...html.matchAll(/<table>(.*?)<\/table>/gs)].map(([, table = ""]) =>
    [...table.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row = ""]) =>
      [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map(([, cell = ""]) => textOf(cell)),
    ),
  );
}

function textOf(html: string): string {
  return html
    .replace(/<\/?(?:code|strong)>/g, "")
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replace(/&(lt|gt|quot|amp);/g, (_, name: string) => ({ lt: "<", gt: ">", quot: '"' })[name] ?? "&");
}

test("the tables that a renderer makes have the result's numbers", (t) => {
  const [facts, gates, classes, pairs] = atLeast(
    tablesOf(renderMarkdown({ evaluation: sampleEvaluation(), gates: [MISSED] })),
    4,
  );
  t.deepEqual(facts[1], ["shapes, test", "shapes.onnx", "ml-matrix", "11", "1,000"]);
  t.deepEqual(gates[1], ["failed", "--min-accuracy", MISSED.expected, MISSED.found]);
  t.deepEqual(classes[3], ["2 triangle", "1", "-", "0.0000", "0.0000"]);
  t.deepEqual(pairs.slice(1), [
    ["0 circle", "1 square", "1"],
    ["2 triangle", "0 circle", "1"],
  ]);
});

test("says that a result is partial, and why", (t) => {
  const report = {
    evaluation: sampleEvaluation({ complete: false }),
    gates: [],
    fault: new Error("it broke"),
  };
  t.regex(renderMarkdown(report), /\*\*Partial\*\*: .*: it broke\n/);
});

test("images without labels: a row a class", (t) => {
  const [, counts] = atLeast(tablesOf(renderMarkdown({ evaluation: unlabelledEvaluation(), gates: [] })), 2);
  t.deepEqual(counts.slice(1), [
    ["0 circle", "6"],
    ["1 square", "5"],
    ["2 triangle", "0"],
  ]);
});

test("a name is shown as it is, and opens no cell, tag, link, emphasis or mention", (t) => {
  const markdown = renderMarkdown({ evaluation: withNames(sampleEvaluation(), HOSTILE_NAMES), gates: [] });
  const html = marked.parse(markdown, { async: false, gfm: true });
  t.notRegex(html, /<(?!\/?(?:h3|p|table|thead|tbody|tr|th|td|code|strong)\b)/);
  const [, classes] = atLeast(tablesOf(markdown), 2);
  t.deepEqual(
    classes.slice(1).map(([name]) => name),
    HOSTILE_NAMES.map((name, label) => `${label} ${name}`),
  );
  // GitHub looks for mentions in the text that remains outside of <code>.
  t.notRegex(html.replace(/<code>.*?<\/code>/g, ""), /@|evil|script/);
});

test("a name of letters and digits stays as it is", (t) => {
  t.is(markdownText("고양이 2"), "고양이 2");
  t.is(markdownText("0.5 (circle), 0.25 too low"), "0.5 (circle), 0.25 too low");
  t.is(markdownText("a_b"), "<code>a&#95;b</code>");
  t.is(markdownText("WWW.evil"), "<code>WWW&#46;evil</code>");
});

const python = pythonWith("csv", "json");

test("one row a class, numbers whole, what a class does not have left empty", (t) => {
  t.is(
    renderCsv(sampleEvaluation()),
    `class,name,support,predicted,precision,recall,f1
0,circle,6,6,0.8333333333333334,0.8333333333333334,0.8333333333333334
1,square,4,5,0.8,1,0.8888888888888888
2,triangle,1,0,,0,0
`,
  );
  t.is(renderCsv(unlabelledEvaluation()), "class,name,predicted\n0,circle,6\n1,square,5\n2,triangle,0\n");
});

test("no cell begins as a formula would", (t) => {
  for (const start of ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"]) {
    t.is(csvCell(`${start}1+1`), `"'${start}1+1"`);
  }
  t.is(csvCell("a=b"), "a=b");
  t.is(csvCell('say "a"'), '"say ""a"""');
});

needs("python", python !== undefined)("Python's csv reads the names back, each in its own cell", (t) => {
  const text = renderCsv(withNames(sampleEvaluation(), HOSTILE_NAMES));
  const script =
    "import csv,io,json,sys; print(json.dumps(list(csv.DictReader(io.StringIO(sys.argv[1], newline='')))))";
  const rows = runPython(python, script, text) as Record<string, string>[];
  t.deepEqual(
    rows.map(({ name }) => name),
    [`'${HOSTILE_NAMES[0]}`, HOSTILE_NAMES[1], HOSTILE_NAMES[2]],
  );
  t.is(rows[1]?.recall, "1");
});
