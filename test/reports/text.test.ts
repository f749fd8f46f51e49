import test from "ava";
import { Chalk } from "chalk";
import { paintWith } from "#src/cli/terminal/cells.js";
import { cellsOf, leftCell, rightCell, shortened } from "#src/reports/cells.js";
import { renderText } from "#src/reports/text.js";
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
Top-2    : 0.9091, 10 have their label among the 2 most probable
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
  t.true(text.endsWith("Accuracy : 0.0\n"));
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
  t.regex(text, /\nMost confused\n48 of 48 name of class 48 taken for 49 name of class 49\n47 of 47 /);
  t.regex(text, /the lowest F1 of 50 classes; --format csv has all/);
  t.true(text.includes("\n19 name of class 19"));
  t.false(text.includes("\n20 name of class 20"));
  t.deepEqual(tooWide(text), []);
});

test("a matrix of as many cells as no call takes arguments is told by its largest mistakes", (t) => {
  const classes = 512;
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  matrix[7][511] = 3;
  t.regex(renderText(sampleEvaluation({ confusionMatrix: matrix })), /Most confused\n3 of 7 +taken for 511/);
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
