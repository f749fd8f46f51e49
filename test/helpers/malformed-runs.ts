/** As malformed.ts: journals and parts of runs, and pictures. */

import type { ShardPart } from "#src/base/contracts/journal.js";
import { atLeast } from "#src/base/errors.js";
import { identityKey } from "#src/evaluate/run-identity.js";
import { type FlatJpeg, flatJpeg, jpegFrame, jpegScan, PROGRESSIVE } from "./jpeg.js";
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

const SMALL = { width: 24, height: 16, shades: [10, 250, 90] };
const COLOURS = {
  ...SMALL,
  factors: [
    [2, 2],
    [1, 1],
    [1, 1],
  ],
} as const;
const small = flatJpeg(SMALL);
const SCAN = jpegScan(1, [0, 63, 0]);
/** The picture, but its frame has other sizes than its scan. */
const resized = (options: FlatJpeg, sizes: { readonly width: number; readonly height: number }) => {
  const [bytes, frame] = [flatJpeg(options), jpegFrame(options)];
  const at = bytes.indexOf(frame);
  const other = jpegFrame({ ...options, ...sizes });
  return Buffer.concat([bytes.subarray(0, at), other, bytes.subarray(at + frame.length)]);
};
const notDecoded = (bytes: Uint8Array): Malformed => ({ bytes, code: "ERR_PICTURE_FORMAT" });
const SIDES = { width: 4096, height: 4096 };
const JPEG_FILES: Readonly<Record<string, Malformed>> = {
  "cut.jpg": notDecoded(small.subarray(0, -4)),
  "cut-frame.jpg": notDecoded(small.subarray(0, small.indexOf(SCAN) - 6)),
  "without-end.jpg": notDecoded(small.subarray(0, -2)),
  "16-million-pixels-of-few-bytes.jpg": notDecoded(resized(COLOURS, SIDES)),
  "16-million-progressive-pixels.jpg": notDecoded(
    resized(
      {
        ...COLOURS,
        frame: PROGRESSIVE,
        factors: [
          [1, 1],
          [1, 1],
          [1, 1],
        ],
      },
      SIDES,
    ),
  ),
  "4-gib-of-pixels.jpg": {
    bytes: resized(SMALL, { width: 65_535, height: 65_535 }),
    code: "ERR_PICTURE_SIZE",
  },
  "no-rows.jpg": notDecoded(resized(SMALL, { width: 24, height: 0 })),
  "endless-markers.jpg": notDecoded(Buffer.concat([Buffer.of(0xff, 0xd8), Buffer.alloc(10_000, 0xff)])),
  "endless-comments.jpg": notDecoded(
    Buffer.concat([Buffer.of(0xff, 0xd8), Buffer.alloc(10_000, Buffer.of(0xff, 0xfe, 0, 2))]),
  ),
  "1000-scans.jpg": notDecoded(
    Buffer.concat([
      flatJpeg({ ...SMALL, frame: PROGRESSIVE }).subarray(0, -2),
      Buffer.alloc(15_000, Buffer.concat([jpegScan(1, [0, 0, 0]), Buffer.alloc(3)])),
    ]),
  ),
  "restarts-out-of-order.jpg": notDecoded(
    Buffer.from(
      flatJpeg({ ...SMALL, restart: 1 })
        .toString("latin1")
        .replaceAll("\xff\xd1", "\xff\xd5"),
      "latin1",
    ),
  ),
  "without-tables.jpg": notDecoded(
    Buffer.from(small.toString("latin1").replace("\xff\xc4", "\xff\xfe"), "latin1"),
  ),
  "12-bits.jpg": notDecoded(flatJpeg({ ...SMALL, bits: 12 })),
  "arithmetic.jpg": notDecoded(flatJpeg({ ...SMALL, frame: 0xc9 })),
  "lossless.jpg": notDecoded(flatJpeg({ ...SMALL, frame: 0xc3 })),
  "cmyk.jpg": notDecoded(
    flatJpeg({
      ...SMALL,
      factors: [
        [1, 1],
        [1, 1],
        [1, 1],
        [1, 1],
      ],
    }),
  ),
  "fractional-factors.jpg": notDecoded(
    flatJpeg({
      ...SMALL,
      factors: [
        [3, 1],
        [2, 1],
        [1, 1],
      ],
    }),
  ),
};

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
  ...JPEG_FILES,
};
