/** Labels of class folders: by the names of `--classes`, by the order of the folders' names, or by the numbers in them. */

import type { Assumption } from "#src/base/assumptions.js";
import type { ClassOrder } from "#src/base/contracts/dataset.js";
import { DatasetError, UsageError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";

interface ClassLabels {
  /** Label of each class folder, in text order of the folders. */
  readonly labels: readonly number[];
  /** Names by label; undefined where the labels have gaps. */
  readonly names: readonly string[] | undefined;
  /** Whether the labels are places in `--classes` and differ from the text order. */
  readonly isByNames: boolean;
  readonly assumptions: readonly Assumption[];
}

const NUMBER = /^\d{1,3}$/;
const MOST_LABEL = 255;

/**
 * Labels of class folders. A folder that is named in `given` has the label of the name.
 *
 * @param folders names of the folders in text order
 * @param given names of `--classes`, the first for label 0
 * @throws DatasetError ERR_DATASET_FORMAT, ERR_CLASSES_FILE; UsageError ERR_USAGE
 */
export function classLabels(
  folders: readonly string[],
  source: string,
  order: ClassOrder | undefined,
  given: readonly string[] | undefined,
): ClassLabels {
  const named = given && labelsByName(folders, source, given, order);
  const numbers = folders.every((name) => NUMBER.test(name)) ? folders.map(Number) : undefined;
  const inOrder = order === "numeric" ? numericLabels(folders, numbers, source) : folders.map((_, n) => n);
  if (named !== undefined) {
    const other = folders.findIndex((_, n) => named[n] !== inOrder[n]);
    if (order !== undefined && other >= 0) {
      const problem = `--class-order ${order}: expected label ${named[other]} for the folder "${printable(folders[other] ?? "")}", as --classes has it, found label ${inOrder[other]}; leave out --class-order`;
      throw new UsageError("ERR_USAGE", { problem });
    }
    const isByNames = named.some((label, n) => label !== n);
    return { labels: named, names: given, isByNames, assumptions: [] };
  }
  if (order === "numeric") {
    const names = inOrder.map((_, label) => folders[inOrder.indexOf(label)]);
    const isDense = names.every((name) => name !== undefined);
    return { labels: inOrder, names: isDense ? names : undefined, isByNames: false, assumptions: [] };
  }
  const isSame = numbers?.every((number, label) => number === label) ?? true;
  const other = folders.findIndex((_, label) => numbers?.[label] !== label);
  const what = `class folders in text order, as torchvision and Keras have them: "${folders[other]}" is label ${other}`;
  return {
    labels: inOrder,
    names: folders,
    isByNames: false,
    assumptions:
      isSame || order !== undefined ? [] : [{ subject: "labels", what, source, option: "--class-order" }],
  };
}

/** Place of each folder in `given`; undefined where none is there: names to be shown instead of the folders'. */
function labelsByName(
  folders: readonly string[],
  source: string,
  given: readonly string[],
  order: ClassOrder | undefined,
): readonly number[] | undefined {
  const places = folders.map((name) => given.indexOf(name));
  if (!places.includes(-1)) return places;
  const isNone = places.every((place) => place < 0);
  if (isNone && (order === "numeric" || folders.length === given.length)) return undefined;
  throw new DatasetError("ERR_CLASSES_FILE", {
    path: source,
    expected: isNone
      ? `${given.length} class folders, one for each name of --classes`
      : "each class folder in --classes",
    found: isNone ? `${folders.length}` : `no name "${printable(folders[places.indexOf(-1)] ?? "")}"`,
    next: "write the names of the folders into --classes, also those of classes without pictures",
  });
}

function numericLabels(
  folders: readonly string[],
  numbers: readonly number[] | undefined,
  source: string,
): readonly number[] {
  if (
    numbers !== undefined &&
    new Set(numbers).size === numbers.length &&
    Math.max(...numbers) <= MOST_LABEL
  ) {
    return numbers;
  }
  throw new DatasetError("ERR_DATASET_FORMAT", {
    path: source,
    expected: "class folders named by numbers, 0 to 255",
    found: folders.find((name) => !NUMBER.test(name) || Number(name) > MOST_LABEL) ?? "two of one number",
    next: "set --class-order text",
  });
}
