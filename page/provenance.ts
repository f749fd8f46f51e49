/** Section with the facts that repeat an evaluation: network, data, engine and machine. */

import type { ImageShape } from "../src/base/contracts/dataset.js";
import type { PageData } from "../src/reports/html/page-data.js";
import type { Report } from "./album.js";
import { count, counted, element, section } from "./dom.js";

export function provenance({ dataset, network, run, shape, result, where }: Report): HTMLElement {
  return aboutSection("What was evaluated", [
    ["Network", `${network.name}, layers ${network.layers.join(" – ")}`],
    ["Network’s SHA-256", network.sha256],
    ["Data", imagesOfData(dataset, result.total, shape)],
    ...(where === undefined ? [] : [["Counted", `labels ${where.labels.join(", ")}`] as const]),
    ...(dataset.sha256 === null
      ? [["Data’s SHA-256 of samples", dataset["sampled-sha256"] ?? "unknown"] as const]
      : [["Data’s SHA-256", dataset.sha256] as const]),
    [
      "Engine",
      run.engine === "none"
        ? "none: the predictions were made elsewhere"
        : `${run.engine}, ${threadsText(run.threads)}, batches of ${count(run.batchSize)}, pixels: ${run.normalize}`,
    ],
    [
      "Retries",
      `${count(run.retries)}, images computed again in float64: ${count(run.recomputed)}${run.fallback === undefined ? "" : ` (${run.fallback})`}`,
    ],
    ["Machine", `${run.cpu}, Node.js ${run.node}`],
  ]);
}

/** Section with a list of facts about the origin of a page's figures. */
export function aboutSection(
  title: string,
  facts: readonly (readonly [name: string, value: string])[],
): HTMLElement {
  return section(
    "about",
    title,
    "The hashes cover the files on disk.",
    element(
      "dl",
      { class: "provenance" },
      ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
    ),
  );
}

/** `mnist, test: all 10,000 images, 28 × 28 pixels` */
export function imagesOfData(
  { name, split, total, offset }: PageData["dataset"],
  evaluated: number,
  { rows, columns, channels }: ImageShape,
): string {
  const range =
    evaluated === total
      ? `all ${counted(total, "image")}`
      : `${counted(evaluated, "image")} from image ${count(offset)}, of ${count(total)}`;
  if (rows === 0) return `${name}, ${split}: ${range}, known by their labels alone`;
  return `${name}, ${split}: ${range}, ${rows} × ${columns} pixels${channels === 1 ? "" : " in colour"}`;
}

/** `2 threads`, or `the main thread` for 0. */
export function threadsText(threads: number): string {
  return threads === 0 ? "the main thread" : counted(threads, "thread");
}
