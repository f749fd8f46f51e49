/** Images in nested lists of numbers, decoded to bytes page by page: hyparquet would make an array of each list. */

import type { OpenFile } from "#src/files/read-file.js";
import { fault, type ParquetFile, readListPages, rowName } from "./parquet-file.js";
import { type Numbers, numbersOf, plainNumbers } from "./parquet-values.js";
import { toPixel } from "./reading.js";

/** Images in which the range of the pixels is looked for. */
const PROBED_IMAGES = 64;

export interface ListLayout {
  /** Lengths of the nested lists, the outermost first. */
  readonly sizes: readonly number[];
  readonly inputs: number;
}

/** The sizes of the lists of the group's first row, and the numbers of its first rows. */
export function probeLists(
  file: ParquetFile,
  handle: OpenFile,
  group: number,
): Promise<ListLayout & { readonly firsts: readonly number[] }> {
  return readListPages(file, handle, group, (opened) => {
    const depth = opened.column.maxRepetition;
    const levels: number[] = [];
    const firsts: number[] = [];
    let inputs: number | undefined;
    for (const { repetition, numbers, firstNull } of listPages(opened)) {
      if (firstNull !== undefined)
        throw absent(
          file,
          group,
          inputs === undefined ? Math.min(1, firsts.length) : Math.ceil(firsts.length / inputs),
          repetition,
          firstNull,
        );
      for (let n = 0; n < numbers.length; n++) {
        if (inputs === undefined && repetition[n] === 0 && levels.length > 0) inputs = levels.length;
        if (inputs === undefined) levels.push(repetition[n]!);
        else if (firsts.length >= PROBED_IMAGES * inputs) return { ...sizesOf(levels, depth), firsts };
        firsts.push(numbers[n]!);
      }
    }
    return { ...sizesOf(levels, depth), firsts };
  });
}

/** A level is the depth of the innermost list that goes on: the first list of a depth ends at a lower one. */
function sizesOf(levels: readonly number[], depth: number): ListLayout {
  const sizes = Array.from({ length: depth }, (_, n) => {
    const end = levels.findIndex((level, index) => index > 0 && level <= n);
    return levels
      .slice(0, end < 0 ? levels.length : end)
      .filter((level, index) => index === 0 || level === n + 1).length;
  });
  return { sizes, inputs: sizes.reduce((product, size) => product * size, 1) };
}

/**
 * The pixels of all rows of a group, in the order of the lists.
 *
 * @throws DatasetError ERR_DATASET_FORMAT with the row whose lists or numbers are others
 */
export function readLists(
  file: ParquetFile,
  handle: OpenFile,
  group: number,
  { sizes, inputs, pixelMax }: ListLayout & { readonly pixelMax: number },
): Promise<Uint8Array> {
  const pattern = patternOf(sizes, inputs);
  return readListPages(file, handle, group, (opened) => {
    const pixels = new Uint8Array(opened.values);
    const row = (index: number) => rowName(file.path, file.starts[group]! + Math.floor(index / inputs));
    let done = 0;
    for (const { repetition, numbers, firstNull } of listPages(opened)) {
      if (firstNull !== undefined) throw absent(file, group, Math.ceil(done / inputs), repetition, firstNull);
      for (let n = 0, place = done % inputs; n < numbers.length; n++, done++) {
        if (repetition[n] !== pattern[place]) {
          const expected = `${inputs} pixels in lists of ${sizes.join(" × ")}`;
          // A row that is too short shows at the first number of the next.
          throw fault(
            row(repetition[n] === 0 ? done - 1 : done),
            expected,
            "others",
            "all images must have one size",
          );
        }
        const number = numbers[n]!;
        const byte = (number & 255) === number && pixelMax === 255 ? number : toPixel(number, pixelMax);
        if (byte < 0) throw pixelFault(row(done), number, pixelMax);
        pixels[done] = byte;
        if (++place === inputs) place = 0;
      }
    }
    const rows = file.starts[group + 1]! - file.starts[group]!;
    if (done === rows * inputs) return pixels;
    throw fault(
      row(done - 1),
      `${rows * inputs} pixels in ${rows} rows`,
      `${done}`,
      "all images must have one size",
    );
  });
}

function pixelFault(path: string, found: number, pixelMax: number): Error {
  const expected = pixelMax === 255 ? "whole pixels from 0 to 255" : "pixels that are bytes ÷ 255";
  return fault(path, expected, `${found}`, "save bytes, before anything is normalized");
}

/** @param begun rows of the group that began before the page */
function absent(
  { path, starts }: ParquetFile,
  group: number,
  begun: number,
  repetition: Uint8Array,
  at: number,
): Error {
  const row =
    starts[group]! + begun + repetition.subarray(0, at + 1).filter((level) => level === 0).length - 1;
  return fault(
    rowName(path, row),
    "a number in each place of its lists",
    "none",
    "write images without gaps",
  );
}

/** Levels of the numbers of an image. */
function patternOf(sizes: readonly number[], inputs: number): Uint8Array {
  const pattern = new Uint8Array(inputs).fill(sizes.length);
  for (let depth = sizes.length - 1, step = 1; depth >= 0; depth--) {
    step *= sizes[depth]!;
    for (let index = 0; index < inputs; index += step) pattern[index] = depth;
  }
  return pattern;
}

type Opened = Parameters<Parameters<typeof readListPages>[3]>[0];

function* listPages({ pages, column, weight }: Opened) {
  let dictionary: Numbers | undefined;
  for (const page of pages) {
    if ("dictionary" in page) {
      const reader = page.dictionary();
      dictionary = plainNumbers(reader, page.count, column);
      continue;
    }
    const { repetition, firstNull } = page;
    if (repetition === undefined) throw new Error("a column of lists has no levels");
    const numbers = firstNull === undefined ? numbersOf(page, column, dictionary, weight) : new Uint8Array();
    yield { repetition, firstNull, numbers };
  }
}
