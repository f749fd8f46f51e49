/** Inflates a deflate stream in memory (RFC 1951) to a known length and never beyond. Faults are zlib's own errors. */
import type { NonSharedBuffer } from "node:buffer";
import { constants, createInflateRaw, inflateRaw, inflateRawSync } from "node:zlib";

/** A match yields 258 bytes at most and costs two bits at least, so no byte of deflate yields more than this. */
export const MAX_EXPANSION = 258 * 4;
/** zlib takes no output buffer smaller than this. */
const MIN_CHUNK_BYTES = 64;
/** So much of a stream is unpacked at once, on the calling thread: two megabytes come of it at most. */
const FIRST_BYTES = 2048;

export interface Inflated {
  readonly content: Uint8Array<ArrayBuffer>;
  /** Bytes of input that belong to the deflate stream. */
  readonly deflateBytes: number;
}

/** The first `countBytes` bytes, or all if there are fewer; no more than that, or a little, is unpacked in one go. */
export async function inflateStart(deflate: Uint8Array, countBytes: number): Promise<Uint8Array> {
  // The first bytes nearly always suffice, and to unpack these takes less time than to set up a stream.
  const first = inflateRawSync(deflate.subarray(0, FIRST_BYTES), { finishFlush: constants.Z_SYNC_FLUSH });
  if (first.length >= countBytes) return first.subarray(0, countBytes);
  const inflater = createInflateRaw({ chunkSize: Math.max(countBytes, MIN_CHUNK_BYTES) });
  inflater.end(deflate);
  const chunks: Uint8Array[] = [];
  let foundBytes = 0;
  for await (const chunk of inflater as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    foundBytes += chunk.length;
    if (foundBytes >= countBytes) break; // Leaving the loop destroys the stream.
  }
  return Buffer.concat(chunks, Math.min(foundBytes, countBytes));
}

/**
 * The whole content, of `limitBytes` bytes (one or more) at most, on a thread of libuv; zlib's error where it would be
 * longer has the code that `isTooLong` knows.
 */
export function inflateAtMost(deflate: Uint8Array, limitBytes: number): Promise<Inflated> {
  // One buffer with room for all and one byte more: nothing is copied together, and a byte too many shows.
  const chunkSize = Math.max(limitBytes + 1, MIN_CHUNK_BYTES);
  return new Promise((resolve, reject) => {
    inflateRaw(deflate, { info: true, chunkSize, maxOutputLength: limitBytes }, (error, result) => {
      if (error !== null) return reject(error);
      // With `info`, zlib answers with the engine too, which its types leave out.
      const { buffer, engine } = result as unknown as {
        buffer: NonSharedBuffer;
        engine: { bytesWritten: number };
      };
      resolve({ content: buffer, deflateBytes: engine.bytesWritten });
    });
  });
}

export function isTooLong(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
}
