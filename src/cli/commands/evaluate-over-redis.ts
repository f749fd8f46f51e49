/** `evaluate --executor bullmq`: how far it is, host by host, and how it goes on if this process does not. */

import process, { env } from "node:process";
import type { Log } from "#src/base/contracts/run.js";
import { UsageError } from "#src/base/errors.js";
import { type FlagsOf, OPTIONS } from "#src/base/options/table.js";
import type { EvaluateInput } from "#src/evaluate/options.js";
import type { OpenedRunner, RunnerHooks } from "#src/evaluate/runner.js";
import { type Link, openLink, REDIS_VARIABLE } from "#src/redis/link.js";
import { openRedisRunner } from "#src/redis/runner.js";

type QueueFlags = Pick<FlagsOf<"evaluate">, "redis" | "runId" | "jobImages" | "patience">;

const RUN_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** @throws all that `openRedisRunner` and `openLink` throw */
export async function openHosts(
  input: EvaluateInput & QueueFlags,
  { signal, log }: RunnerHooks,
): Promise<OpenedRunner> {
  const { runId, jobImages, patience = OPTIONS.patience.default } = input;
  if (runId !== undefined && !RUN_ID.test(runId)) {
    const expected = "up to 64 letters, digits, - and _";
    throw new UsageError("ERR_OPTION_VALUE", { option: "--run-id", expected, found: runId });
  }
  const options = { runId, jobImages, patienceMs: 1000 * patience };
  return openRedisRunner(await linkOf(input.redis, log), input, options, signal);
}

// `--redis URL`, or BATCHWISE_REDIS; and a process that does not show the password in the list of processes.

/** @throws UsageError where neither says an address; all that `openLink` throws */
export function linkOf(redis: string | undefined, log: Log): Promise<Link> {
  // The title goes where the arguments were, which may hold a password.
  process.title = "batchwise";
  const url = redis ?? env[REDIS_VARIABLE];
  if (!url) {
    const problem = `expected --redis redis://host:port or ${REDIS_VARIABLE}, found neither`;
    throw new UsageError("ERR_USAGE", { problem });
  }
  return openLink(url, log);
}
