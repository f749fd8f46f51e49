/** A host process of tests: slow on purpose, and poisoned by one image where it is told to be. Arguments: url, delayMs, image. */
import { argv, stderr } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { SILENT } from "#src/base/contracts/run.js";
import type { OpenExecutor } from "#src/evaluate/evaluate.js";
import { openExecutor } from "#src/pool/registry.js";
import { serve } from "#src/redis/host.js";
import { openLink } from "#src/redis/link.js";

const [url = "", delayMs = "0", poison = "-1"] = argv.slice(2);

const open: OpenExecutor = async (options, source, work) => {
  const executor = await openExecutor(options, source, work);
  return {
    threads: executor.threads,
    capacity: executor.capacity,
    startMs: executor.startMs,
    get workersStarted() {
      return executor.workersStarted;
    },
    warm: () => executor.warm(),
    close: () => executor.close(),
    async run(task, signal) {
      await sleep(Number(delayMs));
      const { start, batchSize } = task.batches;
      const image = Number(poison) - task.layout.firstImage - start;
      if (image >= 0 && image < batchSize) throw new Error(`image ${poison} is poison`);
      return executor.run(task, signal);
    },
  };
};

const link = await openLink(url, SILENT);
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
await serve(
  link,
  open,
  { threads: 1, maps: [], allow: ["/"] },
  {
    signal: stop.signal,
    log: SILENT,
    note: (text) => void stderr.write(`${text}\n`),
    onDownload() {},
  },
);
link.close();
