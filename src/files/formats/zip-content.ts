/** The contents of a ZIP archive's entries, held to the sizes and checksums that the directory claims. */
import { crc32 } from "node:zlib";
import { grouped } from "#src/base/errors/define.js";
import { FileError } from "#src/base/errors.js";
import { printable } from "#src/base/printable.js";
import { type Inflated, inflateAtMost, inflateStart, isTooLong } from "#src/files/inflate-raw.js";
import { slices } from "#src/files/slices.js";
import type { ZipEntry } from "./zip-entry.js";

/**
 * The first `countBytes` bytes, or all if there are fewer; not yet verified.
 *
 * @throws FileError ERR_ZIP_CORRUPT when they cannot be unpacked.
 */
export async function startOfEntry(path: string, entry: ZipEntry, countBytes: number): Promise<Uint8Array> {
  if (entry.method === "stored") return entry.packed.subarray(0, countBytes);
  try {
    return await inflateStart(entry.packed, countBytes);
  } catch (cause) {
    throw corrupt(path, entry, cause);
  }
}

/**
 * The whole content, verified; that of a stored entry is a view of the archive.
 *
 * @throws FileError ERR_ZIP_SIZE when it is longer or shorter than claimed; ERR_ZIP_CORRUPT.
 */
export async function wholeEntry(path: string, entry: ZipEntry): Promise<Uint8Array> {
  const content = entry.method === "stored" ? entry.packed : await inflated(path, entry);
  let crc = 0;
  for await (const slice of slices(content)) crc = crc32(slice, crc);
  if (crc !== entry.crc32) throw corrupt(path, entry, "it fails its CRC-32");
  return content;
}

async function inflated(path: string, entry: ZipEntry): Promise<Uint8Array> {
  const { packed, unpackedBytes } = entry;
  const { content, deflateBytes } = await inflateClaimed(path, entry);
  if (content.length !== unpackedBytes) throw wrongSize(path, entry, grouped(content.length));
  if (deflateBytes !== packed.length) {
    throw corrupt(path, entry, `${packed.length - deflateBytes} bytes behind its deflate stream`);
  }
  return content;
}

async function inflateClaimed(path: string, entry: ZipEntry): Promise<Inflated> {
  try {
    return await inflateAtMost(entry.packed, Math.max(1, entry.unpackedBytes));
  } catch (cause) {
    throw isTooLong(cause) ? wrongSize(path, entry, "more", cause) : corrupt(path, entry, cause);
  }
}

function wrongSize(path: string, entry: ZipEntry, found: string, cause?: unknown): FileError {
  const facts = { path, name: printable(entry.name), expectedBytes: entry.unpackedBytes, found };
  return new FileError("ERR_ZIP_SIZE", facts, { cause });
}

/** `cause`: what zlib threw, or the reason in words. */
function corrupt(path: string, entry: ZipEntry, cause: unknown): FileError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new FileError("ERR_ZIP_CORRUPT", { path, name: printable(entry.name), reason }, { cause });
}
