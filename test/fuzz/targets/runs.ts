/** Readers of what a run is put together from: the journal of `--resume`, and the parts that `merge` adds. */
import { existsSync, writeFileSync } from "node:fs";
import type { PartialCounts } from "#src/base/contracts/journal.js";
import type { ResultCounts } from "#src/base/contracts/result.js";
import { resultSchema } from "#src/base/contracts/result.js";
import { atLeast, BatchwiseError } from "#src/base/errors.js";
import { doneOf, readJournal } from "#src/evaluate/journal/read.js";
import { mergeParts } from "#src/evaluate/merge.js";
import { identityKey } from "#src/evaluate/run-identity.js";
import { resultCounts } from "#src/evaluate/summarize.js";
import { addPartials, emptyPartial } from "#src/metrics/score-sums.js";
import { SAMPLE_RESULT } from "../../helpers/sample-result.js";
import { SAMPLE_HEADER, sampleJournal, samplePart } from "../../helpers/sample-run.js";
import { JSON_TOKENS, JSON_WORDS, type Seed, type Target, textPieces } from "../target.js";
import { malformed } from "./malformed.js";

const WORDS: Target["words"] = [
  ...JSON_WORDS,
  "1000000000",
  "4294967296",
  "9007199254740991",
  "9".repeat(40),
  '"scores":null,',
  '"bins":[]',
  '"labelRanks":[]',
  '"offset":0,',
  '"limit":4294967295,',
  '"bootstrap":4294967295,',
  '"classes":65536,',
];

/** What a run would say whose counts these are; undefined where that can be. */
function problemOf(result: ResultCounts): string | undefined {
  const { success, error } = resultSchema.shape.result.safeParse(JSON.parse(JSON.stringify(result)));
  if (success) return undefined;
  const [{ path, message }] = atLeast(error.issues, 1);
  return `made a result that is none: ${path}: ${message}`;
}

const JOURNAL = sampleJournal();
const LINES = /[^\n]*\n/g;

const journal: Target = {
  name: "journal",
  seeds: [
    { name: "its lines", bytes: Buffer.from(JOURNAL), inner: textPieces(JOURNAL, LINES) },
    { name: "its words", bytes: Buffer.from(JOURNAL), inner: textPieces(JOURNAL, JSON_TOKENS) },
    ...malformed(".journal"),
  ],
  words: [...WORDS, "\n", "\r\n", '\n{"journal":"batchwise"'],
  codes: /^ERR_JOURNAL_(KIND|DAMAGED|RUN)$/,
  onDisk: false,
  async read(bytes, path) {
    const { identity, range } = SAMPLE_HEADER;
    const content = readJournal(path, Buffer.from(bytes), SAMPLE_HEADER);
    const { lines, gaps } = doneOf(path, range, content.lines);
    const nothing = emptyPartial(range.offset, identity.classes, identity.probabilities);
    const counted = lines.reduce<PartialCounts>(addPartials, nothing);
    const left = gaps.reduce((sum, { limit }) => sum + limit, 0);
    if (counted.total + left !== range.limit) return `has ${counted.total} images done and ${left} left`;
    const { wholeBytes } = content;
    if (wholeBytes > 0 && bytes[wholeBytes - 1] !== 0x0a) return `goes on within a line, at ${wholeBytes}`;
    return problemOf(await resultCounts(counted, { topK: 2, bootstrap: 0, seed: 1 }));
  },
};

const PARTS = [1, 2, 3].map((index) => samplePart({ index, count: 3 }));

/** Damage to the part itself, under the facts of its run; the key of the identity is made to fit again. */
function part(name: string, shard: unknown): Seed {
  const { timeline: _, ...facts } = SAMPLE_RESULT;
  const pack = (text: string) => `${JSON.stringify(facts).slice(0, -1)},"shard":${text}}`;
  const { pieces } = textPieces(JSON.stringify(shard), JSON_TOKENS);
  return {
    name,
    bytes: Buffer.from(pack(JSON.stringify(shard))),
    inner: { pieces, pack: (changed) => Buffer.from(pack(withKey(Buffer.concat(changed).toString()))) },
  };
}

function withKey(text: string): string {
  try {
    const { identity, ...shard } = JSON.parse(text);
    return JSON.stringify({ ...shard, identity, key: identityKey(identity) });
  } catch {
    return text;
  }
}

const parts: Target = {
  name: "part",
  seeds: [
    part("the whole run", samplePart({ index: 1, count: 1 })),
    part("one of three", PARTS[0]),
    ...malformed(".part.json"),
  ],
  words: [...WORDS, '"index":1,"count":1,', '"schemaVersion":2,'],
  codes: /^ERR_(FILE_READ|FILE_EMPTY|JSON_SYNTAX|JSON_SHAPE|RESULT_VERSION|PART_\w+)$/,
  onDisk: true,
  async read(_, path) {
    const others = PARTS.slice(1).map((shard, n) => [`${path}-${n + 2}`, shard] as const);
    for (const [other, shard] of others) {
      if (!existsSync(other)) writeFileSync(other, part("", shard).bytes);
    }
    const merged = await mergeParts([path]).catch((error: unknown) => {
      if (!(error instanceof BatchwiseError && error.code === "ERR_PART_MISSING")) throw error;
      return mergeParts([path, ...others.map(([other]) => other)]);
    });
    return problemOf(merged.result);
  },
};

export const RUN_TARGETS: readonly Target[] = [journal, parts];
