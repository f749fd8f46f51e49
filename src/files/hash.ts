/** SHA-256 of bytes and of files, with turns of the event loop in between, so that a signal ends it. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { takeTurn } from "#src/base/abort.js";

/** A checksum runs at about 1 GB/s, so a slice takes a few milliseconds. */
const SLICE_BYTES = 4 * 2 ** 20;

/** Yields the bytes in slices, with a turn of the event loop between two of them. */
export async function* slices(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
    if (at > 0) await takeTurn();
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
