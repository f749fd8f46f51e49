/** What was compared, over what, with what: enough to do it again. */
import type { PageSide } from "#src/reports/html/comparison/page-data.js";
import { aboutSection, imagesOfData, threadsText } from "../about.js";
import { count, milliseconds } from "../words.js";
import type { ComparisonReport } from "./comparison-report.js";

export function comparedProvenance({
  a,
  b,
  dataset,
  run,
  result,
  shape,
  timing,
}: ComparisonReport): HTMLElement {
  return aboutSection("What was compared", [
    ["A", sideText(a)],
    ["A’s SHA-256", a.sha256],
    ["B", sideText(b)],
    ["B’s SHA-256", b.sha256],
    ["Data", imagesOfData(dataset, result.total, shape)],
    ["Data’s SHA-256", dataset.sha256],
    [
      "Run",
      run === null
        ? "nothing was evaluated; both are results"
        : `${run.engine}, ${threadsText(run.threads)}, batches of ${count(run.batchSize)}, ${milliseconds(timing.evaluateMs)}; retries: ${count(run.retries)}`,
    ],
    ["Intervals", "of an accuracy Wilson’s, of the difference Newcombe’s for paired proportions; both 95 %"],
  ]);
}

function sideText({ name, layers, source }: PageSide): string {
  const predictions = source === "result" ? ", predictions of a result" : "";
  return `${name}, layers ${layers.join(" – ")}${predictions}`;
}
