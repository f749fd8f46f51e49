import test from "ava";
import { csvCell, renderCsv } from "#src/reports/csv.js";
import { pythonWith, runPython } from "../helpers/python.js";
import { needs } from "../helpers/require.js";
import {
  HOSTILE_NAMES,
  sampleEvaluation,
  unlabelledEvaluation,
  withNames,
} from "../helpers/sample-result.js";

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
  t.is(rows[1].recall, "1");
});
