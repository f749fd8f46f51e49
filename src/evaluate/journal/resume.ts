/** `--resume FILE`: continues a run where its journal ends, and appends what is done. */
import type { ImageRange } from "#src/base/contracts/dataset.js";
import type {
  DurableOutput,
  JournalHeader,
  JournalLine,
  OutputPosition,
  PartialCounts,
} from "#src/base/contracts/journal.js";
import type { Closing, Listener } from "#src/evaluate/listeners.js";
import type { AnyPair } from "#src/evaluate/open-inputs.js";
import { type IdentityOptions, identityKey, identityOf } from "#src/evaluate/run-identity.js";
import { addPartials, emptyPartial } from "#src/metrics/score-sums.js";
import { Journal } from "./journal.js";
import { doneOf } from "./read.js";

/** Listens to the rest of a run, and records it in the journal. */
export interface Resumption extends Listener {
  /** Counts of all images that are done. */
  readonly counted: PartialCounts;
  /** Ranges that are left to do, in order. */
  readonly gaps: readonly ImageRange[];
  /** Writes the remaining batches. If the journal is incomplete, `faults` has the reason. */
  close(): Promise<Closing>;
}

/**
 * Opens the journal, and the output beside it.
 *
 * @param output file written in order beside the journal; the run continues after its last complete image
 * @throws RunError ERR_JOURNAL_LOCKED, ERR_OUTPUT_WRITE
 * @throws FileError ERR_JOURNAL_KIND, ERR_JOURNAL_DAMAGED, ERR_JOURNAL_RUN, ERR_JOURNAL_PREDICTIONS
 */
export async function resumeRun(
  path: string,
  pair: Pick<AnyPair, "dataset" | "network" | "classes" | "range" | "whole">,
  options: IdentityOptions,
  output: DurableOutput | undefined,
): Promise<Resumption> {
  const identity = await identityOf(pair, pair.whole, options);
  const { range, classes } = pair;
  const header: JournalHeader = {
    journal: "batchwise",
    version: 1,
    identity,
    key: identityKey(identity),
    range,
    predictions: output?.facts ?? null,
  };
  const journal = await Journal.open(path, header);
  try {
    const { lines, gaps } = doneOf(path, range, journal.lines);
    await output?.begin(range, positionOf(lines.at(-1)));
    journal.begin(output);
    const nothing = emptyPartial(range.offset, classes, options.probabilities);
    const close = async (): Promise<Closing> => {
      const fault = await journal.close();
      return { written: journal.isWritten ? [path] : [], faults: fault === undefined ? [] : [fault] };
    };
    return {
      counted: lines.reduce<PartialCounts>(addPartials, nothing),
      gaps,
      merged: (merged) => journal.add(merged),
      end: close,
      abort: close,
      close,
    };
  } catch (error) {
    await journal.close();
    throw error;
  }
}

function positionOf(last: JournalLine | undefined): OutputPosition | null {
  if (last === undefined || last.predictions === null) return null;
  return { nextImage: last.offset + last.limit, ...last.predictions };
}
