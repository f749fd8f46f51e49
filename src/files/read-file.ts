/**
 * Opens every file that is read: regular files of bounded size, whole or in part, and pipes, which are read into memory
 * once. Rejects folders, devices and pipes that no one writes to. Notices a file that changes while it is read.
 */

import { type BigIntStats, close, closeSync, constants, fstatSync, openSync, read, statSync } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { promisify } from "node:util";
import { assertLoading } from "#src/base/abort.js";
import type { FileStamp } from "#src/base/contracts/dataset.js";
import { grouped } from "#src/base/errors/define.js";
import { BatchwiseError, FileError, reasonOf } from "#src/base/errors.js";
import { codeOf } from "#src/base/realm.js";
import { type PipeLimits, readPipe, STANDARD_INPUT } from "./pipe.js";

/** Bytes of a single read. The limit of all systems is 2 GiB − 1; far less keeps each read short. */
const READ_BYTES = 64 * 2 ** 20;

/**
 * Returns all bytes of the file at `path`. The bytes of a pipe are shared by all who read it.
 *
 * @param onTooLong throws the caller's own error for a longer file
 * @param canBegin as for a pipe
 * @throws FileError ERR_FILE_READ if it cannot be read, is no file or is longer than `limitBytes`; ERR_FILE_EMPTY if it has no
 *   bytes; ERR_DATASET_CHANGED if it changed while it was read
 */
export function readWholeFile(
  path: string,
  limitBytes: number,
  onTooLong?: (sizeBytes: number) => never,
  canBegin?: PipeLimits["canBegin"],
): Promise<Uint8Array<ArrayBuffer>> {
  const read = async (file: OpenFile, sizeBytes: number) => {
    if (sizeBytes > limitBytes) {
      onTooLong?.(sizeBytes);
      const reason = `expected at most ${grouped(limitBytes)} bytes, found ${grouped(sizeBytes)}`;
      throw new FileError("ERR_FILE_READ", { path, reason });
    }
    const bytes = file.bytes ?? (await readBytes(file, sizeBytes));
    assertUnchanged(path, file.stamp);
    return bytes;
  };
  return withFile(path, read, { limitBytes, canBegin });
}

/**
 * Returns the first `countBytes` bytes of the file at `path`, or all if there are fewer.
 *
 * @throws FileError ERR_FILE_READ if it cannot be read or is no file; ERR_FILE_EMPTY
 */
export function readFileStart(
  path: string,
  countBytes: number,
  canBegin?: PipeLimits["canBegin"],
): Promise<Uint8Array<ArrayBuffer>> {
  const read = (file: OpenFile, sizeBytes: number) => readBytes(file, Math.min(countBytes, sizeBytes));
  return withFile(path, read, { canBegin });
}

/** An open file of which bytes can be read. */
export interface ByteSource {
  read(
    into: Uint8Array,
    offset: number,
    count: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>;
}

export interface OpenFile extends ByteSource {
  readonly sizeBytes: number;
  readonly stamp: FileStamp;
  /** All bytes of a pipe. */
  readonly bytes?: Uint8Array<ArrayBuffer>;
  close(): Promise<void>;
}

/** Without O_NONBLOCK, opening a named pipe without a writer would never return. Windows has neither. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * Opens a regular file that is not empty, for reading. The caller closes it.
 *
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY
 */
export async function openRegularFile(path: string): Promise<OpenFile & { readonly handle: FileHandle }> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, OPEN_FLAGS);
    const opened = handle;
    const facts = assertRegular(await opened.stat({ bigint: true }), path);
    return { ...facts, handle, read: (...place) => opened.read(...place), close: () => opened.close() };
  } catch (error) {
    await handle?.close();
    throw readFault(path, error);
  }
}

/**
 * As `openRegularFile`, but on the calling thread: while a command loads its code, a turn of the event loop takes up to
 * 50 ms, and the first read would wait for two of them. The caller closes it.
 *
 * @param stamp state of the file when its head was read
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_DATASET_CHANGED
 */
export function openRegularFileNow(path: string, stamp: FileStamp): OpenFile {
  try {
    const fd = openSync(path, OPEN_FLAGS);
    try {
      const facts = assertRegular(fstatSync(fd, { bigint: true }), path);
      if (stamp !== undefined) assertSame(path, stamp, facts.stamp);
      return { ...facts, read: promisify(read).bind(undefined, fd), close: () => promisify(close)(fd) };
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  } catch (error) {
    if (isAbsent(error)) throw changed(path, "none", error);
    throw readFault(path, error);
  }
}

/**
 * Checks that the file at `path` is still the one that was opened, and that nothing was written into it. On this thread, since
 * it takes microseconds.
 *
 * @throws FileError ERR_DATASET_CHANGED, ERR_FILE_READ
 */
export function assertUnchanged(path: string, stamp: FileStamp): void {
  if (stamp === undefined) return;
  let facts: BigIntStats | undefined;
  try {
    facts = statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    throw readFault(path, error);
  }
  if (facts === undefined) throw changed(path, "none");
  assertSame(path, stamp, stampOf(facts));
}

function assertSame(path: string, expected: string, found: FileStamp): void {
  if (found !== expected) throw changed(path, "another content or another file");
}

function changed(path: string, found: string, cause?: unknown): FileError {
  return new FileError("ERR_DATASET_CHANGED", { path, found }, { cause });
}

/** Times are in nanoseconds. A file that was replaced by an equal one has another inode. */
function stampOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

/** Opens a regular file, or a pipe, whose bytes are then in memory. */
async function openFile(path: string, limits?: PipeLimits): Promise<OpenFile> {
  let piped: ReturnType<typeof readPipe>;
  try {
    piped = readPipe(path, OPEN_FLAGS, limits);
  } catch (error) {
    throw readFault(path, error);
  }
  return piped === undefined ? openRegularFile(path) : openBytes(await piped);
}

function openBytes(bytes: Uint8Array<ArrayBuffer>): OpenFile {
  return {
    ...sourceOf(bytes),
    bytes,
    sizeBytes: bytes.length,
    stamp: undefined,
    async close() {},
  };
}

/** Reads from memory as from a file. */
export function sourceOf(bytes: Uint8Array): ByteSource {
  return {
    async read(into, offset, count, position) {
      const piece = bytes.subarray(position, position + count);
      into.set(piece, offset);
      return { bytesRead: piece.length };
    },
  };
}

/**
 * Calls `use` with the open file, or with the bytes of the pipe, then closes it. The limits are those of a pipe.
 *
 * @throws FileError as `openRegularFile`, also for system errors in `use`
 */
export async function withFile<T>(
  path: string,
  use: (file: OpenFile, sizeBytes: number) => Promise<T>,
  limits?: PipeLimits,
): Promise<T> {
  const file = await openFile(path, limits);
  try {
    return await use(file, file.sizeBytes);
  } catch (error) {
    throw readFault(path, error);
  } finally {
    await file.close();
  }
}

/** Fills `into` with the bytes from `position` on. Returns their number, which is smaller at the end of the file. */
export async function readInto(handle: ByteSource, into: Uint8Array, position: number): Promise<number> {
  let doneBytes = 0;
  while (doneBytes < into.length) {
    const wantedBytes = Math.min(READ_BYTES, into.length - doneBytes);
    const { bytesRead } = await handle.read(into, doneBytes, wantedBytes, position + doneBytes);
    if (bytesRead === 0) break; // The file was cut while it was read. The caller finds too few bytes.
    doneBytes += bytesRead;
  }
  return doneBytes;
}

/** Wraps a fault of the system. An error of Batchwise is returned unchanged. */
export function readFault(path: string, error: unknown): BatchwiseError {
  if (error instanceof BatchwiseError) return error;
  return new FileError("ERR_FILE_READ", { path, reason: reasonOf(error) }, { cause: error });
}

function assertRegular(stats: BigIntStats, path: string): Pick<OpenFile, "sizeBytes" | "stamp"> {
  if (!stats.isFile()) {
    const reason = `it is ${stats.isDirectory() ? "a folder" : "a device or a pipe"}, not a file`;
    throw new FileError("ERR_FILE_READ", { path, reason });
  }
  if (stats.size === 0n) throw new FileError("ERR_FILE_EMPTY", { path });
  return { sizeBytes: Number(stats.size), stamp: stampOf(stats) };
}

async function readBytes(source: ByteSource, countBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(countBytes);
  let doneBytes = 0;
  for (let found = -1; found !== 0 && doneBytes < countBytes; doneBytes += found) {
    found = await readInto(source, bytes.subarray(doneBytes, doneBytes + READ_BYTES), doneBytes);
    assertLoading();
  }
  return bytes.subarray(0, doneBytes);
}

/** Codes of paths at which nothing exists. */
const ABSENT = new Set(["ENOENT", "ENOTDIR"]);

/**
 * Returns `folder`, `file` (anything else that exists), or undefined if nothing exists at the path.
 *
 * @throws FileError ERR_FILE_READ if the system does not answer, for example without permission
 */
export async function pathKind(path: string): Promise<"file" | "folder" | undefined> {
  if (path === STANDARD_INPUT) return "file";
  try {
    return (await stat(path)).isDirectory() ? "folder" : "file";
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw new FileError("ERR_FILE_READ", { path, reason: reasonOf(error) }, { cause: error });
  }
}

export function isAbsent(error: unknown): boolean {
  return ABSENT.has(codeOf(error));
}
