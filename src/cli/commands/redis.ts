/** Commands over Redis: `evaluate --executor bullmq`, `batchwise worker` and `batchwise runs`. */

import { resolve } from "node:path";
import process from "node:process";
import type { Command } from "commander";
import { interruption } from "#src/base/abort.js";
import type { Log } from "#src/base/contracts/run.js";
import { grouped } from "#src/base/errors/define.js";
import { RunError, UsageError } from "#src/base/errors.js";
import type { FlagsOf } from "#src/base/options/table.js";
import { oneOf } from "#src/base/options/values.js";
import { printable } from "#src/base/text.js";
import { openExecutor } from "#src/pool/registry.js";
import { serve } from "#src/redis/host.js";
import type { PathMap } from "#src/redis/host-run.js";
import { type Link, openLink, UNSIGNED } from "#src/redis/link.js";
import { whileAnswering } from "#src/redis/pulse.js";
import { obliterate } from "#src/redis/range-queue.js";
import { KEEP_ENDED_SECONDS, Records, type RunRecord } from "#src/redis/records.js";
import { openHosts as openRedisHosts } from "#src/redis/runner.js";
import { type Row, rowLines } from "#src/reports/cells.js";
import { type Context, downloadLine, type RunWork } from "./context.js";
import { createCommand } from "./options.js";

/** The runner of `--executor bullmq`. */
export const openHosts: typeof openRedisHosts = (input, hooks) => {
  hideArguments();
  return openRedisHosts(input, hooks);
};

function linkOf(redis: string | undefined, log: Log): Promise<Link> {
  hideArguments();
  return openLink(redis, log);
}

/** The title replaces the arguments in the list of processes: they may hold a password. */
function hideArguments(): void {
  process.title = "batchwise";
}

type WorkerFlags = FlagsOf<"worker">;

export function workerCommand(runWork: RunWork): Command {
  return createCommand("worker").action((flags: WorkerFlags) =>
    runWork((context) => runWorker(flags, context)),
  );
}

async function runWorker(
  { redis, threads, map = [], allow = [] }: WorkerFlags,
  context: Context,
): Promise<Error[]> {
  const { signal, log, note } = context;
  const options = { threads, maps: map.map(readMap), allow: allow.map(readPlace) };
  const link = await linkOf(redis, log);
  try {
    if (!link.seals.areSigned) note(`warning: ${UNSIGNED}`);
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

function readPlace(given: string): string {
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(given);
  const isKnown = /^(https?|file):\/\//i.test(given) && URL.canParse(given);
  if (given !== "" && (!isUrl || isKnown)) return given;
  const expected = "a folder, or a URL with http, https or file";
  throw new UsageError("ERR_OPTION_VALUE", { option: "--allow", expected, found: given });
}

const ACTIONS = ["list", "show", "cancel"] as const;

/** Longest silence of Redis that `runs` waits for. */
const AWAY_MS = 5000;

type RunsFlags = FlagsOf<"runs">;

export function runsCommand(runWork: RunWork): Command {
  return createCommand("runs").action((action: string, id: string | undefined, flags: RunsFlags) =>
    runWork((context) => runRuns(action, id, flags, context)),
  );
}

async function runRuns(
  given: string,
  id: string | undefined,
  flags: RunsFlags,
  context: Context,
): Promise<Error[]> {
  const action = oneOf("action", ACTIONS, given);
  const { format = "text" } = flags;
  if ((id === undefined) !== (action === "list")) {
    const problem = action === "list" ? "list takes no run ID" : `${action} needs the ID of a run`;
    throw new UsageError("ERR_USAGE", { problem });
  }
  const { signal, log } = context;
  const link = await linkOf(flags.redis, log);
  try {
    const waiting = { awayMs: AWAY_MS, signal, graceMs: 0 };
    const listed = await whileAnswering(link, actOn(link, action, id), waiting);
    if (listed === undefined) throw interruption(signal, 0, 0);
    const text = action === "show" ? showText : listText;
    context.writeAnswer(format === "json" ? `${JSON.stringify(listed, null, 2)}\n` : text(listed));
    return [];
  } finally {
    link.close();
  }
}

async function actOn(
  link: Link,
  action: (typeof ACTIONS)[number],
  id: string | undefined,
): Promise<readonly ListedRun[]> {
  const records = new Records(link);
  const runs = id === undefined ? await records.runs() : [await known(records, link, id)];
  if (action === "cancel") for (const run of runs) await cancel(records, link, run);
  return Promise.all(runs.map((run) => listedRun(records, run, action === "cancel")));
}

async function known(records: Records, { address }: Link, runId: string): Promise<RunRecord> {
  const run = await records.run(runId);
  if (run === undefined) throw new RunError("ERR_RUN_UNKNOWN", { runId, address });
  return run;
}

/** Cancels a run, unless it has ended. */
async function cancel(records: Records, link: Link, { spec, state }: RunRecord): Promise<void> {
  const { runId } = spec;
  if (state === "done") return;
  await records.setState(spec, "cancelled");
  await obliterate(link, runId);
  await records.deletePacked(runId);
  await records.expireRun(runId, KEEP_ENDED_SECONDS);
}

interface ListedRun {
  readonly runId: string;
  /** `waiting` if the run is open and has no coordinator. */
  readonly state: string;
  readonly createdAt: string;
  readonly doneImages: number;
  readonly totalImages: number;
  readonly jobImages: number | null;
  readonly dataset: string;
  readonly network: string;
  readonly hosts: readonly {
    readonly host: string;
    readonly threads: number;
    readonly refused: string | null;
  }[];
}

async function listedRun(records: Records, run: RunRecord, isCancelled: boolean): Promise<ListedRun> {
  const { spec, state, createdAt, doneImages, jobImages = null } = run;
  const { runId } = spec;
  const isWaiting = state === "open" && (await records.beatsSeen(spec)) === undefined;
  const hosts = await records.hosts();
  return {
    runId,
    state: isCancelled && state !== "done" ? "cancelled" : isWaiting ? "waiting" : state,
    createdAt,
    doneImages,
    totalImages: spec.range.limit,
    jobImages,
    dataset: spec.dataset.location.dataset,
    network: spec.network.location.weights,
    hosts: hosts
      .filter((present) => present.runId === runId || present.refused[runId] !== undefined)
      .map(({ host, threads, refused }) => ({ host, threads, refused: refused[runId] ?? null })),
  };
}

function listText(runs: readonly ListedRun[]): string {
  if (runs.length === 0) return "no runs\n";
  const width = Math.max(...runs.map(({ runId }) => runId.length));
  return runs.map((run) => `${run.runId.padEnd(width)}  ${run.state.padEnd(9)}  ${doneText(run)}\n`).join("");
}

function showText(runs: readonly ListedRun[]): string {
  const rows = runs.flatMap((run): Row[] => [
    ["Run", `${run.runId}, ${run.state}, of ${run.createdAt}`],
    ["Done", doneText(run)],
    ["Data", printable(run.dataset)],
    ["Network", printable(run.network)],
    ...run.hosts.map(
      ({ host, threads, refused }): Row => [
        "Host",
        `${printable(host)}, ${refused === null ? `${threads} threads` : `refused: ${printable(refused)}`}`,
      ],
    ),
  ]);
  return rowLines(rows)
    .map((line) => `${line}\n`)
    .join("");
}

function doneText({ doneImages, totalImages }: ListedRun): string {
  return `${grouped(doneImages)} of ${grouped(totalImages)} images`;
}
