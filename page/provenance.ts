/** What was evaluated, with what, on what: enough to do it again. */
import { aboutSection, imagesOfData, threadsText } from "./about.js";
import type { Report } from "./report.js";
import { count } from "./words.js";

export function provenance({ dataset, network, run, shape, result }: Report): HTMLElement {
  return aboutSection("What was evaluated", [
    ["Network", `${network.name}, layers ${network.layers.join(" – ")}`],
    ["Network’s SHA-256", network.sha256],
    ["Data", imagesOfData(dataset, result.total, shape)],
    ["Data’s SHA-256", dataset.sha256],
    [
      "Engine",
      `${run.engine}, ${threadsText(run.threads)}, batches of ${count(run.batchSize)}, pixels: ${run.normalize}`,
    ],
    [
      "Retries",
      `${count(run.retries)}, images computed again to be certain: ${count(run.recomputed)}${run.fallback === undefined ? "" : ` (${run.fallback})`}`,
    ],
    ["Machine", `${run.cpu}, Node.js ${run.node}`],
  ]);
}
