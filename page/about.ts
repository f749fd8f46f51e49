/** Facts about where a page's figures are from. */
import type { ImageShape } from "#src/base/contracts/dataset.js";
import type { PageData } from "#src/reports/html/page-data.js";
import { element, section } from "./dom.js";
import { count, counted } from "./words.js";

export function aboutSection(
  title: string,
  facts: readonly (readonly [name: string, value: string])[],
): HTMLElement {
  return section(
    "about",
    title,
    "Hashes are of the files as they stood on disk.",
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
  { rows, columns }: ImageShape,
): string {
  const range =
    evaluated === total
      ? `all ${counted(total, "image")}`
      : `${counted(evaluated, "image")} from image ${count(offset)}, of ${count(total)}`;
  return `${name}, ${split}: ${range}, ${rows} × ${columns} pixels`;
}

/** `2 threads`, and where there are none, who computed. */
export function threadsText(threads: number): string {
  return threads === 0 ? "the main thread" : counted(threads, "thread");
}
