/** Reads a whole file of bounded size into memory, refusing what is no file. */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { grouped } from "../errors/define.js";
import { FileError, reasonOf } from "../errors.js";

/** A single read may not pass 2 GiB − 1 on any system; far less keeps each one short. */
const READ_BYTES = 64 * 2 ** 20;

/**
 * All bytes of the file at `path`, in memory of its own.
 *
 * @throws FileError ERR_FILE_READ when it cannot be read, is no regular file or is longer than `limitBytes`;
 *   ERR_FILE_EMPTY when it holds nothing.
 */
export async function readWholeFile(path: string, limitBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  let handle: FileHandle | undefined;
  try {
    // Without O_NONBLOCK, opening a named pipe that nobody writes to would wait for ever; Windows has neither.
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    return await readHandle(handle, path, limitBytes);
  } catch (error) {
    if (error instanceof FileError) throw error;
    throw new FileError("ERR_FILE_READ", { path, reason: reasonOf(error) }, { cause: error });
  } finally {
    await handle?.close();
  }
}

async function readHandle(
  handle: FileHandle,
  path: string,
  limitBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const stat = await handle.stat();
  if (!stat.isFile()) {
    const reason = `it is ${stat.isDirectory() ? "a folder" : "a device or a pipe"}, not a file`;
    throw new FileError("ERR_FILE_READ", { path, reason });
  }
  if (stat.size === 0) throw new FileError("ERR_FILE_EMPTY", { path });
  if (stat.size > limitBytes) {
    const reason = `expected at most ${grouped(limitBytes)} bytes, found ${grouped(stat.size)}`;
    throw new FileError("ERR_FILE_READ", { path, reason });
  }
  const bytes = new Uint8Array(stat.size);
  let readBytes = 0;
  while (readBytes < bytes.length) {
    const wantedBytes = Math.min(READ_BYTES, bytes.length - readBytes);
    const { bytesRead } = await handle.read(bytes, readBytes, wantedBytes, readBytes);
    if (bytesRead === 0) break; // The file was cut while it was read; its reader will find it short.
    readBytes += bytesRead;
  }
  return bytes.subarray(0, readBytes);
}
