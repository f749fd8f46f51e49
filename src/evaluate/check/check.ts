/** Runs a suite of checks, one evaluation after the other, in one pool with all networks. */

import { availableParallelism } from "node:os";
import { IncompleteError, TERMINATED } from "#src/base/abort.js";
import { checkArgument, checkedKeys, FUNCTION, type KindsOf, TEXT, without } from "#src/base/arguments.js";
import type { CheckOutcome, CheckStatus, ChecksReport } from "#src/base/contracts/checks.js";
import { type Dataset, readingOf } from "#src/base/contracts/dataset.js";
import type { OnnxModel } from "#src/base/contracts/engine.js";
import type { Executor } from "#src/base/contracts/executor.js";
import type { Network } from "#src/base/contracts/network.js";
import type { AnyEvaluation } from "#src/base/contracts/result.js";
import { type Log, SILENT } from "#src/base/contracts/run.js";
import { asError, atLeast, BatchwiseError, RunError, UsageError } from "#src/base/errors.js";
import { DOWNLOAD } from "#src/base/known-arguments.js";
import type { CommandName } from "#src/base/options/define.js";
import { rowsOf } from "#src/base/options/table.js";
import { kindsOf } from "#src/base/options/values.js";
import { isError } from "#src/base/realm.js";
import { withAnswerBuffers } from "#src/base/slab.js";
import { printable, rounded } from "#src/base/text.js";
import { readDataset } from "#src/data/registry.js";
import { assertComparable, type Demands, gateError, judge, subjectOf } from "#src/evaluate/gates.js";
import { runOn } from "#src/evaluate/local-runner.js";
import { pairOf } from "#src/evaluate/open-inputs.js";
import type { EvaluateOptions } from "#src/evaluate/options.js";
import { evaluationOf } from "#src/evaluate/summarize.js";
import type { DownloadNotice, DownloadOptions } from "#src/files/catalog.js";
import { openSharedExecutor } from "#src/pool/registry.js";
import { type CheckInput, type LoadedEntry, loadSuite, readSuite, type SuiteEntry } from "./suite.js";

/** Hooks to observe and to stop a suite. */
export interface CheckHooks {
  /** Aborting ends the run. It still resolves: evaluations that did not finish have the status `error`. */
  readonly signal?: AbortSignal;
  /** Called before a named data set or network is downloaded. */
  onDownload?(notice: DownloadNotice): void;
  /** Called before each evaluation; `place` counts from 0. */
  onEntry?(name: string, place: number, entries: number): void;
  /** Default: silent. */
  readonly log?: Log;
}

const OPTIONS: KindsOf<CheckInput> = without(kindsOf(rowsOf("check")), "format", "output");
const HOOKS: KindsOf<CheckHooks> = { ...DOWNLOAD, onEntry: FUNCTION };

/**
 * Runs all evaluations of the suite at `path`. If an evaluation fails, its outcome has the error, and the others still run.
 * Data that consecutive evaluations share are read once.
 *
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_JSON_SYNTAX, ERR_JSON_SHAPE if `path` is not a readable suite
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
  const suite = await readSuite(path, input, availableParallelism());
  const checks = await runEntries(suite.entries, hooks, "check");
  return { suite: suite.path, checks, totalMs: rounded(performance.now() - beganAt) };
}

/**
 * Runs evaluations in one pool. A fault of one is in its outcome.
 *
 * @param command whose options an error advises
 */
export async function runEntries(
  given: readonly SuiteEntry[],
  hooks: CheckHooks,
  command: CommandName,
): Promise<readonly CheckOutcome[]> {
  const { signal = new AbortController().signal, log, onDownload } = hooks;
  const download: DownloadOptions = { signal, ...(log && { log }), ...(onDownload && { onDownload }) };
  const { entries, sources } = await loadSuite(given, download, command);
  const [{ options }] = atLeast(given, 1);
  // Workers start when tasks need them. The number of tasks is unknown until all data are read.
  const work = { images: Number.POSITIVE_INFINITY, tasks: options.threads };
  const executor = sources.length === 0 ? undefined : await openSharedExecutor(options, sources, work);
  const open = datasetsInTurn(download);
  const checks: CheckOutcome[] = [];
  try {
    for (const [place, { name }] of given.entries()) {
      hooks.onEntry?.(name, place, entries.length);
      const entry = entries[place]!;
      if (isError(entry)) checks.push(broken(name, entry));
      else if (signal.aborted) checks.push(broken(name, untried(signal)));
      else if (executor !== undefined)
        checks.push(await checkEntry(entry, executor, open, { ...hooks, signal }));
    }
  } finally {
    await executor?.close();
  }
  return checks;
}

function untried({ reason }: AbortSignal): RunError {
  return new RunError(reason === TERMINATED ? "ERR_CHECK_TERMINATED" : "ERR_CHECK_INTERRUPTED", {});
}

export type OpenDataset = (options: EvaluateOptions) => Promise<Dataset>;

/** Opens data sets and keeps only the last one, which the next evaluation may share. */
export function datasetsInTurn(download: DownloadOptions): OpenDataset {
  let last: { readonly key: string; readonly dataset: Dataset } | undefined;
  return async (options) => {
    const { dataset: named, labels, classes, split, invert, transpose, grayscale, labelOffset } = options;
    const reading = readingOf(options);
    if (typeof named !== "string") return named;
    const key = JSON.stringify([
      named,
      labels,
      classes,
      split,
      invert,
      transpose,
      grayscale,
      labelOffset,
      reading,
    ]);
    if (last?.key !== key) {
      last = undefined;
      last = { key, dataset: await readDataset({ ...options, ...download, dataset: named }) };
    }
    return last.dataset;
  };
}

/** Runs one evaluation of a suite. It does not reject: an error is in the outcome. */
export async function checkEntry(
  { name, options, demands, network, source }: LoadedEntry,
  executor: Executor,
  open: OpenDataset,
  { signal, log = SILENT }: { readonly signal: AbortSignal; readonly log?: Log },
): Promise<CheckOutcome> {
  const beganAt = performance.now();
  try {
    const pair = await pairOf(await open(options), network, options);
    if (orderOf(pair.network) !== orderOf(network))
      throw new UsageError("ERR_USAGE", { problem: orderProblem(network.name) });
    if (pair.network.preprocessing.kind !== network.preprocessing.kind) {
      const problem = `--normalize none: "${network.name}" would read numbers from 0 to 1 as bytes: set --normalize scale`;
      throw new UsageError("ERR_USAGE", { problem });
    }
    const { baseline } = demands;
    if (baseline !== undefined) {
      assertComparable(baseline, await subjectOf(pair));
    }
    const loadMs = performance.now() - beganAt;
    const slabs = withAnswerBuffers(pair.slabs({ multiple: options.batchSize, lanes: executor.capacity }), [
      { source, classes: 0 },
    ]);
    const work = { options, pair, slabs, signal, log };
    const outcome = await runOn(executor, work, [], source);
    const evaluation = await evaluationOf(work, outcome, { beganAt, loadMs });
    return judged(name, evaluation, demands);
  } catch (error) {
    const evaluation = error instanceof IncompleteError ? error.partial : undefined;
    return { ...broken(name, asError(error)), evaluation };
  }
}

const orderOf = (network: Network | OnnxModel) =>
  "layers" in network ? network.pixelOrder : network.input.order;

/** The pool reads every data set by the same weights. */
function orderProblem(name: string): string {
  return `"${name}" reads a list of bytes, channels first: over images in colour, evaluate it in a command of its own`;
}

/** Outcome of an evaluation without a result. */
export function broken(name: string, fault: Error): CheckOutcome {
  return { name, status: "error", evaluation: undefined, gates: [], fault };
}

function judged(name: string, evaluation: AnyEvaluation, demands: Demands): CheckOutcome {
  const { dataset, network, result } = evaluation;
  try {
    const gates = result.labelled ? judge(demands, { dataset, network, result }) : [];
    const status: CheckStatus = gates.every(({ passed }) => passed) ? "passed" : "failed";
    return { name, status, evaluation, gates, fault: undefined };
  } catch (error) {
    // The baseline has different images or another reading of the network.
    return { ...broken(name, asError(error)), evaluation };
  }
}

/** An error with the name of its evaluation. It has the code, the facts and the exit status of the original error. */
class CheckError extends BatchwiseError {
  constructor(name: string, fault: BatchwiseError) {
    super(fault.code, fault.facts, { cause: fault });
    this.message = `${printable(name)}: ${fault.message}`;
  }
}

/** Errors and missed gates, in the order of the suite. They determine the exit status. */
export function faultsOf({ checks }: Pick<ChecksReport, "checks">): Error[] {
  return checks.flatMap(faultsOfOne);
}

function faultsOfOne({ name, fault, gates }: CheckOutcome): Error[] {
  const missed = gates.filter(({ passed }) => !passed).map(gateError);
  const faults = fault === undefined ? missed : [fault, ...missed];
  return faults.map((one) => {
    const coded =
      one instanceof BatchwiseError
        ? one
        : new RunError("ERR_INTERNAL", { problem: one.message }, { cause: one });
    return new CheckError(name, coded);
  });
}
