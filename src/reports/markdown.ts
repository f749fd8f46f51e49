/** Report of an evaluation as Markdown with GitHub's tables, for a pull request's comment. */

import { type Assumption, assumedText } from "#src/base/assumptions.js";
import type { PredictedCounts, ResultCounts } from "#src/base/contracts/result.js";
import { grouped } from "#src/base/errors/define.js";
import { printable, pythonFloat } from "#src/base/text.js";
import { classesShown, mostConfused } from "./classes.js";
import type { Report } from "./report.js";

const LISTED_PAIRS = 5;
const NONE = "-";

export function renderMarkdown(report: Report): string {
  const { dataset, network, result, run, timing } = report.evaluation;
  const isEmpty = result.total === 0;
  const accuracy = result.labelled ? `Accuracy ${pythonFloat(result.accuracy)}` : "Predictions";
  const title = isEmpty ? "No image was evaluated" : accuracy;
  const nameOf = (label: number) => {
    const name = dataset.classNames?.[label];
    return name === undefined ? String(label) : `${label} ${markdownText(name)}`;
  };
  const parts = [
    `### ${title}\n`,
    ...(result.complete ? [] : [partialText(report.fault)]),
    ...assumedParts(report.evaluation.assumptions),
    ...(result.labelled && !isEmpty ? [correctText(result)] : []),
    markdownTable(
      ["data", "network", "engine", "images", "images/s"],
      [
        [
          `${markdownText(dataset.name)}, ${dataset.split}`,
          markdownText(network.name),
          run.engine,
          grouped(result.total),
          run.engine === "none" ? NONE : grouped(timing.imagesPerSecond),
        ],
      ],
      ["left", "left", "left", "right", "right"],
    ),
    ...gateParts(report),
    ...(isEmpty ? [] : result.labelled ? classParts(result, nameOf) : predictedParts(result, nameOf)),
  ];
  return parts.join("\n");
}

function partialText(fault: Error | undefined): string {
  const why = fault === undefined ? "" : `: ${markdownText(fault.message)}`;
  return `**Partial**: not all images were evaluated; the numbers cover the evaluated images${why}\n`;
}

function correctText({ correct, total, confidenceInterval95: [low, high], averages }: ResultCounts): string {
  return `${grouped(correct)} of ${grouped(total)} images right, 95 % interval ${low.toFixed(4)} to ${high.toFixed(4)}; macro F1 ${averages.macro.f1.toFixed(4)}\n`;
}

function gateParts({ gates }: Report): string[] {
  if (gates.length === 0) return [];
  const rows = gates.map(({ name, passed, expected, found }) => [
    passed ? "passed" : "**failed**",
    markdownText(name),
    markdownText(expected),
    markdownText(found),
  ]);
  return [markdownTable(["", "gate", "expected", "found"], rows, ["left", "left", "left", "left"])];
}

function classParts(
  { perClass, confusionMatrix }: ResultCounts,
  nameOf: (label: number) => string,
): string[] {
  const shown = classesShown(perClass);
  const rows = shown.map(({ label, support, precision, recall, f1 }) => [
    nameOf(label),
    grouped(support),
    ...[precision, recall, f1].map((share) => share?.toFixed(4) ?? NONE),
  ]);
  const title = shown.length < perClass.length ? `lowest F1 of ${grouped(perClass.length)} classes` : "class";
  const parts = [
    markdownTable([title, "support", "precision", "recall", "F1"], rows, [
      "left",
      ...Array<"right">(4).fill("right"),
    ]),
  ];
  const pairs = mostConfused(confusionMatrix, LISTED_PAIRS).map(({ label, prediction, images }) => [
    nameOf(label),
    nameOf(prediction),
    grouped(images),
  ]);
  if (pairs.length > 0)
    parts.push(markdownTable(["label", "predicted", "images"], pairs, ["left", "left", "right"]));
  return parts;
}

function predictedParts({ predictedCounts }: PredictedCounts, nameOf: (label: number) => string): string[] {
  const rows = predictedCounts.map((images, label) => [nameOf(label), grouped(images)]);
  return [markdownTable(["class", "images"], rows, ["left", "right"])];
}

/** Text that Markdown shows unchanged. GitHub turns words that begin with `www.` into links. */
const HARMLESS = /^(?!.*www\.)[\p{L}\p{M}\p{N} .,()-]*$/iu;

/**
 * Text from a file, for a line or a cell of a table. Text with any other character is put in `<code>`: GitHub looks there
 * for neither @mentions nor #references. Each such character becomes a character reference, which cannot start markup, a
 * link, a tag or a cell (CommonMark 0.31, "Entity and numeric character references").
 */
export function markdownText(text: string, longestCharacters?: number): string {
  const shown = printable(text, longestCharacters);
  if (HARMLESS.test(shown)) return shown;
  return `<code>${shown.replace(/[^\p{L}\p{M}\p{N} ]/gu, (mark) => `&#${mark.codePointAt(0)};`)}</code>`;
}

/** Table. Cells are not escaped. */
export function markdownTable(
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  align: readonly ("left" | "right")[],
): string {
  const lines = [header, align.map((side) => (side === "left" ? ":--" : "--:")), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

/** `**Assumed**: …`, or nothing without assumptions. */
export function assumedParts(assumptions: readonly Assumption[]): string[] {
  if (assumptions.length === 0) return [];
  return [`**Assumed**: ${markdownText(assumedText(assumptions), Number.POSITIVE_INFINITY)}\n`];
}
