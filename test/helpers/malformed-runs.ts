/** As malformed.ts: journals and parts of runs, and pictures. */

import type { ShardPart } from "#src/base/contracts/journal.js";
import { atLeast } from "#src/base/errors.js";
import { identityKey } from "#src/evaluate/run-identity.js";
import type { Malformed } from "./malformed.js";
import { type PngHeader, pngFile } from "./png.js";
import { SAMPLE_RESULT } from "./sample-result.js";
import { SAMPLE_HEADER, SAMPLE_IDENTITY, SAMPLE_LINES, sampleJournal, samplePart } from "./sample-run.js";

const latin1 = (text: string) => Buffer.from(text, "latin1");

const [LINE, ...LINES] = atLeast(SAMPLE_LINES, 1);
const { scores: SCORES } = LINE;
const journal = (...lines: readonly object[]) => latin1(sampleJournal(lines));

/** Documents of the run of sample-run.ts. */
export const MALFORMED_JOURNALS: Readonly<Record<string, Malformed>> = {
  "torn-within.journal": {
    bytes: latin1(sampleJournal().replace('"correct"', '"corr\n')),
    code: "ERR_JOURNAL_DAMAGED",
  },
  "digit-changed.journal": {
    bytes: journal({ ...LINE, correct: LINE.correct + 1 }, ...LINES),
    code: "ERR_JOURNAL_DAMAGED",
  },
  "fewer-bins.journal": {
    bytes: journal({ ...LINE, scores: SCORES && { ...SCORES, bins: SCORES.bins.slice(4, 10) } }, ...LINES),
    code: "ERR_JOURNAL_DAMAGED",
  },
  "overlap.journal": {
    bytes: journal(...SAMPLE_LINES, { ...LINES[1], offset: LINES[1]!.offset - 1 }),
    code: "ERR_JOURNAL_DAMAGED",
  },
  "header-twice.journal": { bytes: journal(SAMPLE_HEADER, ...SAMPLE_LINES), code: "ERR_JOURNAL_DAMAGED" },
  "other-run.journal": {
    bytes: latin1(sampleJournal().replace('"seed":1', '"seed":2')),
    code: "ERR_JOURNAL_RUN",
  },
  "csv.journal": { bytes: latin1("index,label\n0,1\n"), code: "ERR_JOURNAL_KIND" },
};

const part = (changed: Partial<ShardPart>) => {
  const shard = { ...samplePart({ index: 1, count: 1 }), ...changed };
  return latin1(JSON.stringify({ ...SAMPLE_RESULT, shard: { ...shard, key: identityKey(shard.identity) } }));
};
const { counts: COUNTS } = samplePart({ index: 1, count: 1 });
const ofScores = (scores: Partial<NonNullable<typeof SCORES>>) =>
  part({ counts: { ...COUNTS, scores: COUNTS.scores && { ...COUNTS.scores, ...scores } } });

export const MALFORMED_PARTS: Readonly<Record<string, Malformed>> = {
  "confidence-above-1.part.json": {
    bytes: ofScores({
      bins: COUNTS.scores?.bins.map((bin) => ({ ...bin, confidence: `${bin.confidence}00` })) ?? [],
    }),
    code: "ERR_PART_COUNTS",
  },
  "fewer-bins.part.json": {
    bytes: ofScores({ bins: COUNTS.scores?.bins.slice(4, 10) ?? [] }),
    code: "ERR_PART_COUNTS",
  },
  "sum-of-many-digits.part.json": { bytes: ofScores({ logLoss: "9".repeat(5_000) }), code: "ERR_JSON_SHAPE" },
  "bootstrap-of-2-to-53.part.json": {
    bytes: part({ identity: { ...SAMPLE_IDENTITY, bootstrap: Number.MAX_SAFE_INTEGER } }),
    code: "ERR_JSON_SHAPE",
  },
  "4000000000-shards.part.json": {
    bytes: part({
      index: 1,
      count: 4_000_000_000,
      identity: { ...SAMPLE_IDENTITY, limit: 4_000_000_000, probabilities: false },
      counts: {
        ...COUNTS,
        limit: 1,
        total: 1,
        correct: 1,
        confusionMatrix: [
          [1, 0, 0],
          [0, 0, 0],
          [0, 0, 0],
        ],
        scores: null,
      },
    }),
    code: "ERR_PART_MISSING",
  },
};

/** A row a byte, of one grey pixel behind its filter. */
const GREY: PngHeader = { width: 1, height: 2 };
const ROWS = Buffer.of(0, 255, 0, 0);
const indexed: PngHeader = { ...GREY, colourType: 3 };

export const MALFORMED_PICTURES: Readonly<Record<string, Malformed>> = {
  "name-of-a-chunk.png": {
    bytes: pngFile(GREY, ROWS).fill("\x1b[2J", 37, 41, "latin1"),
    code: "ERR_PICTURE_FORMAT",
  },
  "second-header.png": {
    bytes: Buffer.concat([
      pngFile(GREY, ROWS).subarray(0, 33),
      pngFile({ width: 2 ** 31 - 1, height: 2 ** 31 - 1 }, ROWS).subarray(8),
    ]),
    code: "ERR_PICTURE_FORMAT",
  },
  "unpacks-to-10-mb.png": { bytes: pngFile(GREY, Buffer.alloc(10_000_000)), code: "ERR_PICTURE_FORMAT" },
  "fewer-pixels.png": { bytes: pngFile(GREY, ROWS.subarray(0, 2)), code: "ERR_PICTURE_FORMAT" },
  "without-palette.png": { bytes: pngFile(indexed, ROWS), code: "ERR_PICTURE_FORMAT" },
  "empty-palette.png": { bytes: pngFile(indexed, ROWS, [["PLTE", Buffer.of()]]), code: "ERR_PICTURE_FORMAT" },
  "index-beyond-palette.png": {
    bytes: pngFile(indexed, ROWS, [["PLTE", Buffer.of(0, 0, 0)]]),
    code: "ERR_PICTURE_FORMAT",
  },
  "no-pixels.png": { bytes: pngFile({ width: 0, height: 2 }, Buffer.of(0, 0)), code: "ERR_PICTURE_FORMAT" },
  "4-gib-of-pixels.png": {
    bytes: pngFile({ width: 2 ** 16, height: 2 ** 16 }, ROWS),
    code: "ERR_PICTURE_SIZE",
  },
};
