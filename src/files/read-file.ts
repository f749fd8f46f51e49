/** Reads regular files of bounded size, whole or in part, and hashes them. Rejects folders, pipes and devices. */

import { createHash } from "node:crypto";
import { close, constants, createReadStream, fstatSync, openSync, read, type Stats } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import { grouped } from "#src/base/errors/define.js";
import { BatchwiseError, FileError, reasonOf } from "#src/base/errors.js";
import { codeOf } from "#src/base/realm.js";

/** Bytes of a single read. The limit of all systems is 2 GiB − 1; far less keeps each read short. */
const READ_BYTES = 64 * 2 ** 20;

/**
 * Returns all bytes of the file at `path`, in a buffer of their own.
 *
 * @throws FileError ERR_FILE_READ if it cannot be read, is not a regular file or is longer than `limitBytes`;
 *   ERR_FILE_EMPTY if it has no bytes
 */
export function readWholeFile(path: string, limitBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  return withFile(path, async (handle, sizeBytes) => {
    if (sizeBytes > limitBytes) {
      const reason = `expected at most ${grouped(limitBytes)} bytes, found ${grouped(sizeBytes)}`;
      throw new FileError("ERR_FILE_READ", { path, reason });
    }
    return readBytes(handle, sizeBytes);
  });
}

/**
 * Returns the first `countBytes` bytes of the file at `path`, or all if there are fewer.
 *
 * @throws FileError ERR_FILE_READ if it cannot be read or is not a regular file; ERR_FILE_EMPTY
 */
export function readFileStart(path: string, countBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  return withFile(path, (handle, sizeBytes) => readBytes(handle, Math.min(countBytes, sizeBytes)));
}

export interface OpenFile {
  readonly handle: FileHandle;
  readonly sizeBytes: number;
}

/** Without O_NONBLOCK, opening a named pipe without a writer would never return. Windows has neither. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * Opens a regular file that is not empty, for reading. The caller closes it.
 *
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY
 */
export async function openRegularFile(path: string): Promise<OpenFile> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, OPEN_FLAGS);
    return { handle, sizeBytes: assertRegular(await handle.stat(), path) };
  } catch (error) {
    await handle?.close();
    throw readFault(path, error);
  }
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

/**
 * As `openRegularFile`, but on the calling thread: while a command loads its code, a turn of the event loop takes up to
 * 50 ms, and the first read would wait for two of them. The caller closes it.
 *
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY
 */
export function openRegularFileNow(path: string): ByteSource & { close(): Promise<void> } {
  try {
    const fd = openSync(path, OPEN_FLAGS);
    const source = { read: promisify(read).bind(undefined, fd), close: () => promisify(close)(fd) };
    try {
      assertRegular(fstatSync(fd), path);
    } catch (error) {
      source.close();
      throw error;
    }
    return source;
  } catch (error) {
    throw readFault(path, error);
  }
}

/**
 * Calls `use` with the open file, then closes it.
 *
 * @throws FileError as `openRegularFile`, also for system errors in `use`
 */
export async function withFile<T>(
  path: string,
  use: (handle: FileHandle, sizeBytes: number) => Promise<T>,
): Promise<T> {
  const { handle, sizeBytes } = await openRegularFile(path);
  try {
    return await use(handle, sizeBytes);
  } catch (error) {
    throw readFault(path, error);
  } finally {
    await handle.close();
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

/** Returns the size in bytes. */
function assertRegular(stat: Stats, path: string): number {
  if (!stat.isFile()) {
    const reason = `it is ${stat.isDirectory() ? "a folder" : "a device or a pipe"}, not a file`;
    throw new FileError("ERR_FILE_READ", { path, reason });
  }
  if (stat.size === 0) throw new FileError("ERR_FILE_EMPTY", { path });
  return stat.size;
}

async function readBytes(handle: FileHandle, countBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(countBytes);
  return bytes.subarray(0, await readInto(handle, bytes, 0));
}

/** Codes of paths at which nothing exists. */
const ABSENT = new Set(["ENOENT", "ENOTDIR"]);

/**
 * Returns `folder`, `file` (anything else that exists), or undefined if nothing exists at the path.
 *
 * @throws FileError ERR_FILE_READ if the system does not answer, for example without permission
 */
export async function pathKind(path: string): Promise<"file" | "folder" | undefined> {
  try {
    return (await stat(path)).isDirectory() ? "folder" : "file";
  } catch (error) {
    if (ABSENT.has(codeOf(error))) return undefined;
    throw new FileError("ERR_FILE_READ", { path, reason: reasonOf(error) }, { cause: error });
  }
}

/** A checksum runs at about 1 GB/s, so a slice takes a few milliseconds. */
const SLICE_BYTES = 4 * 2 ** 20;

/** Yields the bytes in slices, with a turn of the event loop between two of them. */
export async function* slices(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
    if (at > 0) await setImmediate();
    yield bytes.subarray(at, at + SLICE_BYTES);
  }
}

/** Returns the SHA-256, in hex, of the files' bytes in order. */
export async function sha256Of(files: readonly Uint8Array[]): Promise<string> {
  const hash = createHash("sha256");
  for (const file of files) {
    for await (const slice of slices(file)) hash.update(slice);
  }
  return hash.digest("hex");
}

/** Returns the SHA-256, in hex, of the file at `path`, read as a stream. Throws the system's errors. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
