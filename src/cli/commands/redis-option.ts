/** `--redis URL`, or BATCHWISE_REDIS; and a process that does not show the password in the list of processes. */
import process, { env } from "node:process";
import type { Command } from "commander";
import { UsageError } from "#src/base/errors.js";
import { type Link, openLink, REDIS_VARIABLE } from "#src/redis/link.js";
import type { Context } from "./context.js";

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
