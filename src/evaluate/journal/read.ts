/** Reads a journal: the ranges that are done, and how many bytes of the file are intact. */

import { createHash } from "node:crypto";
import type * as z from "zod";
import { finished, type Steps } from "#src/base/abort.js";
import type { ImageRange } from "#src/base/contracts/dataset.js";
import {
  type JournalHeader,
  type JournalLine,
  journalHeader,
  journalLine,
} from "#src/base/contracts/journal.js";
import { FileError } from "#src/base/errors.js";
import { firstDifference } from "#src/evaluate/run-identity.js";
import { jsonBloat } from "#src/files/scan-json.js";
import { contradictionOf } from "#src/metrics/score-sums.js";

const LINE_FEED = 0x0a;
/** First bytes of every journal. A file with a torn first line has at least a part of them. */
const BEGINNING = '{"journal":"batchwise"';

export interface JournalContent {
  /** Lines in the order of the file. */
  readonly lines: readonly JournalLine[];
  /** Bytes of complete lines; 0 if the header is torn. The rest is the torn end of a write. */
  readonly wholeBytes: number;
}

/**
 * Reads the lines, and checks that they belong to the expected run.
 *
 * @throws FileError ERR_JOURNAL_KIND if the file is no journal; ERR_JOURNAL_DAMAGED if a line before the last cannot be read,
 *   or a line contradicts itself; ERR_JOURNAL_RUN if the journal belongs to a different run than `expected`
 */
export function readJournal(...given: Parameters<typeof journalInSteps>): JournalContent {
  return finished(journalInSteps(...given));
}

/** `readJournal` in steps of a line each. */
export function* journalInSteps(path: string, bytes: Buffer, expected: JournalHeader): Steps<JournalContent> {
  const beginning = bytes.toString("latin1", 0, BEGINNING.length);
  if (!BEGINNING.startsWith(beginning)) throw noJournal(path);
  const lines: JournalLine[] = [];
  let wholeBytes = 0;
  const known = new Map<string, JournalLine>();
  for (const { number, text, end } of wholeLines(bytes)) {
    if (number === 1) assertHeader(path, text, expected);
    else {
      // Two machines may have written the same line. It is read once.
      const key = createHash("sha256").update(text).digest("base64");
      const same = known.get(key);
      const line = same ?? parse(journalLine, text);
      // Only a line that cannot be read is the end of a torn write.
      if (line === undefined && bytes.indexOf(LINE_FEED, end) < 0) break;
      const problem =
        line === undefined
          ? "it does not describe a range of images"
          : same === undefined
            ? problemOf(line, expected)
            : undefined;
      if (line === undefined || problem !== undefined) throw damaged(path, number, problem ?? "");
      known.set(key, line);
      lines.push(line);
    }
    wholeBytes = end;
    yield;
  }
  return { lines, wholeBytes };
}

interface WholeLine {
  /** Number of the line, from 1. */
  readonly number: number;
  readonly text: string;
  /** Offset after its line feed. */
  readonly end: number;
}

/** Yields one line at a time: all texts would take as much memory as the file. */
function* wholeLines(bytes: Buffer): Generator<WholeLine> {
  let start = 0;
  for (let number = 1; ; number++) {
    const at = bytes.indexOf(LINE_FEED, start);
    if (at < 0) return;
    yield { number, text: bytes.toString("utf8", start, at), end: at + 1 };
    start = at + 1;
  }
}

function assertHeader(path: string, text: string, expected: JournalHeader): void {
  const header = parse(journalHeader, text);
  if (header === undefined) throw damaged(path, 1, "it is not a header of this version of Batchwise");
  assertSameRun(path, header, expected);
}

/** Returns the document; undefined if the text is not one, or if it would take far more memory than its text. */
function parse<Schema extends z.ZodType>(schema: Schema, text: string): z.output<Schema> | undefined {
  if (jsonBloat(text) !== undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function problemOf(line: JournalLine, { range, identity }: JournalHeader): string | undefined {
  const isWithin =
    line.limit > 0 && line.offset >= range.offset && line.offset + line.limit <= range.offset + range.limit;
  if (!isWithin) return `its range ${line.offset} + ${line.limit} is outside this run's images`;
  if ((line.scores !== null) !== identity.probabilities)
    return "its scores do not match the requested probabilities";
  return contradictionOf(line, identity.classes);
}

function assertSameRun(path: string, found: JournalHeader, expected: JournalHeader): void {
  const difference =
    firstDifference(found.identity, expected.identity) ??
    differenceOf("shard", found.range, expected.range) ??
    differenceOf("predictions", found.predictions, expected.predictions);
  if (difference === undefined) return;
  // In the message, the journal is the expected side and this run the found side.
  throw new FileError("ERR_JOURNAL_RUN", { path, ...difference });
}

function differenceOf(what: string, journal: object | null, run: object | null) {
  const text = (facts: object | null) => (facts === null ? "none" : listed(facts));
  const [expected, found] = [text(journal), text(run)];
  return expected === found ? undefined : { what, expected, found };
}

/** `file p.csv, format csv, topK 5`, sorted by name. */
function listed(facts: object): string {
  return Object.entries(facts)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}

function noJournal(path: string): FileError {
  return new FileError("ERR_JOURNAL_KIND", { path });
}

function damaged(path: string, line: number, problem: string): FileError {
  return new FileError("ERR_JOURNAL_DAMAGED", { path, line, problem });
}

export interface Done {
  /** Lines by offset; none overlap. */
  readonly lines: readonly JournalLine[];
  /** Ranges that are left, in order. */
  readonly gaps: readonly ImageRange[];
}

/**
 * Finds the ranges that are done and those that are left. A line whose images are all counted already is skipped: a second
 * machine can have written it, and the integers of the same images are equal.
 *
 * @throws FileError ERR_JOURNAL_DAMAGED if ranges overlap in part: their sum is unknown
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
