/** Reads a whole file of bounded size into memory, refusing what is no file. */

import { createHash } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { setImmediate } from "node:timers/promises";
import { grouped } from "#src/base/errors/define.js";
import { BatchwiseError, FileError, reasonOf } from "#src/base/errors.js";

/** A single read may not pass 2 GiB − 1 on any system; far less keeps each one short. */
const READ_BYTES = 64 * 2 ** 20;

/**
 * All bytes of the file at `path`, in memory of its own.
 *
 * @throws FileError ERR_FILE_READ when it cannot be read, is no regular file or is longer than `limitBytes`;
 *   ERR_FILE_EMPTY when it holds nothing.
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
 * The first `countBytes` bytes of the file at `path`, or all if there are fewer.
 *
 * @throws FileError ERR_FILE_READ when it cannot be read or is no regular file; ERR_FILE_EMPTY.
 */
export function readFileStart(path: string, countBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  return withFile(path, (handle, sizeBytes) => readBytes(handle, Math.min(countBytes, sizeBytes)));
}

export interface OpenFile {
  readonly handle: FileHandle;
  readonly sizeBytes: number;
}

/**
 * A regular file that holds something, open for reading; its holder closes it.
 *
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY
 */
export async function openRegularFile(path: string): Promise<OpenFile> {
  let handle: FileHandle | undefined;
  try {
    // Without O_NONBLOCK, opening a named pipe that nobody writes to would wait for ever; Windows has neither.
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    return { handle, sizeBytes: await checkedSize(handle, path) };
  } catch (error) {
    await handle?.close();
    throw readFault(path, error);
  }
}

/** Calls `use` with the file open, and closes it. @throws FileError as `openRegularFile`, also for what the system says meanwhile */
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

/** Fills `into` from `position` on; answers how many bytes there were. */
export async function readInto(handle: FileHandle, into: Uint8Array, position: number): Promise<number> {
  let doneBytes = 0;
  while (doneBytes < into.length) {
    const wantedBytes = Math.min(READ_BYTES, into.length - doneBytes);
    const { bytesRead } = await handle.read(into, doneBytes, wantedBytes, position + doneBytes);
    if (bytesRead === 0) break; // The file was cut while it was read; its reader will find it short.
    doneBytes += bytesRead;
  }
  return doneBytes;
}

/** What is an error of ours already remains. */
export function readFault(path: string, error: unknown): BatchwiseError {
  if (error instanceof BatchwiseError) return error;
  return new FileError("ERR_FILE_READ", { path, reason: reasonOf(error) }, { cause: error });
}

async function checkedSize(handle: FileHandle, path: string): Promise<number> {
  const stat = await handle.stat();
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

// What stands at a path.

const ABSENT = new Set(["ENOENT", "ENOTDIR"]);

/**
 * `folder`, `file` (anything else that exists), or undefined where there is nothing.
 *
 * @throws FileError ERR_FILE_READ when the system does not say.
 */
export async function pathKind(path: string): Promise<"file" | "folder" | undefined> {
  try {
    return (await stat(path)).isDirectory() ? "folder" : "file";
  } catch (error) {
    if (ABSENT.has((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw new FileError("ERR_FILE_READ", { path, reason: reasonOf(error) }, { cause: error });
  }
}

// Long runs of bytes in slices, so that a checksum over gigabytes does not hold the event loop.

/** Checksums do a gigabyte a second or so: a slice is a few milliseconds. */
const SLICE_BYTES = 4 * 2 ** 20;

/** The bytes in order, with a turn of the event loop between any two slices. */
export async function* slices(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
    if (at > 0) await setImmediate();
    yield bytes.subarray(at, at + SLICE_BYTES);
  }
}

// The fingerprint of the files of a set, or of a network.

/** SHA-256, hex, of the files' bytes one behind the other. */
export async function sha256Of(files: readonly Uint8Array[]): Promise<string> {
  const hash = createHash("sha256");
  for (const file of files) {
    for await (const slice of slices(file)) hash.update(slice);
  }
  return hash.digest("hex");
}

/** SHA-256, hex, of the file at `path`, read as a stream. Throws the system's errors. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
