/**
 * The journal of `--resume FILE`, open for one run: locked, read, then appended to. Each line states the counts of a range of
 * images that is done. The next run skips these ranges.
 */
import { constants } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { inTurns } from "#src/base/abort.js";
import type {
  DurableOutput,
  JournalHeader,
  JournalLine,
  OutputPosition,
  PartialCounts,
} from "#src/base/contracts/journal.js";
import type { ScoreSums } from "#src/base/contracts/metrics.js";
import { type BatchwiseError, FileError, RunError } from "#src/base/errors.js";
import { codeOf } from "#src/base/realm.js";
import { acquireLock, type Lock } from "#src/files/lock.js";
import { writeFault } from "#src/files/write-file.js";
import { addScoreSums } from "#src/metrics/score-sums.js";
import { partialOf } from "#src/metrics/tally.js";
import type { MergedBatch } from "#src/pool/run-batches.js";
import { journalInSteps } from "./read.js";

/** Time between writes. After a kill, the next run repeats at most this much work, and the batches under way. */
const FLUSH_INTERVAL_MS = 250;

export class Journal {
  /** Lines of earlier runs. */
  readonly lines: readonly JournalLine[];
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #lock: Lock;
  readonly #pending: Pending;
  #output: DurableOutput | undefined;
  /** Expected length of the file. Any other length means that another machine writes it too. */
  #bytes: number;
  /** Length of the file when it was opened, without a torn last line. */
  readonly #bytesFound: number;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> = Promise.resolve();
  #fault: BatchwiseError | undefined;
  /** True once nothing more is written; later batches are ignored. */
  #isOver = false;

  private constructor(
    path: string,
    file: FileHandle,
    lock: Lock,
    lines: readonly JournalLine[],
    bytes: number,
    classes: number,
  ) {
    this.#path = path;
    this.#file = file;
    this.#lock = lock;
    this.lines = lines;
    this.#bytes = bytes;
    this.#bytesFound = bytes;
    this.#pending = createPending(classes);
  }

  /**
   * Opens the journal at `path`, or creates it.
   *
   * @throws RunError ERR_JOURNAL_LOCKED if another process has it open, ERR_OUTPUT_WRITE
   * @throws FileError all that `readJournal` throws; the file is not changed then
   */
  static async open(path: string, header: JournalHeader): Promise<Journal> {
    const { file, isNew } = await openOrCreate(path).catch((error: unknown) => {
      throw writeFault(path, error);
    });
    let lock: Lock | undefined;
    try {
      const stats = await file.stat({ bigint: true });
      // Reading a pipe would wait for a writer.
      if (!stats.isFile()) throw new FileError("ERR_JOURNAL_KIND", { path });
      lock = await acquireLock(path, stats);
      if (lock === undefined) throw new RunError("ERR_JOURNAL_LOCKED", { path });
      const { lines, wholeBytes } = await inTurns(journalInSteps(path, await file.readFile(), header));
      // A kill can have torn the last line.
      await file.truncate(wholeBytes);
      const journal = new Journal(path, file, lock, lines, wholeBytes, header.identity.classes);
      if (wholeBytes === 0) await journal.#append(`${JSON.stringify(header)}\n`);
      return journal;
    } catch (error) {
      // The disk is full: a journal without a header is of no use. Another process may have opened it if this one has no lock.
      if (isNew && codeOf(error) !== "ERR_JOURNAL_LOCKED") await rm(path, { force: true }).catch(() => {});
      await lock?.release();
      await file.close();
      throw writeFault(path, error);
    }
  }

  /**
   * Starts the timer that writes added batches. A line is written only when `output`, the predictions file, has the images of
   * the line on disk.
   */
  begin(output: DurableOutput | undefined): void {
    this.#output = output;
    let isFlushing = false;
    this.#timer = setInterval(() => {
      // A disk may take longer than the interval.
      if (isFlushing) return;
      isFlushing = true;
      this.#flushing = this.#flush().finally(() => {
        isFlushing = false;
      });
    }, FLUSH_INTERVAL_MS);
    this.#timer.unref();
  }

  add(merged: MergedBatch): void {
    if (!this.#isOver) this.#pending.add(merged);
  }

  /** True if this run has written into the file. */
  get isWritten(): boolean {
    return this.#bytes > this.#bytesFound;
  }

  /** Writes the remaining batches and closes the file. Returns the fault if the journal is incomplete. */
  async close(): Promise<BatchwiseError | undefined> {
    clearInterval(this.#timer);
    await this.#flushing;
    await this.#flush();
    await this.#file.close().catch((error: unknown) => {
      this.#fault ??= writeFault(this.#path, error);
    });
    await this.#lock.release();
    return this.#fault;
  }

  async #flush(): Promise<void> {
    if (this.#isOver) return;
    try {
      const position = await this.#output?.sync();
      const lines = this.#linesUpTo(position);
      if (lines.length > 0) await this.#append(lines.join(""));
    } catch (error) {
      // A write after half a line would damage the journal: nothing more is written.
      this.#fault = writeFault(this.#path, error);
      this.#end();
    }
  }

  #end(): void {
    this.#isOver = true;
    this.#pending.clear();
  }

  /**
   * Removes the pending batches up to the output's position and returns them as lines.
   *
   * @param position undefined without an output: all batches; null if the output could not be written
   */
  #linesUpTo(position: OutputPosition | null | undefined): string[] {
    if (position === null) {
      // The journal ends here, so that the next run computes the images that the output lacks.
      this.#end();
      return [];
    }
    const predictions = position === undefined ? null : { bytes: position.bytes, sha256: position.sha256 };
    return this.#pending
      .take(position?.nextImage ?? Number.POSITIVE_INFINITY)
      .map((counts) => `${JSON.stringify({ ...counts, predictions } satisfies JournalLine)}\n`);
  }

  /** Appends in one write, so that a kill tears at most one line. */
  async #append(text: string): Promise<void> {
    await this.#assertSoleWriter();
    const bytes = Buffer.from(text);
    const { bytesWritten } = await this.#file.write(bytes);
    if (bytesWritten < bytes.length)
      throw new Error(`only ${bytesWritten} of ${bytes.length} bytes were written`);
    this.#bytes += bytes.length;
    await this.#file.datasync();
    await this.#assertSoleWriter();
  }

  /** The lock is lost if this process stood still for long. The file's length shows another writer too. */
  async #assertSoleWriter(): Promise<void> {
    const { size } = await this.#file.stat();
    if (size !== this.#bytes || !(await this.#lock.isHeld()))
      throw new RunError("ERR_JOURNAL_LOCKED", { path: this.#path });
  }
}

async function openOrCreate(path: string): Promise<{ readonly file: FileHandle; readonly isNew: boolean }> {
  const { O_APPEND, O_CREAT, O_EXCL, O_RDWR } = constants;
  const flags = O_APPEND | O_CREAT | O_RDWR;
  try {
    return { file: await open(path, flags | O_EXCL), isNew: true };
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
    return { file: await open(path, flags), isNew: false };
  }
}

/** A merged batch that is not yet in the file. */
interface PendingBatch {
  /** Index of its first image. */
  readonly offset: number;
  /** Index after its last image. */
  readonly end: number;
  /** (images) u32: label × classes + prediction. A confusion matrix per batch could be larger than the batch. */
  readonly cells: Uint32Array;
  readonly scores: ScoreSums | null;
  readonly recomputed: number;
}

/** Merged batches that are not yet in the file. */
export interface Pending {
  /** Copies labels and predictions, because the slab's memory is reused. */
  add(merged: MergedBatch): void;
  /** Removes the batches that end at or before image `before`. Returns their counts, one sum per gapless range. */
  take(before: number): PartialCounts[];
  clear(): void;
}

export function createPending(classes: number): Pending {
  let batches: PendingBatch[] = [];
  return {
    add({ slab, batch: { start, count }, answer: { scores, recomputed } }) {
      const cells = new Uint32Array(count);
      for (let n = 0; n < count; n++) {
        cells[n] = slab.labels[start + n]! * classes + slab.predictions[start + n]!;
      }
      const offset = slab.firstImage + start;
      batches.push({ offset, end: offset + count, cells, scores, recomputed });
    },
    take(before) {
      const taken = batches.filter(({ end }) => end <= before).sort((a, b) => a.offset - b.offset);
      batches = batches.filter(({ end }) => end > before);
      const ranges: PendingBatch[][] = [];
      for (const batch of taken) {
        const range = ranges.at(-1);
        if (range?.at(-1)?.end === batch.offset) range.push(batch);
        else ranges.push([batch]);
      }
      return ranges.map((range) => countsOf(range, classes));
    },
    clear() {
      batches = [];
    },
  };
}

/** Sums the counts of consecutive batches; `range` has at least one. */
function countsOf(range: readonly PendingBatch[], classes: number): PartialCounts {
  const confusion = new Uint32Array(classes * classes);
  let correct = 0;
  let total = 0;
  for (const { cells } of range) {
    for (const cell of cells) {
      confusion[cell]!++;
      // Cells of the diagonal are multiples of classes + 1.
      if (cell % (classes + 1) === 0) correct++;
    }
    total += cells.length;
  }
  const scores = range
    .map((batch) => batch.scores)
    .reduce((a, b) => (a === null || b === null ? null : addScoreSums(a, b)));
  const recomputed = range.reduce((sum, batch) => sum + batch.recomputed, 0);
  return partialOf(
    { correct, total, confusion },
    { offset: range[0]!.offset, limit: total },
    { scores, recomputed },
  );
}
