/** Writes a predictions file slab by slab. Memory holds one piece of it. */
import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { IncompleteError } from "#src/base/abort.js";
import type { ImageRange } from "#src/base/contracts/dataset.js";
import type { DurableOutput, OutputFacts, OutputPosition } from "#src/base/contracts/journal.js";
import type { PredictionsFile } from "#src/base/contracts/result.js";
import { FileError, RunError } from "#src/base/errors.js";
import type { Slab } from "#src/base/slab.js";
import type { Closing, Listener } from "#src/evaluate/listeners.js";
import {
  assertLength,
  openOutputFile,
  takeOver,
  targetOf,
  writeAll,
  writeFault,
} from "#src/files/write-file.js";
import { type PredictedImages, type PredictionsTarget, pieces } from "./lines.js";

/** Each method can throw RunError ERR_OUTPUT_WRITE. The target is unchanged then. */
export interface PredictionsWriter {
  add(images: PredictedImages): Promise<void>;
  /**
   * Renames the file to its target. After a run that ended early, the name is the target's with `.partial`. Returns null if
   * nothing was added.
   */
  finish(complete: boolean): Promise<PredictionsFile | null>;
  /** Removes what was written. */
  discard(): Promise<void>;
}

/** Opens a file for a run without a journal. @throws RunError ERR_OUTPUT_WRITE */
export async function openPredictions(target: PredictionsTarget): Promise<PredictionsWriter> {
  const { path, format } = target;
  const file = await openOutputFile(path);
  const hash = createHash("sha256");
  let bytes = 0;
  return {
    async add(images) {
      for (const piece of pieces(target, images, bytes === 0)) {
        const encoded = Buffer.from(piece);
        await file.write(encoded);
        hash.update(encoded);
        bytes += encoded.length;
      }
    },
    async finish(complete) {
      if (bytes === 0) {
        await file.discard();
        return null;
      }
      const partial = complete || file.isStream ? undefined : partialPath(file.path);
      await file.finish(partial);
      return { path: partial ?? resolve(path), sha256: hash.digest("hex"), format };
    },
    discard: () => file.discard(),
  };
}

export class DurablePredictions implements PredictionsWriter, DurableOutput {
  readonly facts: OutputFacts;
  readonly #target: PredictionsTarget;
  readonly #journal: string;
  /** Where the file belongs, and its name until then; both behind all symbolic links. */
  #path: string;
  #partialPath: string;
  /** Undefined before `begin`, after a fault, and if the file was already complete. */
  #file: FileHandle | undefined;
  #hash: Hash = createHash("sha256");
  /** Position after the last complete slab or part. */
  #position: OutputPosition | undefined;
  #isWhole = false;

  /** @param journal path of the journal, for messages */
  constructor(target: PredictionsTarget, journal: string) {
    this.#target = target;
    this.#journal = journal;
    const { path, format, topK } = target;
    this.#path = path;
    this.#partialPath = partialPath(path);
    this.facts = { file: basename(path), format, topK };
  }

  async begin(range: ImageRange, position: OutputPosition | null): Promise<void> {
    await this.#findTarget();
    const path = this.#path;
    if (position === null) {
      this.#file = await open(this.#partialPath, "w").catch((error: unknown) => {
        throw writeFault(path, error);
      });
      this.#position = { nextImage: range.offset, bytes: 0, sha256: this.#digest() };
      return;
    }
    this.#position = position;
    // A run that was killed after its last journal line may have renamed the file already.
    this.#isWhole = position.nextImage === range.offset + range.limit && (await isWholeFile(path, position));
    if (!this.#isWhole) this.#file = await this.#openAt(position);
  }

  async #findTarget(): Promise<void> {
    const { path: named } = this.#target;
    try {
      const { path, isStream } = await targetOf(named);
      if (isStream) throw new Error("a pipe or a device cannot be continued, as --resume does");
      this.#path = path;
      this.#partialPath = partialPath(path);
    } catch (error) {
      throw writeFault(named, error);
    }
  }

  /** Skips images after a gap: a batch failed there, and the next run writes from the gap on. */
  async add(images: PredictedImages): Promise<void> {
    const [file, position] = [this.#file, this.#position];
    if (file === undefined || position?.nextImage !== images.firstImage) return;
    let { bytes } = position;
    try {
      for (const piece of pieces(this.#target, images, bytes === 0)) {
        const encoded = Buffer.from(piece);
        await writeAll(file, encoded, bytes);
        this.#hash.update(encoded);
        bytes += encoded.length;
      }
      this.#position = { nextImage: images.firstImage + images.count, bytes, sha256: this.#digest() };
    } catch (error) {
      await this.discard();
      throw writeFault(this.#target.path, error);
    }
  }

  async sync(): Promise<OutputPosition | null> {
    const [file, position] = [this.#file, this.#position];
    if (file === undefined || position === undefined) return null;
    await file.datasync();
    return position;
  }

  async finish(complete: boolean): Promise<PredictionsFile | null> {
    const { path, format } = this.#target;
    const [file, position] = [this.#file, this.#position];
    if (position === undefined) return null;
    const name = complete ? path : this.#partialPath;
    const written = { path: resolve(name), sha256: position.sha256, format };
    if (this.#isWhole) return written;
    if (file === undefined) return null;
    try {
      const { stats } = await targetOf(path);
      if (complete && stats !== undefined) await takeOver(file, stats);
      await file.sync();
      await assertLength(file, position.bytes);
      await file.close();
      if (position.bytes === 0) {
        await rm(this.#partialPath);
        return null;
      }
      if (complete) await rename(this.#partialPath, this.#path);
    } catch (error) {
      await this.discard();
      throw writeFault(path, error);
    }
    return written;
  }

  /** Closes the file and keeps it for the next run. */
  async discard(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close().catch(() => {});
  }

  async #openAt({ bytes, sha256 }: OutputPosition): Promise<FileHandle> {
    const path = this.#partialPath;
    const file = await open(path, "r+").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") throw this.#refusal("found none");
      throw writeFault(path, error);
    });
    try {
      const { size } = await file.stat();
      if (size < bytes) throw this.#refusal(`found ${size} of ${bytes} bytes`);
      this.#hash = await hashOf(file, bytes);
      if (this.#digest() !== sha256) throw this.#refusal("found different bytes");
      await file.truncate(bytes);
      return file;
    } catch (error) {
      await file.close();
      throw error instanceof FileError ? error : writeFault(path, error);
    }
  }

  #refusal(problem: string): FileError {
    const [path, journal] = [this.#partialPath, this.#journal];
    return new FileError("ERR_JOURNAL_PREDICTIONS", { path, journal, problem });
  }

  /** Hash of the bytes so far; more can follow. */
  #digest(): string {
    return this.#hash.copy().digest("hex");
  }
}

async function isWholeFile(path: string, { bytes, sha256 }: OutputPosition): Promise<boolean> {
  try {
    if ((await stat(path)).size !== bytes) return false;
    const file = await open(path, "r");
    try {
      return (await hashOf(file, bytes)).digest("hex") === sha256;
    } finally {
      await file.close();
    }
  } catch {
    // A file that cannot be read proves nothing: the partial file decides.
    return false;
  }
}

/** Hash of the first `bytes` bytes, at least one. */
async function hashOf(file: FileHandle, bytes: number): Promise<Hash> {
  const hash = createHash("sha256");
  const stream = file.createReadStream({ start: 0, end: bytes - 1, autoClose: false });
  for await (const chunk of stream) hash.update(chunk);
  return hash;
}

/** Writes the predictions during a run. If the file cannot be written, the evaluation still completes. */
export class PredictionsOutput implements Listener {
  /** The file as a journal uses it; undefined for a run without a journal. */
  readonly durable: DurableOutput | undefined;
  readonly #writer: PredictionsWriter;
  readonly #path: string;
  #fault: RunError | undefined;

  private constructor(path: string, writer: PredictionsWriter, durable?: DurableOutput) {
    this.#path = path;
    this.#writer = writer;
    this.durable = durable;
  }

  /**
   * @param journal path of the run's journal, if it has one
   * @throws RunError ERR_OUTPUT_WRITE
   */
  static async open(target: PredictionsTarget, journal?: string): Promise<PredictionsOutput> {
    if (journal === undefined) return new PredictionsOutput(target.path, await openPredictions(target));
    const writer = new DurablePredictions(target, journal);
    return new PredictionsOutput(target.path, writer, writer);
  }

  async slab(slab: Slab): Promise<void> {
    if (this.#fault !== undefined) return;
    await this.#attempt(() => this.#writer.add(slab));
  }

  end(): Promise<Closing> {
    return this.#finish(true);
  }

  async abort(reason: Error): Promise<Closing> {
    if (reason instanceof IncompleteError) return this.#finish(false);
    await this.#writer.discard();
    return {};
  }

  async #finish(isComplete: boolean): Promise<Closing> {
    const file =
      this.#fault === undefined ? await this.#attempt(() => this.#writer.finish(isComplete)) : undefined;
    if (this.#fault !== undefined) return { faults: [this.#fault] };
    if (!file) return {};
    return { written: [this.#shown(file.path)], predictionsFile: file };
  }

  /** The path as the user named it, unless the file is elsewhere: behind a link, a partial file is beside what it leads to. */
  #shown(path: string): string {
    return [this.#path, partialPath(this.#path)].find((named) => resolve(named) === path) ?? path;
  }

  async #attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RunError)) throw error;
      this.#fault = error;
      return undefined;
    }
  }
}

/** Name of the predictions of a run that ended early. */
function partialPath(path: string): string {
  return `${path}.partial`;
}
