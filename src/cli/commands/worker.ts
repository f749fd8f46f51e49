/** `batchwise worker`: this machine takes part in runs over Redis until it is told to stop. */
import { resolve } from "node:path";
import { Command } from "commander";
import { UsageError } from "#src/base/errors.js";
import { integer, MAX_THREADS, type NumberLike } from "#src/evaluate/options.js";
import { openExecutor } from "#src/pool/registry.js";
import { serve } from "#src/redis/host.js";
import type { PathMap } from "#src/redis/host-run.js";
import type { Context, RunWork } from "./context.js";
import { downloadLine } from "./context.js";
import { addRedisOption, linkOf } from "./evaluate-over-redis.js";
import { collect } from "./options.js";

interface WorkerFlags {
  readonly redis?: string;
  readonly threads?: NumberLike;
  readonly map?: readonly string[];
}

export function workerCommand(runWork: RunWork): Command {
  const command = new Command("worker").description(
    "take part in runs over Redis, as many as come, until SIGINT or SIGTERM",
  );
  return addRedisOption(command)
    .option("--threads <n>", "worker threads (default: one a core)")
    .option("--map <from=to>", "a run's path that begins with FROM is here below TO (repeatable)", collect)
    .action((flags: WorkerFlags) => runWork((context) => runWorker(flags, context)));
}

async function runWorker({ redis, threads, map = [] }: WorkerFlags, context: Context): Promise<Error[]> {
  const { signal, log, note } = context;
  const options = {
    threads: threads === undefined ? undefined : integer("--threads", threads, 1, MAX_THREADS),
    maps: map.map(readMap),
  };
  const link = await linkOf(redis, context);
  try {
    note(`waiting for runs on ${link.address}`);
    await serve(link, openExecutor, options, {
      signal,
      log,
      note,
      onDownload: (notice) => note(downloadLine(notice)),
    });
    return [];
  } finally {
    link.close();
  }
}

function readMap(given: string): PathMap {
  const at = given.indexOf("=");
  if (at > 0 && at < given.length - 1) return { from: given.slice(0, at), to: resolve(given.slice(at + 1)) };
  throw new UsageError("ERR_OPTION_VALUE", { option: "--map", expected: "FROM=TO", found: given });
}
