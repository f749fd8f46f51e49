/** What a journal's lines say together: which images are done, and which are left. */
import type { ImageRange } from "#src/base/contracts/dataset.js";
import type { JournalLine } from "#src/base/contracts/journal.js";
import { FileError } from "#src/base/errors.js";

export interface Done {
  /** By their offsets; none overlap. */
  readonly lines: readonly JournalLine[];
  /** What is left of the range, in order. */
  readonly gaps: readonly ImageRange[];
}

/**
 * A line whose images were counted already, which a second machine may have written, says nothing new: integers of the
 * same images are the same.
 *
 * @throws FileError ERR_JOURNAL_DAMAGED where ranges overlap in part, whose sum nobody can tell
 */
export function doneOf(path: string, range: ImageRange, lines: readonly JournalLine[]): Done {
  const sorted = lines
    .map((line, n) => ({ line, number: n + 2 }))
    .sort((a, b) => a.line.offset - b.line.offset || b.line.limit - a.line.limit);
  const kept: JournalLine[] = [];
  const gaps: ImageRange[] = [];
  let next = range.offset;
  for (const { line, number } of sorted) {
    const end = line.offset + line.limit;
    if (end <= next) continue;
    if (line.offset < next) {
      throw new FileError("ERR_JOURNAL_DAMAGED", {
        path,
        line: number,
        problem: "its range overlaps another",
      });
    }
    if (line.offset > next) gaps.push({ offset: next, limit: line.offset - next });
    kept.push(line);
    next = end;
  }
  const end = range.offset + range.limit;
  if (next < end) gaps.push({ offset: next, limit: end - next });
  return { lines: kept, gaps };
}
