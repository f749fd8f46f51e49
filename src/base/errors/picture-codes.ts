/** Codes of faults in pictures given to `predict`. Exit status 3. */
import { printable } from "#src/base/printable.js";
import { grouped, row } from "./define.js";

export const pictureCodes = {
  ERR_PICTURE_FORMAT: row(
    3,
    (f: { path: string; reason: string }) =>
      `${f.path}: expected a PNG picture, found a file that cannot be decoded (${printable(f.reason)}); convert it to PNG first`,
  ),
  ERR_PICTURE_SIZE: row(
    3,
    (f: { path: string; width: number; height: number; limitPixels: number }) =>
      `${f.path}: expected a picture of at most ${grouped(f.limitPixels)} pixels, found ${f.width} × ${f.height}; make it smaller first`,
  ),
  ERR_PICTURE_BLANK: row(
    3,
    (f: { path: string }) =>
      `${f.path}: expected something drawn, found a picture of one shade; is the ink on a layer of its own?`,
  ),
} as const;
