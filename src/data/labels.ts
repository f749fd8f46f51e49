/** Holds labels against the classes that a network knows. */
import { DatasetError } from "#src/base/errors.js";
import type { Slab } from "#src/base/slab.js";

/**
 * Every label of the run is a class: 0 to `classes` − 1. `labelsPath` is for the message.
 *
 * @throws DatasetError ERR_LABEL_RANGE with the first label beyond, and its index within the data set.
 */
export function assertLabelsWithin(
  { labels, firstImage }: Pick<Slab, "labels" | "firstImage">,
  classes: number,
  labelsPath: string,
): void {
  const beyond = labels.findIndex((label) => label >= classes);
  const label = labels[beyond];
  if (label === undefined) return;
  throw new DatasetError("ERR_LABEL_RANGE", { path: labelsPath, index: firstImage + beyond, label, classes });
}
