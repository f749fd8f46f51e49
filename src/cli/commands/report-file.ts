/** `--report FILE.html`: its images are collected while the evaluation runs. */

import type { Dataset, ImageShape } from "#src/base/contracts/dataset.js";
import type { DurableOutput, PredictionsFormat } from "#src/base/contracts/journal.js";
import type { AnyEvaluation, PredictionsFile } from "#src/base/contracts/result.js";
import { BatchwiseError, RunError } from "#src/base/errors.js";
import type { Slab } from "#src/base/slab.js";
import type { CompareOutcome } from "#src/evaluate/compare/compare.js";
import { integer, MAX_COUNT, type NumberLike } from "#src/evaluate/options.js";
import type { PredictionsTarget } from "#src/evaluate/predictions/lines.js";
import type { PredictionsWriter } from "#src/evaluate/predictions/writer.js";
import { assertWritable } from "#src/files/write-file.js";
import {
  createImageChooser,
  type ImageChooser,
  limitsFor,
  offerSlab,
} from "#src/reports/html/choose-images.js";
import { renderComparisonPage } from "#src/reports/html/comparison.js";
import { renderReport } from "#src/reports/html/document.js";
import { formatByEnding } from "#src/reports/report.js";
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

// `--predictions FILE`: written while the evaluation runs, and told of in its result.

const DEFAULT_TOP_K = 5;

const FORMAT_OF_ENDING: ReadonlyMap<string, PredictionsFormat> = new Map([
  [".ndjson", "ndjson"],
  [".csv", "csv"],
]);

/** Throws UsageError for another ending, RunError ERR_OUTPUT_WRITE for what surely cannot be written. */
export async function predictionsTarget(
  path: string,
  topK: NumberLike | undefined,
  labelled: boolean,
): Promise<PredictionsTarget> {
  const format = formatByEnding(FORMAT_OF_ENDING, path, "--predictions");
  const k = topK === undefined ? DEFAULT_TOP_K : integer("--top-k", topK, 1, MAX_COUNT);
  await assertWritable(path);
  return { path, format, topK: k, labelled };
}

/** What could not be written ends no run: it is a fault among others when the answer has been given. */
export class PredictionsOutput {
  /** What a journal has to know of; undefined where there is none. */
  readonly durable: DurableOutput | undefined;
  readonly #writer: PredictionsWriter;
  #fault: RunError | undefined;

  private constructor(writer: PredictionsWriter, durable?: DurableOutput) {
    this.#writer = writer;
    this.durable = durable;
  }

  /** @param journal path of the run's, where it has one */
  static async open(target: PredictionsTarget, journal?: string): Promise<PredictionsOutput> {
    if (journal !== undefined) {
      const { DurablePredictions } = await import("#src/evaluate/predictions/writer.js");
      const writer = new DurablePredictions(target, journal);
      return new PredictionsOutput(writer, writer);
    }
    const { openPredictions } = await import("#src/evaluate/predictions/writer.js");
    return new PredictionsOutput(await openPredictions(target));
  }

  readonly onSlab = async (slab: Slab): Promise<void> => {
    const { probabilities, ranking } = slab;
    if (this.#fault !== undefined || probabilities === undefined || ranking === undefined) return;
    await this.#surviving(() => this.#writer.add({ ...slab, probabilities, ranking }));
  };

  /** The evaluation with what was written of it. */
  async finish<Any extends AnyEvaluation>(evaluation: Any, faults: Error[]): Promise<Any> {
    const write = () => this.#writer.finish(evaluation.result.complete);
    const predictionsFile: PredictionsFile | null =
      this.#fault === undefined ? ((await this.#surviving(write)) ?? null) : null;
    if (this.#fault !== undefined) faults.push(this.#fault);
    return { ...evaluation, predictionsFile };
  }

  discard(): Promise<void> {
    return this.#writer.discard();
  }

  async #surviving<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RunError)) throw error;
      this.#fault = error;
      return undefined;
    }
  }
}
