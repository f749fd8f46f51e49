/** `evaluate --executor bullmq`: how far it is, host by host, and how it goes on if this process does not. */

import process, { env } from "node:process";
import type { Command } from "commander";
import { UsageError } from "#src/base/errors.js";
import type { Evaluated } from "#src/evaluate/evaluate.js";
import type { Listener } from "#src/evaluate/listeners.js";
import { type EvaluateInput, integer, LIMITS, type NumberLike } from "#src/evaluate/options.js";
import { evaluateOverRedis } from "#src/redis/evaluate.js";
import { type Link, openLink, REDIS_VARIABLE } from "#src/redis/link.js";
import { type Context, downloadLine } from "./context.js";

/** Options of `evaluate` that mean something with --executor bullmq only. */
export interface QueueFlags {
  readonly executor?: string;
  readonly redis?: string;
  readonly runId?: string;
  readonly jobImages?: NumberLike;
  readonly patience?: NumberLike;
}

const DEFAULT_PATIENCE_SECONDS = 600;
const RUN_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** @throws all that `evaluateOverRedis` and `openLink` throw */
export async function evaluateOnHosts(
  input: EvaluateInput & QueueFlags,
  context: Context,
  listeners: readonly Listener[],
): Promise<Evaluated> {
  const { runId, jobImages, patience = DEFAULT_PATIENCE_SECONDS } = input;
  if (input.threads !== undefined) {
    const problem = "--threads is asked for with --executor bullmq, where each worker has its own";
    throw new UsageError("ERR_USAGE", { problem });
  }
  if (runId !== undefined && !RUN_ID.test(runId)) {
    const expected = "up to 64 letters, digits, - and _";
    throw new UsageError("ERR_OPTION_VALUE", { option: "--run-id", expected, found: runId });
  }
  const options = {
    runId,
    jobImages: jobImages === undefined ? undefined : integer("--job-images", jobImages, ...LIMITS.jobImages),
    patienceMs: 1000 * integer("--patience", patience, ...LIMITS.patienceSeconds),
  };
  const { signal, log, note } = context;
  const link = await linkOf(input.redis, context);
  try {
    return await evaluateOverRedis(link, input, options, listeners, {
      signal,
      log,
      onDownload: (notice) => note(downloadLine(notice)),
    });
  } finally {
    link.close();
  }
}

// `--redis URL`, or BATCHWISE_REDIS; and a process that does not show the password in the list of processes.

const REDIS_HELP = `redis://[user:password@]host[:port][/database] (default: ${REDIS_VARIABLE})`;

export function addRedisOption(command: Command): Command {
  return command.option("--redis <url>", REDIS_HELP);
}

/** @throws UsageError where neither says an address; all that `openLink` throws */
export function linkOf(redis: string | undefined, { log }: Context): Promise<Link> {
  // The title goes where the arguments were, which may hold a password.
  process.title = "batchwise";
  const url = redis ?? env[REDIS_VARIABLE];
  if (!url) {
    const problem = `expected --redis redis://host:port or ${REDIS_VARIABLE}, found neither`;
    throw new UsageError("ERR_USAGE", { problem });
  }
  return openLink(url, log);
}
