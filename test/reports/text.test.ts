/** The text of a result, its pictures and bars, and its JSON. */
import test from "ava";
import { Chalk } from "chalk";
import { pythonFloat } from "#src/base/text.js";
import { paintWith } from "#src/cli/terminal/cells.js";
import { evaluate } from "#src/evaluate/evaluate.js";
import { bar, cellsOf, leftCell, rightCell, shortened } from "#src/reports/cells.js";
import { digitWithBars, imageLines, plainCell } from "#src/reports/images.js";
import { renderJson } from "#src/reports/json.js";
import { formatOf } from "#src/reports/registry.js";
import { renderText } from "#src/reports/text.js";
import { randomDataset, randomNetwork } from "../helpers/random.js";
import {
  HOSTILE_NAMES,
  sampleEvaluation,
  unlabelledEvaluation,
  withNames,
} from "../helpers/sample-result.js";

const SAMPLE_TEXT = `\
Data     : shapes, test: 11 images
Network  : shapes.onnx, 64-16-3
Engine   : ml-matrix, 2 threads, 3 batches of 4
Time     : 11.0 ms, 1,000 images/s
Batch    : p50 1.25 ms, p90 2.50 ms, p99 3.75 ms

Class            Support  Precision     Recall         F1
0 circle               6     0.8333     0.8333     0.8333
1 square               4     0.8000     1.0000     0.8889
2 triangle             1          -     0.0000     0.0000
macro mean            11     0.5444     0.6111     0.5741
micro mean            11     0.8182     0.8182     0.8182
weighted mean         11     0.7455     0.8182     0.7778

Label \\ as    0 1 2
0 circle      5 1 0
1 square      0 4 0
2 triangle    1 0 0

Balanced : accuracy 0.6111, Cohen's kappa 0.6615, Matthews 0.6732
Macro F1 : 95 % interval 0.4000 to 0.9000 by 1,000 resamples
Top-2    : 0.9091, 10 images with the label among the 2 most probable
Scores   : log loss 0.7500, Brier 0.2500, calibration error 0.0625
Correct  : 9 of 11, 95 % interval 0.5230 to 0.9486
Accuracy : 0.8181818181818182
`;

test("the text has every number of the result, and ends with the book's line", (t) => {
  t.is(renderText(sampleEvaluation()), SAMPLE_TEXT);
});

test("without probabilities or resamples the text has no lines about them", (t) => {
  const text = renderText(sampleEvaluation({ scores: null, macroF1Interval95: null }));
  t.is(text, SAMPLE_TEXT.replace(/^(?:Top-2|Scores|Macro F1) +:.*\n/gm, ""));
});

test("a partial result says so", (t) => {
  t.regex(renderText(sampleEvaluation({ complete: false })), /^Partial {2}: not all images were evaluated/m);
});

test("a result of nothing has no tables", (t) => {
  const text = renderText(sampleEvaluation({ total: 0, correct: 0, accuracy: 0, complete: false }));
  t.notRegex(text, /Support|Label/);
  t.true(text.endsWith("Accuracy : no image was evaluated\n"));
});

test("images without labels: how many were predicted as each class", (t) => {
  t.regex(renderText(unlabelledEvaluation()), /^circle {3}: 6\nsquare {3}: 5\ntriangle : 0\n$/m);
});

test("long names of classes stand in line too", (t) => {
  for (const names of [HOSTILE_NAMES, ["한국어로 쓴 긴 이름", "둘", "a name of three"]]) {
    const rows = renderText(withNames(unlabelledEvaluation(), names)).split("\n").slice(5, 8);
    t.is(new Set(rows.map((row) => cellsOf(row.slice(0, row.lastIndexOf(" : "))))).size, 1, rows.join("\n"));
    t.deepEqual(tooWide(rows.join("\n")), []);
  }
});

test("more classes than fit are told by their largest mistakes and their lowest F1", (t) => {
  const classes = 50;
  const matrix = Array.from({ length: classes }, (_, label) =>
    Array.from({ length: classes }, (_, as) => (label === as ? 100 : as === label + 1 ? label : 0)),
  );
  const perClass = matrix.map((_, label) => ({
    label,
    support: 100 + label,
    predicted: 100,
    precision: 0.9,
    recall: 0.9,
    f1: (label + 1) / 100,
  }));
  const evaluation = withNames(
    sampleEvaluation({ confusionMatrix: matrix, perClass }),
    matrix.map((_, label) => `name of class ${label}`),
  );
  const text = renderText(evaluation);
  t.regex(text, /\nMost confused\n48 of 48 name of class 48 predicted as 49 name of class 49\n47 of 47 /);
  t.regex(text, /lowest F1 of 50 classes; --format csv lists all classes/);
  t.true(text.includes("\n19 name of class 19"));
  t.false(text.includes("\n20 name of class 20"));
  t.deepEqual(tooWide(text), []);
});

test("a matrix of as many cells as no call takes arguments is told by its largest mistakes", (t) => {
  const classes = 512;
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  matrix[7]![511] = 3;
  t.regex(
    renderText(sampleEvaluation({ confusionMatrix: matrix })),
    /Most confused\n3 of 7 +predicted as 511/,
  );
});

test("sixteen classes with four digits each are a list, since the matrix would pass 80 columns", (t) => {
  const matrixOf = (images: number) =>
    Array.from({ length: 16 }, (_, label) =>
      Array.from({ length: 16 }, (_, as) => (label === as ? images : 1)),
    );
  t.regex(renderText(sampleEvaluation({ confusionMatrix: matrixOf(999) })), /Label \\ as/);
  t.regex(renderText(sampleEvaluation({ confusionMatrix: matrixOf(9999) })), /Most confused/);
});

test("stays within 80 columns and aligned, whatever the names", (t) => {
  const korean = ["한국어로 쓴 아주 길고 긴 이름은 잘려야 한다", "둘", "세 번째"];
  for (const names of [HOSTILE_NAMES, korean]) {
    const text = renderText(withNames(sampleEvaluation(), names));
    t.deepEqual(tooWide(text), []);
    const table = text.split("\n").slice(6, 13);
    t.is(new Set(table.map(cellsOf)).size, 1, text);
  }
});

test("a name cannot move the terminal's cursor", (t) => {
  const text = renderText(withNames(sampleEvaluation(), ["a\u001b[2Jb", "c\u202ed", "e\nf"]));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
  t.notRegex(text, /[\u0000-\u0009\u000b-\u001f\u202e]/);
  t.is(text.split("\n").length, SAMPLE_TEXT.split("\n").length);
});

test("heat paints what is right and what is wrong, the more the stronger, and leaves the words as they are", (t) => {
  const painted = renderText(sampleEvaluation(), paintWith(new Chalk({ level: 2 })));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the colours
  t.is(painted.replace(/\u001b\[[\d;]*m/g, ""), SAMPLE_TEXT);
  const cell = (ground: number, text: string) =>
    `\u001b[38;5;231m\u001b[48;5;${ground}m${text}\u001b[49m\u001b[39m`;
  t.true(painted.includes(cell(28, " 4")));
  // One of six images taken for a square is little beside the only triangle, taken for a circle.
  t.true(painted.includes(`0 circle     ${cell(28, " 5")} 1`));
  t.true(painted.includes(`2 triangle   ${cell(160, " 1")}`));
  t.true(painted.endsWith("\nAccuracy : 0.8181818181818182\n"));
});

test("counts a terminal's cells as it shows them", (t) => {
  t.is(cellsOf("abc"), 3);
  t.is(cellsOf("한글"), 4);
  t.is(cellsOf("e\u0301"), 1);
  t.is(leftCell("한", 4), "한  ");
  t.is(rightCell("한", 4), "  한");
  t.is(shortened("한국어", 5), "한국…");
  t.is(shortened("abc", 3), "abc");
});

function tooWide(text: string): string[] {
  return text.split("\n").filter((line) => cellsOf(line) > 80);
}

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
  const lines = imageLines(Uint8Array.from([255, 0, 255, 255, 255, 0]), { rows: 3, columns: 2, channels: 1 });
  t.deepEqual(lines, ["█▄", "▀ "]);
  const colours = Uint8Array.from([255, 255, 255, 0, 0, 255, 0, 0, 0, 0, 255, 0]);
  t.deepEqual(imageLines(colours, { rows: 2, columns: 2, channels: 3 }), ["▀▄"], "a colour by its luma");
});

test("draws bars to an eighth of a cell", (t) => {
  t.is(bar(1, 4), "████");
  t.is(bar(0.5, 1), "▌");
  t.is(bar(0, 3), "   ");
});

test("bars stand in line behind names of any script", (t) => {
  const names = ["고양이", "dog", "e\u0301"];
  const shape = { rows: 2, columns: 2, channels: 1 };
  const lines = digitWithBars(new Uint8Array(4), shape, [1, 1, 1], (n) => names[n]!, plainCell);
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
