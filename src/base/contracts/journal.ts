/** What a journal holds: a header, then a line for each range of images that was done. */
import type { ImageRange } from "./dataset.js";
import type { RunIdentity } from "./identity.js";
import type { PartialCounts } from "./partial.js";
import type { PredictionsFormat } from "./predictions.js";

export interface JournalHeader {
  readonly journal: "batchwise";
  readonly version: 1;
  readonly identity: RunIdentity;
  /** SHA-256 of the identity. */
  readonly key: string;
  /** The images of this run: a shard's of the identity's. */
  readonly range: ImageRange;
  /** Null where the run writes none. */
  readonly predictions: OutputFacts | null;
}

/** `limit` images from `offset` are done: all of them are counted. */
export interface JournalLine extends PartialCounts {
  /** What the predictions file held then; null where the run writes none. */
  readonly predictions: Pick<OutputPosition, "bytes" | "sha256"> | null;
}

/** What of an output must be the same for a run to go on. */
export interface OutputFacts {
  /** Without its folder, which another machine may have mounted elsewhere. */
  readonly file: string;
  /** `ndjson` or `csv`. */
  readonly format: PredictionsFormat;
  /** Classes of each line's `topK`. */
  readonly topK: number;
}

/** How far an output has come. */
export interface OutputPosition {
  /** All images before it are written, in order. */
  readonly nextImage: number;
  /** How long the file is. */
  readonly bytes: number;
  /** Of these bytes. */
  readonly sha256: string;
}

/** A file that grows beside a journal: what the journal says of it is on the disk before the journal says it. */
export interface DurableOutput {
  /** Written into the journal's header, and held against it when the run is taken up again. */
  readonly facts: OutputFacts;
  /**
   * Goes on behind `position`, and drops what lies behind it; null: from the start of `range`. Throws FileError
   * ERR_JOURNAL_PREDICTIONS where the file is not what it was.
   */
  begin(range: ImageRange, position: OutputPosition | null): Promise<void>;
  /** What is on the disk for good, after waiting for it; null where it could not be written. */
  sync(): Promise<OutputPosition | null>;
}
