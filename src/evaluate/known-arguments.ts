/** Options and hooks of an evaluation, as the library checks them. */
import {
  either,
  FALSE,
  FLAG,
  FUNCTION,
  type KindsOf,
  LOG,
  NUMBER,
  NUMBER_LIKE,
  objectWith,
  SIGNAL,
  TEXT,
} from "#src/base/arguments.js";
import { ANY_DATASET, ANY_NETWORK, DOWNLOAD } from "#src/base/known-arguments.js";
import type { EvaluateInput } from "./options.js";
import type { PrepareHooks } from "./prepare.js";
import type { RunHooks } from "./run-prepared.js";

/** How pictures and labels are changed. */
export const VIEW = { invert: FLAG, transpose: FLAG, labelOffset: NUMBER_LIKE };

/** Words such as the engine's are checked where they are resolved, for the command line too. */
export const EVALUATE = {
  dataset: ANY_DATASET,
  labels: either(TEXT, FALSE),
  classes: TEXT,
  split: TEXT,
  offline: FLAG,
  weights: ANY_NETWORK,
  activation: TEXT,
  normalize: TEXT,
  mean: NUMBER_LIKE,
  std: NUMBER_LIKE,
  ...VIEW,
  strict: FLAG,
  engine: TEXT,
  threads: NUMBER_LIKE,
  batchSize: NUMBER_LIKE,
  offset: NUMBER_LIKE,
  limit: NUMBER_LIKE,
  shard: either(TEXT, objectWith("a shard", { index: NUMBER, count: NUMBER })),
  resume: TEXT,
  timeoutSeconds: NUMBER_LIKE,
  retries: NUMBER_LIKE,
  warm: FLAG,
  probabilities: FLAG,
  topK: NUMBER_LIKE,
  calibration: FLAG,
  bootstrap: NUMBER_LIKE,
  seed: NUMBER_LIKE,
} satisfies KindsOf<EvaluateInput>;

export const PREPARE_HOOKS = {
  ...DOWNLOAD,
  onStart: FUNCTION,
  output: objectWith("an output with facts, begin and sync", {
    facts: objectWith("facts", {}),
    begin: FUNCTION,
    sync: FUNCTION,
  }),
} satisfies KindsOf<PrepareHooks>;

export const RUN_HOOKS = {
  signal: SIGNAL,
  onProgress: FUNCTION,
  onSlab: FUNCTION,
  log: LOG,
} satisfies KindsOf<RunHooks>;
