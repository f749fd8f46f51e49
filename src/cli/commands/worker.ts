/** `batchwise worker`: this machine takes part in runs over Redis until it is told to stop. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { UsageError } from "#src/base/errors.js";
import type { FlagsOf } from "#src/base/options/table.js";
import { openExecutor } from "#src/pool/registry.js";
import { serve } from "#src/redis/host.js";
import type { PathMap } from "#src/redis/host-run.js";
import type { Context, RunWork } from "./context.js";
import { downloadLine } from "./context.js";
import { linkOf } from "./evaluate-over-redis.js";
import { createCommand } from "./options.js";

type WorkerFlags = FlagsOf<"worker">;

export function workerCommand(runWork: RunWork): Command {
  return createCommand("worker").action((flags: WorkerFlags) =>
    runWork((context) => runWorker(flags, context)),
  );
}

async function runWorker({ redis, threads, map = [] }: WorkerFlags, context: Context): Promise<Error[]> {
  const { signal, log, note } = context;
  const options = { threads, maps: map.map(readMap) };
  const link = await linkOf(redis, log);
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
