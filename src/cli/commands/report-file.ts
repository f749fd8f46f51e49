/** `--report FILE.html`: its images are collected while the evaluation runs. */
import type { Dataset, ImageShape } from "#src/base/contracts/dataset.js";
import type { AnyEvaluation } from "#src/base/contracts/result.js";
import { BatchwiseError } from "#src/base/errors.js";
import type { Slab } from "#src/base/slab.js";
import type { CompareOutcome } from "#src/evaluate/compare/compare.js";
import { assertWritable } from "#src/files/write-file.js";
import { formatByEnding } from "#src/reports/ending.js";
import {
  createImageChooser,
  type ImageChooser,
  limitsFor,
  offerSlab,
} from "#src/reports/html/choose-images.js";
import { renderComparisonPage } from "#src/reports/html/comparison/document.js";
import { renderReport } from "#src/reports/html/document.js";
import { writeOutput } from "./outputs.js";

/** Resamples of macro F1's interval, where none are asked for. */
export const REPORT_RESAMPLES = 1000;

const ENDINGS: ReadonlyMap<string, "html"> = new Map([
  [".html", "html"],
  [".htm", "html"],
]);

/** Throws UsageError for another ending, RunError ERR_OUTPUT_WRITE for what surely cannot be written. */
export async function assertReportPath(option: string, path: string): Promise<void> {
  formatByEnding(ENDINGS, path, option);
  await assertWritable(path);
}

/** Its `onData` and `onSlab` are the evaluation's hooks. */
export class ReportFile {
  readonly #path: string;
  #shape: ImageShape = { rows: 0, columns: 0 };
  #chooser: ImageChooser | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  readonly onData = ({ shape }: Pick<Dataset, "shape">): void => {
    this.#shape = shape;
  };

  readonly onSlab = (slab: Slab): void => {
    const { probabilities, ranking } = slab;
    if (probabilities === undefined || ranking === undefined) return;
    this.#chooser ??= this.#createChooser(probabilities.length / slab.count);
    offerSlab(this.#chooser, { ...slab, probabilities, ranking });
  };

  /** Also of a run that did not reach its end. A file that cannot be written is a fault among others. */
  async write(evaluation: AnyEvaluation, faults: Error[]): Promise<void> {
    const { result } = evaluation;
    if (!result.labelled) return;
    const chooser = this.#chooser ?? this.#createChooser(result.confusionMatrix.length);
    const html = renderReport({
      evaluation: { ...evaluation, result },
      shape: this.#shape,
      chosen: chooser.chosen(),
    });
    await writeOutput(this.#path, html, faults);
  }

  #createChooser(classes: number): ImageChooser {
    return createImageChooser(classes, limitsFor(classes, this.#shape.rows * this.#shape.columns));
  }
}

export class ComparisonFile {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Throws UsageError for another ending, RunError ERR_OUTPUT_WRITE for what surely cannot be written. */
  static async open(path: string): Promise<ComparisonFile> {
    await assertReportPath("--report", path);
    return new ComparisonFile(path);
  }

  /** Data that cannot be opened, and a file that cannot be written, are faults among others: the answer is known. */
  async write({ comparison, answers, openDataset }: CompareOutcome, faults: Error[]): Promise<void> {
    let html: string;
    try {
      html = await renderComparisonPage(comparison, answers, await openDataset());
    } catch (error) {
      if (!(error instanceof BatchwiseError)) throw error;
      faults.push(error);
      return;
    }
    await writeOutput(this.#path, html, faults);
  }
}
