/** `evaluate --executor bullmq`: how far it is, host by host, and how it goes on if this process does not. */

import process, { env } from "node:process";
import { UsageError } from "#src/base/errors.js";
import { type FlagsOf, OPTIONS } from "#src/base/options/table.js";
import type { Evaluated } from "#src/evaluate/evaluate.js";
import type { Listener } from "#src/evaluate/listeners.js";
import type { EvaluateInput } from "#src/evaluate/options.js";
import { evaluateOverRedis } from "#src/redis/evaluate.js";
import { type Link, openLink, REDIS_VARIABLE } from "#src/redis/link.js";
import { type Context, downloadLine } from "./context.js";

type QueueFlags = Pick<FlagsOf<"evaluate">, "redis" | "runId" | "jobImages" | "patience">;

const RUN_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** @throws all that `evaluateOverRedis` and `openLink` throw */
export async function evaluateOnHosts(
  input: EvaluateInput & QueueFlags,
  context: Context,
  listeners: readonly Listener[],
): Promise<Evaluated> {
  const { runId, jobImages, patience = OPTIONS.patience.default } = input;
  if (runId !== undefined && !RUN_ID.test(runId)) {
    const expected = "up to 64 letters, digits, - and _";
    throw new UsageError("ERR_OPTION_VALUE", { option: "--run-id", expected, found: runId });
  }
  const options = { runId, jobImages, patienceMs: 1000 * patience };
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
