/** What holds at the end of a simulated run: the clean run's counts, or a part of them in whole batches. */

/** Engines that run everywhere. */
export const SIMULATED_ENGINES = ["ml-matrix", "simd", "reference"] as const;

/** What both answers have. */
export interface Counts {
  readonly total: number;
  readonly correct: number;
  readonly complete: boolean;
  readonly confusionMatrix: readonly (readonly number[])[];
}

/** The answers of a run without faults. */
export interface Clean {
  readonly counts: Counts;
  readonly predictions: string;
}

export interface TypedPlan {
  readonly limit: number;
  readonly batchSize: number;
  readonly engine: (typeof SIMULATED_ENGINES)[number];
  readonly threads: number;
  readonly images: string;
  readonly hasJournal: boolean;
}

export function differenceOf(found: Counts, clean: Counts): string | undefined {
  const shown = ({ total, correct, complete, confusionMatrix }: Counts) =>
    JSON.stringify({ total, correct, complete, confusionMatrix });
  return shown(found) === shown(clean) ? undefined : `expected ${shown(clean)}, found ${shown(found)}`;
}

/** Whole batches only, each image counted once, as in the clean run. */
export function partialFault(
  found: Counts,
  plan: Pick<TypedPlan, "limit" | "batchSize">,
  clean: Counts,
): string | undefined {
  const { total, complete, confusionMatrix } = found;
  const rest = plan.limit % plan.batchSize;
  const isWhole = total % plan.batchSize === 0 || (total - rest) % plan.batchSize === 0;
  if (!isWhole) return `${total} images are no whole batches of ${plan.batchSize} in ${plan.limit}`;
  if (complete && total !== plan.limit) return `complete with ${total} images of ${plan.limit}`;
  const cells = confusionMatrix.flat();
  const sum = cells.reduce((a, b) => a + b, 0);
  if (sum !== total) return `${total} images, ${sum} in the matrix`;
  const cleanCells = clean.confusionMatrix.flat();
  const beyond = cells.findIndex((cell, n) => cell > cleanCells[n]!);
  return beyond < 0 ? undefined : `cell ${beyond} has ${cells[beyond]}, the clean run ${cleanCells[beyond]}`;
}
