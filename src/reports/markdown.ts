/** The answer as Markdown with GitHub's tables, to be put into a pull request's comment. */
import type { PredictedCounts, ResultCounts } from "#src/base/contracts/result.js";
import { grouped } from "#src/base/errors/define.js";
import { pythonFloat } from "#src/base/python-float.js";
import { classesShown, mostConfused } from "./class-rows.js";
import { assumedParts, markdownTable, markdownText } from "./markdown-text.js";
import type { Report } from "./report.js";

const LISTED_PAIRS = 5;
const NONE = "-";

export function renderMarkdown(report: Report): string {
  const { dataset, network, result, run, timing } = report.evaluation;
  const title = result.labelled ? `Accuracy ${pythonFloat(result.accuracy)}` : "Predictions";
  const nameOf = (label: number) => {
    const name = dataset.classNames?.[label];
    return name === undefined ? String(label) : `${label} ${markdownText(name)}`;
  };
  const parts = [
    `### ${title}\n`,
    ...(result.complete ? [] : [partialText(report.fault)]),
    ...assumedParts(report.evaluation.assumptions),
    ...(result.labelled ? [correctText(result)] : []),
    markdownTable(
      ["data", "network", "engine", "images", "images/s"],
      [
        [
          `${markdownText(dataset.name)}, ${dataset.split}`,
          markdownText(network.name),
          run.engine,
          grouped(result.total),
          grouped(timing.imagesPerSecond),
        ],
      ],
      ["left", "left", "left", "right", "right"],
    ),
    ...gateParts(report),
    ...(result.labelled ? classParts(result, nameOf) : predictedParts(result, nameOf)),
  ];
  return parts.join("\n");
}

function partialText(fault: Error | undefined): string {
  const why = fault === undefined ? "" : `: ${markdownText(fault.message)}`;
  return `**Partial**: not all images were evaluated; the numbers are of those that were${why}\n`;
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
    parts.push(markdownTable(["label", "taken for", "images"], pairs, ["left", "left", "right"]));
  return parts;
}

function predictedParts({ predictedCounts }: PredictedCounts, nameOf: (label: number) => string): string[] {
  const rows = predictedCounts.map((images, label) => [nameOf(label), grouped(images)]);
  return [markdownTable(["class", "images"], rows, ["left", "right"])];
}
