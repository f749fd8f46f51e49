/** The meaning of columns by their names: which one holds the image's id, the prediction, the label, each probability. */

import { DatasetError } from "#src/base/errors.js";
import { listed, printable } from "#src/base/text.js";

/** What a file is read for. A column `label` holds predictions in Kaggle's submissions, and labels elsewhere. */
export type Purpose = "predictions" | "labels";

export interface Columns {
  readonly id: number | undefined;
  readonly prediction: number | undefined;
  readonly label: number | undefined;
  /** A column for each class, in their order. */
  readonly values:
    | { readonly kind: "probabilities" | "logits"; readonly columns: readonly number[] }
    | undefined;
}

/** Names in lower case. pandas writes its index under an empty name. */
const IDS = ["imageid", "image_id", "id", "index", ""];
const PREDICTIONS = ["prediction", "predicted", "pred", "y_pred", "predicted_label", "predicted_class"];
const LABELS = ["actual", "y_true", "target", "truth", "true_label", "ground_truth", "expected"];
/** Names that some tools use for predictions, and others for labels. */
const EITHER = ["label", "class"];
/** `p0`, `prob_3`, `proba_cat`, `logit_3`; a name needs a mark before it. */
const VALUE = /^(p|prob|proba|probability|logits?)(?:[_ -](.+)|(\d+))$/i;

/**
 * Finds the columns.
 *
 * @param classes numbers of the classes by their names; empty where none are known
 * @throws DatasetError ERR_ANSWERS_FORMAT if a column is missing, doubled or ambiguous
 */
export function columnsOf(
  path: string,
  header: readonly string[],
  purpose: Purpose,
  classes: ReadonlyMap<string, number>,
): Columns {
  const shown = header.length === 0 ? "none" : listed(header.slice(0, 12).map((name) => printable(name, 40)));
  const refuse = (expected: string, next: string): never => {
    throw new DatasetError("ERR_ANSWERS_FORMAT", { path, expected, found: `the columns ${shown}`, next });
  };
  const lower = header.map((name) => name.trim().toLowerCase());
  const only = (names: readonly string[]): number | undefined => {
    const found = lower.flatMap((name, column) => (names.includes(name) ? [column] : []));
    if (found.length > 1)
      refuse(`one column of ${names.filter((name) => name !== "").join(", ")}`, "remove one");
    return found[0];
  };
  const id = IDS.map((name) => only([name])).find((column) => column !== undefined);
  const [predicted, actual, either] = [only(PREDICTIONS), only(LABELS), only(EITHER)];
  if (purpose === "labels") {
    const rest = header.flatMap((_, column) => (column === id ? [] : [column]));
    const label = actual ?? either ?? (rest.length === 1 ? rest[0] : undefined);
    if (label === undefined) refuse("a column label or actual", "rename the column of the labels");
    return { id, label, prediction: undefined, values: undefined };
  }
  const values = valuesOf(header, classes, refuse);
  if (values !== undefined && predicted === undefined && actual === undefined && either !== undefined) {
    refuse("a column actual or predicted", `rename ${printable(header[either] ?? "")}: it can mean both`);
  }
  const prediction = predicted ?? (actual !== undefined || values === undefined ? either : undefined);
  const label = actual ?? (prediction === either ? undefined : either);
  if (prediction === undefined && values === undefined) {
    refuse("a column prediction, or probabilities p0, p1 and so on", "rename the columns");
  }
  return { id, prediction, label, values };
}

function valuesOf(
  header: readonly string[],
  classes: ReadonlyMap<string, number>,
  refuse: (expected: string, next: string) => never,
): Columns["values"] {
  const columns = new Map<number, number>();
  const kinds = new Set<"probabilities" | "logits">();
  for (const [column, name] of header.entries()) {
    const [, word = "", marked, plain] = VALUE.exec(name.trim()) ?? [];
    const text = marked ?? plain;
    if (text === undefined) continue;
    const label = classes.get(text) ?? (/^\d{1,5}$/.test(text) ? Number(text) : undefined);
    if (label === undefined) continue;
    if (columns.has(label)) refuse("one column for each class", `class ${label} has two`);
    columns.set(label, column);
    kinds.add(/^logit/i.test(word) ? "logits" : "probabilities");
  }
  const [kind] = kinds;
  if (kind === undefined) return undefined;
  if (kinds.size > 1) refuse("probabilities or logits", "remove one kind");
  const ordered = Array.from({ length: columns.size }, (_, label) => columns.get(label));
  if (columns.size < 2 || ordered.includes(undefined)) {
    refuse("a column for each class, from 0", "write the probabilities of all classes");
  }
  return { kind, columns: ordered.flatMap((column) => column ?? []) };
}
