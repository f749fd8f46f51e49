/** The HTML report of an evaluation. */
import { grouped } from "#src/base/errors/define.js";
import type { ReportInput } from "./input.js";
import { renderPage } from "./shell.js";
import { toPageData } from "./to-page-data.js";

export function renderReport(input: ReportInput): string {
  const { network, dataset, result } = input.evaluation;
  const [low, high] = result.confidenceInterval95;
  return renderPage({
    title: `${network.name} on ${dataset.name} · evaluation report`,
    summary: `${grouped(result.correct)} of ${grouped(result.total)} right: accuracy ${result.accuracy}, 95 % interval ${low.toFixed(4)} to ${high.toFixed(4)}.`,
    data: toPageData(input),
    pixels: input.chosen.images.map(({ pixels }) => pixels),
  });
}
