/** Codes of what a run is put together from: the parts of a merge, the journal of a resumed run. Exit status 3. */
import { printable } from "#src/base/printable.js";
import { grouped, row } from "./define.js";

export const partCodes = {
  ERR_PART_KIND: row(
    3,
    (f: { path: string }) =>
      `${f.path}: expected a part of a run, as evaluate --shard i/n --output PART.json writes it, found a whole result`,
  ),
  ERR_PART_INCOMPLETE: row(
    3,
    (f: { path: string; shard: string; done: number; expected: number }) =>
      `${f.path}: expected all ${grouped(f.expected)} images of shard ${f.shard}, found ${grouped(f.done)}; evaluate it again`,
  ),
  ERR_PART_COUNTS: row(
    3,
    (f: { path: string; problem: string }) =>
      `${f.path}: ${f.problem}; was the part changed since it was written?`,
  ),
  ERR_PART_MIXED: row(
    3,
    (f: { path: string; first: string; what: string; expected: string; found: string }) =>
      `${f.path}: expected a part of the same run as ${f.first}, found another: ${f.what} is ${printable(f.found)} here and ${printable(f.expected)} there`,
  ),
  ERR_PART_DOUBLED: row(3, (f: { path: string; first: string; shard: string }) =>
    f.path === f.first
      ? `${f.path}: named twice; name each part once`
      : `${f.path}: expected each shard once, found ${f.shard} again, which ${f.first} has; leave out one of them`,
  ),
  ERR_PART_MISSING: row(
    3,
    (f: { count: number; found: readonly number[] }) =>
      `expected all ${grouped(f.count)} shards, found none for ${missingText(f.found, f.count)}; evaluate what is missing`,
  ),
  ERR_JOURNAL_KIND: row(
    3,
    (f: { path: string }) =>
      `${f.path}: expected a journal that --resume wrote, or no file yet, found another file; name another`,
  ),
  ERR_JOURNAL_DAMAGED: row(
    3,
    (f: { path: string; line: number; problem: string }) =>
      `${f.path}: line ${f.line} of the journal is damaged: ${f.problem}; remove the journal to begin again`,
  ),
  ERR_JOURNAL_RUN: row(
    3,
    (f: { path: string; what: string; expected: string; found: string }) =>
      `${f.path}: the journal is of another run: ${f.what} is ${printable(f.expected)} there and ${printable(f.found)} here; name another journal`,
  ),
  ERR_JOURNAL_PREDICTIONS: row(
    3,
    (f: { path: string; journal: string; problem: string }) =>
      `${f.path}: expected the predictions that ${f.journal} speaks of, ${f.problem}; remove the journal to begin again`,
  ),
} as const;

const MOST_NAMED = 5;

/** `2/8, 5/8 and 4 more`. No list of all: a damaged part can speak of a thousand million shards. */
function missingText(found: readonly number[], count: number): string {
  const named: string[] = [];
  for (let index = 1; index <= count && named.length < MOST_NAMED; index++) {
    if (!found.includes(index)) named.push(`${index}/${count}`);
  }
  const more = count - found.length - named.length;
  return `${named.join(", ")}${more > 0 ? ` and ${grouped(more)} more` : ""}`;
}
