/** Writes what came over the network to a file, so that no more of it piles up in memory than the disk can follow. */
import { writeSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";

/**
 * undici must never hold back an answer (see `withAnswer`), so a network that is faster than the disk makes chunks grow. A
 * chunk longer than this is written before the event loop can read more from the socket, which then waits.
 */
const PILED_UP_BYTES = 16 * 2 ** 20;

/** Writes `chunk` at `position`; `onWritten` is told how many bytes each write took. */
export async function writeChunk(
  handle: FileHandle,
  chunk: Uint8Array,
  position: number,
  onWritten: (bytes: number) => void = () => {},
): Promise<void> {
  const isPiledUp = chunk.length > PILED_UP_BYTES;
  for (let done = 0; done < chunk.length; ) {
    const left = chunk.length - done;
    const written = isPiledUp
      ? writeSync(handle.fd, chunk, done, left, position + done)
      : (await handle.write(chunk, done, left, position + done)).bytesWritten;
    done += written;
    onWritten(written);
  }
}
