/** A run of 101 images of three classes, with its journal and its parts, as a killed and a sharded run leave them. */
import { AS_STORED, type ImageRange } from "#src/base/contracts/dataset.js";
import type {
  JournalHeader,
  JournalLine,
  PartialCounts,
  RunIdentity,
  Shard,
  ShardPart,
} from "#src/base/contracts/journal.js";
import { shardOf } from "#src/evaluate/options.js";
import { identityKey } from "#src/evaluate/run-identity.js";
import { sumScores } from "#src/metrics/score-sums.js";
import { partialOf } from "#src/metrics/tally.js";

const CLASSES = 3;

export const SAMPLE_IDENTITY: RunIdentity = {
  batchwise: "0.1.0",
  dataset: "a".repeat(64),
  view: AS_STORED,
  network: "b".repeat(64),
  arithmetic: "float64",
  preprocessing: { kind: "scale" },
  activations: ["relu", "identity"],
  labelled: true,
  classes: CLASSES,
  offset: 20,
  limit: 101,
  probabilities: true,
  topK: 2,
  bootstrap: 0,
  seed: 1,
};

/** Every seventh image is wrong, and the predicted class has a half. */
export function sampleCounts({ offset, limit }: ImageRange): PartialCounts {
  const labels = Uint8Array.from({ length: limit }, (_, n) => (offset + n) % CLASSES);
  const predictions = labels.map((label, n) => ((offset + n) % 7 === 0 ? (label + 1) % CLASSES : label));
  const probabilities = new Float64Array(limit * CLASSES).fill(0.25);
  const confusion = new Uint32Array(CLASSES * CLASSES);
  let correct = 0;
  for (const [n, label] of labels.entries()) {
    probabilities[n * CLASSES + predictions[n]!] = 0.5;
    confusion[label * CLASSES + predictions[n]!]!++;
    if (label === predictions[n]) correct++;
  }
  const scores = sumScores(probabilities, labels, limit, CLASSES);
  return partialOf({ correct, total: limit, confusion }, { offset, limit }, { scores, recomputed: 0 });
}

export function samplePart(shard: Shard): ShardPart {
  return {
    ...shard,
    identity: SAMPLE_IDENTITY,
    key: identityKey(SAMPLE_IDENTITY),
    counts: sampleCounts(shardOf(SAMPLE_IDENTITY, shard)),
  };
}

export const SAMPLE_HEADER: JournalHeader = {
  journal: "batchwise",
  version: 1,
  identity: SAMPLE_IDENTITY,
  key: identityKey(SAMPLE_IDENTITY),
  range: { offset: SAMPLE_IDENTITY.offset, limit: SAMPLE_IDENTITY.limit },
  predictions: { file: "p.csv", format: "csv", topK: 2 },
};

/** The range that was begun last came back first, and one is missing. */
const DONE: readonly ImageRange[] = [
  { offset: 40, limit: 30 },
  { offset: 20, limit: 20 },
  { offset: 100, limit: 21 },
];

/** Text of these lines, or of the run's own; each line ends with a line feed. */
export function sampleJournal(lines: readonly object[] = SAMPLE_LINES): string {
  return [SAMPLE_HEADER, ...lines].map((line) => `${JSON.stringify(line)}\n`).join("");
}

export const SAMPLE_LINES: readonly JournalLine[] = DONE.map((range, n) => ({
  ...sampleCounts(range),
  predictions: { bytes: 1_000 * (n + 1), sha256: "c".repeat(64) },
}));
