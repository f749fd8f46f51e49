/** Codes of runs: usage (2), parts (3), workers (4), output (6), gates (100), interruption (130, 143), internal (1). */

import { printable } from "#src/base/text.js";
import { grouped, row, sizeText } from "./define.js";
import { queueCodes } from "./queue-codes.js";

export const usageCodes = {
  ERR_USAGE: row(2, (f: { problem: string }) => `${f.problem}; see --help`),
  /** Printed by bin/batchwise.cjs, which an old Node.js can parse. */
  ERR_NODE_VERSION: row(
    2,
    (f: { found: string }) => `Batchwise needs Node.js 20.19 or newer, found ${f.found}`,
  ),
  ERR_WORKING_FOLDER: row(
    2,
    (f: { reason: string }) =>
      `the working folder cannot be used: ${f.reason}; change to a folder that exists`,
  ),
  ERR_OPTION_VALUE: row(
    2,
    (f: { option: string; expected: string; found: string }) =>
      `${f.option}: expected ${f.expected}, found "${f.found}"`,
  ),
  ERR_OPTION_UNKNOWN: row(
    2,
    (f: { what: string; found: string; known: readonly string[]; suggestion?: string | undefined }) =>
      `unknown ${f.what} "${f.found}": ${f.suggestion ? `did you mean "${f.suggestion}"?` : `expected one of ${f.known.join(", ")}`}`,
  ),
  ERR_OUTPUT_SHARED: row(
    2,
    (f: { option: string; path: string; other: string; otherPath: string }) =>
      `${f.option}: ${f.path}: expected a file of its own, found the file of ${f.other}${f.otherPath === f.other ? "" : ` (${f.otherPath})`}; choose another path`,
  ),
  /** An argument of a library function. */
  ERR_ARGUMENT: row(
    2,
    (f: { call: string; argument: string; expected: string; found: string }) =>
      `${f.call}: ${f.argument}: expected ${f.expected}, found ${f.found}`,
  ),
  ERR_CONFIG_READ: row(
    2,
    (f: { path: string; reason: string }) =>
      `${f.path}: the configuration cannot be read: ${f.reason}; choose another with --config, or use --no-config`,
  ),
  ERR_CONFIG_SYNTAX: row(
    2,
    (f: { path: string; reason: string }) =>
      `${f.path}: expected a configuration in JSON, found a syntax error: ${f.reason}; correct it, or use --no-config`,
  ),
  ERR_CONFIG_KEY: row(
    2,
    (f: { path: string; found: string; known: readonly string[]; suggestion?: string | undefined }) =>
      `${f.path}: unknown option "${printable(f.found)}": ${f.suggestion ? `did you mean "${f.suggestion}"?` : `expected one of ${f.known.join(", ")}`}`,
  ),
  /** `key` is empty for the whole document. */
  ERR_CONFIG_VALUE: row(
    2,
    (f: { path: string; key: string; expected: string; found: string }) =>
      `${f.path}: ${f.key ? `${f.key}: ` : ""}expected ${f.expected}, found ${f.found}`,
  ),
  /** `mostBytes` is undefined if it is unknown. */
  ERR_MEMORY: row(
    2,
    (f: { what: string; bytes: number; mostBytes?: number | undefined; option: string }) =>
      `not enough memory: ${f.what} need ${sizeText(f.bytes)}${f.mostBytes ? `, at most ${sizeText(f.mostBytes)} are available` : ""}; lower ${f.option}`,
  ),
  ERR_EVALUATOR_CLOSED: row(2, () => "expected an open evaluator, found a closed one; open another"),
} as const;

/**
 * Command that installs onnxruntime-node without CUDA, which its install script would download.
 * In a checkout, npm 11 installs an optional peer only as a dependency. The next `npm install` removes unsaved packages.
 */
export function onnxInstallCommand(peer: string): string {
  return `npm install --save-dev --ignore-scripts ${peer}@1`;
}

export const runCodes = {
  ERR_INTERNAL: row(
    1,
    (f: { problem: string }) => `internal fault: ${f.problem}; run again with --log-level debug`,
  ),
  ERR_ENGINE_PEER: row(
    4,
    (f: { engine: string; peer: string; found: string }) =>
      `expected the package ${f.peer} for the engine "${f.engine}", found ${f.found}; install it with: ${onnxInstallCommand(f.peer)}`,
  ),
  ERR_ENGINE_WEBASSEMBLY: row(
    4,
    () =>
      `expected WebAssembly for the engine "simd", found none: Node.js runs with --jitless; choose another engine with --engine, or run without --jitless`,
  ),
  ERR_WORKER_LOAD: row(
    4,
    (f: { file: string; reason: string }) =>
      `${f.file}: the worker cannot be started: ${f.reason}; was the package built?`,
  ),
  ERR_WORKER_THREAD: row(
    4,
    (f: { reason: string }) =>
      `a worker thread cannot be started: ${f.reason}; raise the limit of processes, allow worker threads (--allow-worker), or use --threads 0`,
  ),
  ERR_OPEN_FILES: row(
    4,
    (f: { path: string }) =>
      `${f.path}: cannot be opened, because too many files are open; raise the limit (ulimit -n)`,
  ),
  ERR_WORKER_CRASHED: row(4, (f: { reason: string }) => `a worker crashed: ${f.reason}`),
  ERR_WORKER_ANSWER: row(
    4,
    (f: { expected: string; found: string }) =>
      `a worker's answer is invalid: expected ${f.expected}, found ${f.found}`,
  ),
  ERR_BATCH_TIMEOUT: row(
    4,
    (f: { timeoutMs: number }) => `no answer within ${f.timeoutMs / 1000} s; raise --timeout`,
  ),
  ERR_BATCH_FAILED: row(
    4,
    (f: {
      batch: number;
      firstImage: number;
      lastImage: number;
      attempts: number;
      failedBatches: number;
      reason: string;
    }) =>
      `batch ${f.batch} (images ${f.firstImage} to ${f.lastImage}) failed ${f.attempts} times: ${f.reason}${f.failedBatches > 1 ? `; ${grouped(f.failedBatches)} batches failed in total` : ""}; the result is partial`,
  ),
  ERR_BENCH_MISMATCH: row(
    4,
    (f: {
      engine: string;
      threads: number;
      batchSize: number;
      checkedAgainst: string;
      image: number;
      expected: number;
      found: number;
      differing: number;
      total: number;
    }) =>
      `${f.engine}, ${f.threads} threads, batches of ${f.batchSize}: expected class ${f.expected} for image ${f.image}, as ${f.checkedAgainst} predicts, found ${f.found}; ${grouped(f.differing)} of ${grouped(f.total)} images differ; wrong answers are not timed`,
  ),
  ERR_DOCTOR: row(
    4,
    (f: { failed: readonly string[] }) =>
      `expected every required part to work, found a fault in ${f.failed.join(" and ")}; see the table`,
  ),
  ERR_JOURNAL_LOCKED: row(
    4,
    (f: { path: string }) =>
      `${f.path}: expected an unused journal, found it in use by another process; wait for its end, or choose another file`,
  ),
  ERR_OUTPUT_WRITE: row(
    6,
    (f: { path: string; reason: string }) =>
      `${f.path}: the output could not be written: ${f.reason}; check the folder and its free space, or choose another path`,
  ),
  ERR_GATE_ACCURACY: row(100, missedGate),
  ERR_GATE_CLASS_RECALL: row(100, missedGate),
  ERR_GATE_REGRESSION: row(100, missedGate),
  ERR_INTERRUPTED: row(130, (f: DoneImages) => `interrupted ${doneText(f)}`),
  ERR_TERMINATED: row(143, (f: DoneImages) => `terminated ${doneText(f)}`),
  ERR_CHECK_INTERRUPTED: row(130, () => "interrupted before the evaluation"),
  ERR_CHECK_TERMINATED: row(143, () => "terminated before the evaluation"),
  ERR_BENCH_INTERRUPTED: row(
    130,
    (f: { donePasses: number }) =>
      `interrupted after ${grouped(f.donePasses)} timed passes; the numbers cover these passes`,
  ),
  ERR_BENCH_TERMINATED: row(
    143,
    (f: { donePasses: number }) =>
      `terminated after ${grouped(f.donePasses)} timed passes; the numbers cover these passes`,
  ),
  ...queueCodes,
} as const;

/** Without a total, the signal came before any image was to be evaluated. */
interface DoneImages {
  readonly doneImages: number;
  readonly totalImages: number;
}

function doneText({ doneImages, totalImages }: DoneImages): string {
  if (totalImages === 0) return "before the evaluation";
  return `after ${grouped(doneImages)} of ${grouped(totalImages)} images; the result is partial`;
}

function missedGate({ gate, expected, found }: { gate: string; expected: string; found: string }): string {
  return `${gate}: expected ${expected}, found ${found}`;
}

/** Codes of parts of a merge, and of the journal of a resumed run. Exit status 3. */
export const partCodes = {
  ERR_PART_KIND: row(
    3,
    (f: { path: string }) =>
      `${f.path}: expected a part of a run, found a whole result; write parts with evaluate --shard i/n --output PART.json`,
  ),
  ERR_PART_INCOMPLETE: row(
    3,
    (f: { path: string; shard: string; done: number; expected: number }) =>
      `${f.path}: expected all ${grouped(f.expected)} images of shard ${f.shard}, found ${grouped(f.done)}; evaluate it again`,
  ),
  ERR_PART_COUNTS: row(
    3,
    (f: { path: string; problem: string }) => `${f.path}: ${f.problem}; was the part edited?`,
  ),
  ERR_PART_MIXED: row(
    3,
    (f: { path: string; first: string; what: string; expected: string; found: string }) =>
      `${f.path}: expected a part of the same run as ${f.first}, found a different run: ${f.what} is ${printable(f.found)} here and ${printable(f.expected)} there; evaluate all shards with the same options`,
  ),
  ERR_PART_DOUBLED: row(3, (f: { path: string; first: string; shard: string }) =>
    f.path === f.first
      ? `${f.path}: expected each part once, found it twice; remove one of them`
      : `${f.path}: expected each shard once, found ${f.shard} also in ${f.first}; remove one of them`,
  ),
  ERR_PART_MISSING: row(
    3,
    (f: { count: number; found: readonly number[] }) =>
      `expected all ${grouped(f.count)} shards, found none for ${missingText(f.found, f.count)}; evaluate the missing shards`,
  ),
  ERR_JOURNAL_KIND: row(
    3,
    (f: { path: string }) =>
      `${f.path}: expected a journal that --resume wrote, or no file, found another file; choose another path`,
  ),
  ERR_JOURNAL_DAMAGED: row(
    3,
    (f: { path: string; line: number; problem: string }) =>
      `${f.path}: line ${f.line} of the journal is damaged: ${f.problem}; remove the journal to start again`,
  ),
  ERR_JOURNAL_RUN: row(
    3,
    (f: { path: string; what: string; expected: string; found: string }) =>
      `${f.path}: expected a journal of this run, found a different run: ${f.what} is ${printable(f.expected)} there and ${printable(f.found)} here; choose another journal`,
  ),
  ERR_JOURNAL_PREDICTIONS: row(
    3,
    (f: { path: string; journal: string; problem: string }) =>
      `${f.path}: expected the predictions that ${f.journal} records, ${f.problem}; remove the journal to start again`,
  ),
} as const;

const MOST_NAMED = 5;

/** Missing shards: `2/8, 5/8 and 4 more`. The list is limited, because a damaged part can state a billion shards. */
function missingText(found: readonly number[], count: number): string {
  const named: string[] = [];
  for (let index = 1; index <= count && named.length < MOST_NAMED; index++) {
    if (!found.includes(index)) named.push(`${index}/${count}`);
  }
  const more = count - found.length - named.length;
  return `${named.join(", ")}${more > 0 ? ` and ${grouped(more)} more` : ""}`;
}
