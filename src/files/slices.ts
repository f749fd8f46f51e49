/** Long runs of bytes in slices, so that a checksum over gigabytes does not hold the event loop. */
import { setImmediate } from "node:timers/promises";

/** Checksums do a gigabyte a second or so: a slice is a few milliseconds. */
const SLICE_BYTES = 4 * 2 ** 20;

/** The bytes in order, with a turn of the event loop between any two slices. */
export async function* slices(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
    if (at > 0) await setImmediate();
    yield bytes.subarray(at, at + SLICE_BYTES);
  }
}
