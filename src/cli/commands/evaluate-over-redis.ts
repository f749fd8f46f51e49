/** `evaluate --executor bullmq`: how far it is, host by host, and how it goes on if this process does not. */

import process, { env } from "node:process";
import type { Command } from "commander";
import type { AnyEvaluation } from "#src/base/contracts/result.js";
import { grouped } from "#src/base/errors/define.js";
import { UsageError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import type { Opened } from "#src/evaluate/open-inputs.js";
import { type EvaluateInput, integer, LIMITS, type NumberLike } from "#src/evaluate/options.js";
import { evaluateOverRedis, type QueueHooks } from "#src/redis/evaluate.js";
import { type Link, openLink, REDIS_VARIABLE } from "#src/redis/link.js";
import type { HostPresence } from "#src/redis/records.js";
import type { RunProgress } from "#src/redis/run-progress.js";
import { type Context, downloadLine, type TextDisplay } from "./context.js";

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

/** Of whoever collects while the evaluation runs. */
interface Collecting {
  readonly onData: ((opened: Opened) => void) | undefined;
  readonly onSlab: QueueHooks["onSlab"] | undefined;
}

/** @throws all that `evaluateOverRedis` and `openLink` throw */
export async function evaluateOnHosts(
  input: EvaluateInput & QueueFlags,
  context: Context,
  { onData, onSlab }: Collecting,
): Promise<AnyEvaluation> {
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
  const { signal, log, note, showText } = context;
  const link = await linkOf(input.redis, context);
  let display: TextDisplay | undefined;
  let totalImages = 0;
  try {
    return await evaluateOverRedis(link, input, options, {
      signal,
      log,
      ...(onSlab !== undefined && { onSlab }),
      onDownload: (notice) => note(downloadLine(notice)),
      onData(opened) {
        totalImages = opened.range.limit;
        onData?.(opened);
      },
      onOpen({ spec }, { dataset, network, assumptions }) {
        context.assume(assumptions);
        display = showText(
          `evaluating ${grouped(totalImages)} images of ${printable(dataset.name)} with ${printable(network.name)}, ${spec.engine}, over ${link.address}: go on with --run-id ${spec.runId}`,
        );
      },
      onProgress: (books, hosts) => display?.update(progressText(books, hosts, totalImages)),
    });
  } finally {
    display?.stop();
    link.close();
  }
}

/** `3,400 of 10,000 images · 2 hosts · a 1,400 · b 2,000` */
export function progressText(
  { sum, hosts: shares }: Pick<RunProgress, "sum" | "hosts">,
  hosts: readonly HostPresence[],
  totalImages: number,
): string {
  const parts = [`${grouped(sum.total)} of ${grouped(totalImages)} images`];
  parts.push(hosts.length === 0 ? "no host yet: start one with batchwise worker" : hostsText(hosts.length));
  parts.push(...shares.map(({ host, images }) => `${printable(host)} ${grouped(images)}`));
  return parts.join(" · ");
}

function hostsText(hosts: number): string {
  return hosts === 1 ? "1 host" : `${hosts} hosts`;
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
