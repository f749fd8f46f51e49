/** `batchwise fetch NAME`: downloads a data set or network into the cache, and prints the paths. */
import type { Command } from "commander";
import { grouped } from "#src/base/errors/define.js";
import { UsageError } from "#src/base/errors.js";
import { type FlagsOf, OPTIONS } from "#src/base/options/table.js";
import { suggest } from "#src/base/text.js";
import { CATALOG } from "#src/files/catalog.js";
import { type FetchedFile, fetchEntry } from "#src/files/fetch-entry.js";
import { shownUrl } from "#src/files/mirror-fault.js";
import type { Context, RunWork } from "./context.js";
import { createCommand } from "./options.js";

type FetchFlags = FlagsOf<"fetch">;

const NAMES: readonly string[] = [...CATALOG.keys()];
const DEFAULT_TIMEOUT_SECONDS = OPTIONS.timeoutSeconds.default;

const HELP = `
The paths of the files go to stdout. The cache is the platform's cache folder,
or BATCHWISE_CACHE_DIR. A mirror has the layout of the cache, for example
URL/mnist/t10k-images-idx3-ubyte.gz. BATCHWISE_MIRROR sets a mirror for all
commands. HTTP_PROXY, HTTPS_PROXY and NO_PROXY set the proxies.

Examples:
  batchwise fetch mnist
  batchwise fetch book --mirror https://files.example/batchwise`;

export function fetchCommand(runWork: RunWork): Command {
  return createCommand("fetch")
    .addHelpText("after", HELP)
    .action((name: string, flags: FetchFlags) => runWork((context) => runFetch(name, flags, context)));
}

async function runFetch(name: string, flags: FetchFlags, context: Context): Promise<readonly Error[]> {
  const entry = CATALOG.get(name);
  if (entry === undefined) {
    const suggestion = suggest(name, NAMES);
    throw new UsageError("ERR_OPTION_UNKNOWN", { what: "download", found: name, known: NAMES, suggestion });
  }
  const { timeoutSeconds = DEFAULT_TIMEOUT_SECONDS, mirror } = flags;
  const display = context.showDownload();
  try {
    const fetched = await fetchEntry(entry, {
      verify: "hash",
      mirror,
      limits: { idleMs: 1000 * timeoutSeconds },
      signal: context.signal,
      log: context.log,
      onFile: (file) => display.begin(file),
      onBytes: (doneBytes) => display.update(doneBytes),
      onFetched: (one) => display.end(outcomeOf(one)),
    });
    context.writeAnswer(fetched.map(({ path }) => `${path}\n`).join(""));
  } finally {
    display.stop();
  }
  return [];
}

function outcomeOf({ file, mirror }: FetchedFile): string {
  return mirror === undefined
    ? `already in the cache, ${grouped(file.bytes)} bytes, verified`
    : `downloaded ${grouped(file.bytes)} bytes from ${shownUrl(mirror)}, verified`;
}
