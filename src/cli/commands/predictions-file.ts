/** `--predictions FILE`: written while the evaluation runs, and told of in its result. */
import type { DurableOutput } from "#src/base/contracts/journal.js";
import type { PredictionsFormat } from "#src/base/contracts/predictions.js";
import type { AnyEvaluation, PredictionsFile } from "#src/base/contracts/result.js";
import { RunError } from "#src/base/errors.js";
import type { Slab } from "#src/base/slab.js";
import { integer, MAX_COUNT, type NumberLike } from "#src/evaluate/options.js";
import type { PredictionsTarget } from "#src/evaluate/predictions/lines.js";
import type { PredictionsWriter } from "#src/evaluate/predictions/writer.js";
import { assertWritable } from "#src/files/write-file.js";
import { formatByEnding } from "#src/reports/ending.js";

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
