/** What was evaluated, with what, on what: enough to do it again. */
import { element, section } from "./dom.js";
import type { Report } from "./report.js";
import { count, counted } from "./words.js";

export function provenance({ dataset, network, run, shape, result }: Report): HTMLElement {
  const threads = run.threads === 0 ? "the main thread" : counted(run.threads, "thread");
  const range =
    result.total === dataset.total
      ? `all ${counted(dataset.total, "image")}`
      : `${counted(result.total, "image")} from image ${count(dataset.offset)}, of ${count(dataset.total)}`;
  const facts: readonly (readonly [name: string, value: string])[] = [
    ["Network", `${network.name}, layers ${network.layers.join(" – ")}`],
    ["Network’s SHA-256", network.sha256],
    ["Data", `${dataset.name}, ${dataset.split}: ${range}, ${shape.rows} × ${shape.columns} pixels`],
    ["Data’s SHA-256", dataset.sha256],
    ["Engine", `${run.engine}, ${threads}, batches of ${count(run.batchSize)}, pixels: ${run.normalize}`],
    ["Retries", `${count(run.retries)}, images computed again to be certain: ${count(run.recomputed)}`],
    ["Machine", `${run.cpu}, Node.js ${run.node}`],
  ];
  return section(
    "about",
    "What was evaluated",
    "Hashes are of the files as they stood on disk.",
    element(
      "dl",
      { class: "provenance" },
      ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
    ),
  );
}
