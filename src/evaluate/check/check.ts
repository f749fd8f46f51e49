/** Runs a suite of checks: all networks in one pool, evaluation after evaluation, each judged or told why it could not be. */
import { availableParallelism } from "node:os";
import {
  checkArgument,
  checkedKeys,
  FLAG,
  FUNCTION,
  type KindsOf,
  LOG,
  NUMBER_LIKE,
  SIGNAL,
  TEXT,
} from "#src/base/arguments.js";
import type { CheckOutcome, ChecksReport } from "#src/base/contracts/checks.js";
import type { Log } from "#src/base/contracts/log.js";
import { RunError } from "#src/base/errors.js";
import { TERMINATED } from "#src/base/incomplete.js";
import { rounded } from "#src/base/milliseconds.js";
import type { DownloadNotice, DownloadOptions } from "#src/files/download/catalog-entry.js";
import { openSharedExecutor } from "#src/pool/registry.js";
import { broken, checkEntry, datasetsInTurn } from "./entry.js";
import { loadSuite } from "./load.js";
import { type CheckInput, readSuite } from "./suite.js";

/** What a caller may hear of, and end, while a suite is evaluated. */
export interface CheckHooks {
  /** Aborting ends the run, which still answers: what was not evaluated by then has the status `error`. */
  readonly signal?: AbortSignal;
  /** Called before a data set or network that was given by name is downloaded. */
  onDownload?(notice: DownloadNotice): void;
  /** Called before each evaluation; `place` counts from 0. */
  onEntry?(name: string, place: number, entries: number): void;
  /** Default silent. */
  readonly log?: Log;
}

const OPTIONS: KindsOf<CheckInput> = { threads: NUMBER_LIKE, offline: FLAG, strict: FLAG };
const HOOKS: KindsOf<CheckHooks> = { signal: SIGNAL, log: LOG, onDownload: FUNCTION, onEntry: FUNCTION };

/**
 * Evaluates what the suite at `path` asks for. An evaluation that cannot be made is an error of its own, and the others
 * still run. Data that evaluations beside each other share are read once.
 *
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_JSON_SYNTAX, ERR_JSON_SHAPE where the suite itself cannot be read,
 *   or is none
 * @throws UsageError ERR_OPTION_VALUE for an option of the input
 */
export async function check(path: string, input?: CheckInput, hooks?: CheckHooks): Promise<ChecksReport> {
  checkArgument("check", "path", path, TEXT);
  return runSuite(
    path,
    checkedKeys("check", "option", input, OPTIONS),
    checkedKeys("check", "hook", hooks, HOOKS),
  );
}

async function runSuite(path: string, input: CheckInput, hooks: CheckHooks): Promise<ChecksReport> {
  const beganAt = performance.now();
  const { signal = new AbortController().signal, log, onDownload } = hooks;
  const download: DownloadOptions = { signal, ...(log && { log }), ...(onDownload && { onDownload }) };
  const suite = await readSuite(path, input, availableParallelism());
  const { entries, sources } = await loadSuite(suite.entries, download);
  const [{ options }] = suite.entries;
  // Workers start as tasks ask for them; how many there are is known only when all data are read.
  const work = { images: Number.POSITIVE_INFINITY, tasks: options.threads };
  const executor = sources.length === 0 ? undefined : await openSharedExecutor(options, sources, work);
  const open = datasetsInTurn(download);
  const checks: CheckOutcome[] = [];
  try {
    for (const [place, { name }] of suite.entries.entries()) {
      hooks.onEntry?.(name, place, entries.length);
      const entry = entries[place];
      if (entry instanceof Error) checks.push(broken(name, entry));
      else if (signal.aborted) checks.push(broken(name, untried(signal)));
      else if (executor !== undefined)
        checks.push(await checkEntry(entry, executor, open, { ...hooks, signal }));
    }
  } finally {
    await executor?.close();
  }
  return { suite: suite.path, checks, totalMs: rounded(performance.now() - beganAt) };
}

function untried({ reason }: AbortSignal): RunError {
  return new RunError(reason === TERMINATED ? "ERR_CHECK_TERMINATED" : "ERR_CHECK_INTERRUPTED", {});
}
