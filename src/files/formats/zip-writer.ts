/** Writes ZIP archives whose bytes depend on nothing but their contents. */
import { zipSync } from "fflate";

/** The first day that ZIP can write. It is local time there, and fflate reads it as such: the same bytes everywhere. */
const TIMESTAMP = new Date(1980, 0, 1);
const DEFLATE_LEVEL = 6;

/** Entries in the order of the map, stored or deflated. fflate's deflate is its own, so Node's version has no say. */
export function encodeZip(entries: ReadonlyMap<string, Uint8Array>, deflated: boolean): Uint8Array {
  return zipSync(Object.fromEntries(entries), { level: deflated ? DEFLATE_LEVEL : 0, mtime: TIMESTAMP });
}
