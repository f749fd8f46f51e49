import test from "ava";
import { pythonFloat } from "#src/base/text.js";
import { evaluate } from "#src/evaluate/evaluate.js";
import { bar, cellsOf } from "#src/reports/cells.js";
import { digitWithBars, imageLines, plainCell } from "#src/reports/images.js";
import { renderJson } from "#src/reports/json.js";
import { formatOf } from "#src/reports/registry.js";
import { renderText } from "#src/reports/text.js";
import { randomDataset, randomNetwork } from "../helpers/random.js";

test("prints numbers as Python prints a float", (t) => {
  // What `python3 -c "print(...)"` answers.
  t.is(pythonFloat(0.9352), "0.9352");
  t.is(pythonFloat(56146 / 60000), "0.9357666666666666");
  t.is(pythonFloat(1), "1.0");
  t.is(pythonFloat(0), "0.0");
  t.is(pythonFloat(1 / 60000), "1.6666666666666667e-05");
  t.is(pythonFloat(0.0001), "0.0001");
  t.is(pythonFloat(1e16), "1e+16");
  t.is(pythonFloat(1.5e-10), "1.5e-10");
});

test("draws two rows of pixels a line", (t) => {
  const lines = imageLines(Uint8Array.from([255, 0, 255, 255, 255, 0]), { rows: 3, columns: 2 });
  t.deepEqual(lines, ["█▄", "▀ "]);
});

test("draws bars to an eighth of a cell", (t) => {
  t.is(bar(1, 4), "████");
  t.is(bar(0.5, 1), "▌");
  t.is(bar(0, 3), "   ");
});

test("bars stand in line behind names of any script", (t) => {
  const names = ["고양이", "dog", "e\u0301"];
  const shape = { rows: 2, columns: 2 };
  const lines = digitWithBars(new Uint8Array(4), shape, [1, 1, 1], (n) => names[n], plainCell);
  t.is(new Set(lines.map((line) => cellsOf(line.slice(0, line.indexOf("█"))))).size, 1, lines.join("\n"));
});

test("knows formats by a file's ending and names those it knows", (t) => {
  t.is(formatOf("a/b.JSON"), "json");
  t.is(formatOf("b.txt"), "text");
  const error = t.throws(() => formatOf("b.pdf"));
  t.regex(error?.message ?? "", /\.txt, \.json, \.csv, \.md or \.xml/);
  t.deepEqual(["r.csv", "r.md", "r.xml"].map(formatOf), ["csv", "markdown", "junit"]);
});

test("ends the text with the book's line and keeps numbers of the JSON in rows", async (t) => {
  const evaluation = await evaluate({
    dataset: randomDataset(200),
    weights: randomNetwork([64, 10]),
    threads: 0,
  });
  t.is(renderText(evaluation).split("\n").at(-2), `Accuracy : ${pythonFloat(evaluation.result.accuracy)}`);
  const json = renderJson(evaluation);
  const { predictions: _, probabilities: __, timeline: ___, ...rest } = evaluation;
  t.deepEqual(JSON.parse(json), JSON.parse(JSON.stringify(rest)));
  t.true(json.split("\n").length < 100);
});

test("the JSON tells the timeline where probabilities were asked for, and what is of each image never", async (t) => {
  const input = { dataset: randomDataset(200), weights: randomNetwork([64, 10]), threads: 0 };
  const plain = JSON.parse(renderJson(await evaluate(input)));
  const scored = await evaluate({ ...input, topK: 2 });
  const json = renderJson(scored);
  const found = JSON.parse(json);
  t.deepEqual(found.timeline, scored.timeline);
  t.deepEqual(found.result, scored.result);
  t.deepEqual(
    Object.keys(found).filter((key) => !(key in plain)),
    ["timeline"],
  );
  t.false("predictions" in plain || "probabilities" in plain);
  t.regex(json, /\n {6}\{ "label": 3, "support": \d+, .*\},\n/);
});
