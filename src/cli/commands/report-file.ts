/** Files of `--report` and `--predictions`, which are made while the evaluation runs. */

import { IncompleteError } from "#src/base/abort.js";
import { type ImageShape, imageBytes } from "#src/base/contracts/dataset.js";
import type { AnyEvaluation } from "#src/base/contracts/result.js";
import { FULL_FORMATS } from "#src/base/contracts/run.js";
import { BatchwiseError, UsageError } from "#src/base/errors.js";
import type { FlagsOf } from "#src/base/options/table.js";
import type { Slab } from "#src/base/slab.js";
import type { CompareOutcome } from "#src/evaluate/compare/compare.js";
import type { Closing, EvaluationPlan, Listener } from "#src/evaluate/listeners.js";
import type { PredictionsTarget } from "#src/evaluate/predictions/lines.js";
import { PredictionsOutput } from "#src/evaluate/predictions/writer.js";
import { DEFAULT_TOP_K } from "#src/evaluate/summarize.js";
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
import { formatFor, writeOutput } from "./outputs.js";

/** Resamples for the interval of macro F1 in a report, unless --bootstrap states them. */
export const REPORT_RESAMPLES = 1000;

/** Throws UsageError for another ending, RunError ERR_OUTPUT_WRITE for a path that cannot be written. */
export async function assertReportPath(option: string, path: string): Promise<void> {
  await formatFor(path, () => formatByEnding(["html"], path, option), "html");
  await assertWritable(path);
}

/** Collects the images of the report while the evaluation runs, and writes the report at its end, also of a partial one. */
export class ReportFile implements Listener {
  readonly #path: string;
  #shape: ImageShape = { rows: 0, columns: 0, channels: 1 };
  /** Given where the slabs may have no probabilities, which state it otherwise. */
  #classes: number | undefined;
  #chooser: ImageChooser | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  begin({ dataset, classes }: Pick<EvaluationPlan, "dataset"> & { readonly classes?: number }): void {
    this.#shape = dataset.facts.shape;
    this.#classes = classes;
  }

  slab(slab: Slab): void {
    const { probabilities } = slab;
    const classes = probabilities === undefined ? this.#classes : probabilities.length / slab.count;
    // Labels without images have no pixels to show.
    if (classes === undefined || slab.inputs === 0) return;
    this.#chooser ??= this.#createChooser(classes);
    offerSlab(this.#chooser, slab);
  }

  async end(evaluation: AnyEvaluation): Promise<Closing> {
    const { result } = evaluation;
    if (!result.labelled) return {};
    const chooser = this.#chooser ?? this.#createChooser(result.confusionMatrix.length);
    const html = renderReport({
      evaluation: { ...evaluation, result },
      shape: this.#shape,
      chosen: chooser.chosen(),
    });
    return writeOutput(this.#path, html);
  }

  async abort(reason: Error): Promise<Closing> {
    return reason instanceof IncompleteError ? this.end(reason.partial) : {};
  }

  #createChooser(classes: number): ImageChooser {
    return createImageChooser(classes, limitsFor(classes, imageBytes(this.#shape)));
  }
}

export class ComparisonFile {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Throws UsageError for another ending, RunError ERR_OUTPUT_WRITE for a path that cannot be written. */
  static async open(path: string): Promise<ComparisonFile> {
    await assertReportPath("--report", path);
    return new ComparisonFile(path);
  }

  /** Data that cannot be opened, and a file that cannot be written, are faults beside the answer. */
  async write({ comparison, answers, openDataset }: CompareOutcome): Promise<Closing> {
    let html: string;
    try {
      html = await renderComparisonPage(comparison, answers, await openDataset());
    } catch (error) {
      if (!(error instanceof BatchwiseError)) throw error;
      return { faults: [error] };
    }
    return writeOutput(this.#path, html);
  }
}

type PredictionsFlags = Pick<FlagsOf<"evaluate">, "topK" | "labels" | "predictionsFormat">;

/** Throws UsageError for another ending, RunError ERR_OUTPUT_WRITE for a path that cannot be written. */
export async function predictionsTarget(
  path: string,
  { topK, labels, predictionsFormat }: PredictionsFlags,
): Promise<PredictionsTarget> {
  const labelled = labels !== false;
  if (predictionsFormat === "dvc" && !labelled) {
    throw new UsageError("ERR_USAGE", {
      problem:
        "--predictions-format dvc and --no-labels exclude each other: its column actual has the labels",
    });
  }
  const byEnding = () => formatByEnding(FULL_FORMATS, path, "--predictions");
  const format = predictionsFormat ?? (await formatFor(path, byEnding, "ndjson"));
  await assertWritable(path);
  return { path, format, topK: topK ?? DEFAULT_TOP_K, labelled };
}

/** Throws what `predictionsTarget` and `PredictionsOutput.open` throw. */
export async function openPredictionsFile(
  path: string,
  { resume, ...flags }: PredictionsFlags & Pick<FlagsOf<"evaluate">, "resume">,
): Promise<PredictionsOutput> {
  return PredictionsOutput.open(await predictionsTarget(path, flags), resume);
}
