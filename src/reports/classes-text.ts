/** What is said of each class, and their means, as a table of text. */
import type { ClassAverages, ConfusionMetrics } from "#src/base/contracts/metrics.js";
import { grouped } from "#src/base/errors/define.js";
import { leftCell, rightCell } from "./cells.js";
import { classesShown } from "./class-rows.js";
import type { Paint } from "./paint.js";

const COLUMNS = ["Support", "Precision", "Recall", "F1"] as const;
const COLUMN_CELLS = 11;
const NONE = "-";

/** @param names of the classes, as they are shown, none wider than `nameCells` */
export function classLines(
  { perClass, averages }: ConfusionMetrics,
  names: readonly string[],
  nameCells: number,
  paint: Paint,
): string[] {
  const line = (name: string, values: readonly string[]) =>
    leftCell(name, nameCells) + values.map((value) => rightCell(value, COLUMN_CELLS)).join("");
  const shown = classesShown(perClass);
  const total = perClass.reduce((sum, { support }) => sum + support, 0);
  const means = (["macro", "micro", "weighted"] as const).map((kind) =>
    line(`${kind} mean`, [grouped(total), ...shares(averages[kind])]),
  );
  return [
    paint.strong(line("Class", COLUMNS)),
    ...shown.map((one) => line(names[one.label], [grouped(one.support), ...shares(one)])),
    ...(shown.length < perClass.length
      ? [paint.faint(`the lowest F1 of ${grouped(perClass.length)} classes; --format csv has all`)]
      : []),
    ...means.map(paint.faint),
  ];
}

type Shares = { readonly [K in keyof ClassAverages]: number | null };

function shares({ precision, recall, f1 }: Shares): string[] {
  return [precision, recall, f1].map((share) => share?.toFixed(4) ?? NONE);
}
