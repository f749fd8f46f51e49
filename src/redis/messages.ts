/** Schemas of everything that is read from Redis. What does not fit is nonsense: skipped, named, never fatal. */
import * as z from "zod";
import { SPLITS } from "#src/base/contracts/dataset.js";
import { ENGINES } from "#src/base/contracts/engine.js";
import { count, type DeepReadonly, sha256 } from "#src/base/contracts/fields.js";
import { partialCounts, runIdentity } from "#src/base/contracts/journal.js";
import { evaluatedDataset, evaluatedNetwork } from "#src/base/contracts/result.js";
import { MAX_COUNT } from "#src/base/contracts/run.js";
import { asError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import { NonsenseError } from "./seal.js";

const LONGEST_CHARACTERS = 180;
/** An answer with the counts of 1,024 × 1,024 pairs of classes has some 10 million characters. */
const MOST_CHARACTERS = 2 ** 24;
const MOST_THREADS = 4096;
const MOST_CLASSES = 1024;
/** Latencies per range, at most. */
export const MOST_LATENCIES = 32;

export const RUN_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const runId = z.string().regex(RUN_ID);
const hostName = z.string().regex(/^[\w.-]{1,200}$/);
/** Codes are all that a host says about a fault: a message can repeat bytes of a file. */
const code = z.string().regex(/^ERR_[A-Z0-9_]{1,60}$/);
const location = z.string().min(1).max(4096);
const milliseconds = z.number().min(0).max(1e12);
const range = z.object({ offset: count, limit: count.min(1) });

export const runSpec = z.object({
  runId,
  /** SHA-256 of the identity. */
  key: sha256,
  /** Number of the run, used once: what was signed for another run of this name does not count. */
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
  identity: runIdentity,
  dataset: z.object({
    location: evaluatedDataset.shape.location.unwrap().extend({ dataset: location }),
    split: z.enum(SPLITS),
    sha256,
  }),
  network: z.object({
    location: evaluatedNetwork.shape.location
      .unwrap()
      .extend({ weights: location, architecture: location.nullable() }),
    sha256,
  }),
  /** Files that come over HTTP, with their sizes and hashes, by URL. */
  files: z.record(z.string(), z.object({ name: z.string(), bytes: count, sha256: z.string() })),
  range,
  classes: z.int().min(1).max(MOST_CLASSES),
  engine: z.enum(ENGINES),
  batchSize: z.int().min(1).max(MAX_COUNT),
  timeoutSeconds: z.number().positive(),
  retries: count,
  /** Whether every byte of the data is hashed, also where a sample would do. */
  verify: z.boolean(),
  /** Whether each image's class and probabilities are wanted, beside their counts. */
  packed: z.boolean(),
});

/** One job: a range of images. The hashes are those of the run's record. */
export const rangeJob = range.extend({ dataset: sha256, network: sha256 });

export const rangeAnswer = z.object({
  counts: partialCounts,
  host: hostName,
  elapsedMs: milliseconds,
  /** Batches per thread. Index 0 is the host's main thread, which computes nothing. */
  batchesByThread: z.array(count).min(1).max(MOST_THREADS),
  retries: count,
  /** Why `simd` computed everything by the reference, if it did. */
  fallback: z.string().max(1000).optional(),
  /** Index of the first image with a logit that is NaN. The counts are then empty. */
  nanImage: count.optional(),
  /** Sample of the times of the forward passes. */
  latenciesMs: z.array(milliseconds).max(MOST_LATENCIES),
  /** SHA-256 of each image's answers; absent where only counts are wanted. */
  packed: sha256.optional(),
});

/** Failure of a range on a host. */
export const rangeFailure = z.object({ host: hostName, code });

export const hostPresence = z.object({
  host: hostName,
  /** Number of the message: an earlier one that is written again does not count. */
  beat: count,
  threads: z.int().min(0).max(MOST_THREADS),
  /** Run that the host serves; null for none. */
  runId: runId.nullable(),
  /** Codes of the runs that it refuses, by run. */
  refused: z.record(runId, code),
});

/** Sign of a coordinator: the number of each host's latest message. A sign that is written again names old ones. */
export const hostBeats = z.record(hostName, count);

/** Everything that a host needs to take part in a run. JSON keeps all of it. */
export interface RunSpec extends DeepReadonly<z.infer<typeof runSpec>> {}
export interface RangeJob extends DeepReadonly<z.infer<typeof rangeJob>> {}
export interface RangeAnswer extends DeepReadonly<z.infer<typeof rangeAnswer>> {}
export interface HostPresence extends DeepReadonly<z.infer<typeof hostPresence>> {}

/** A whole number of at least `least`, as a field of a hash has it. @throws NonsenseError */
export function wholeOf(text: string, least: number): number {
  const value = Number(text);
  if (/^\d{1,15}$/.test(text) && value >= least) return value;
  throw new NonsenseError(`expected a whole number from ${least}, found "${printable(text, 20)}"`);
}

/** The value of a text in JSON. @throws NonsenseError that names the first place that does not fit */
export function parsed<Schema extends z.ZodType>(schema: Schema, text: string): z.output<Schema> {
  if (text.length > MOST_CHARACTERS) {
    throw new NonsenseError(`expected at most ${MOST_CHARACTERS} characters, found ${text.length}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new NonsenseError(
      `expected JSON, found none: ${printable(asError(error).message, LONGEST_CHARACTERS)}`,
    );
  }
  const outcome = schema.safeParse(value);
  if (outcome.success) return outcome.data;
  const [issue] = outcome.error.issues;
  const place = (issue?.path ?? []).map(String).join(".");
  throw new NonsenseError(printable(`${place}: ${issue?.message ?? "invalid"}`, LONGEST_CHARACTERS));
}
