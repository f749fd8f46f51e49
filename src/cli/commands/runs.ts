/** `batchwise runs`: the runs that a Redis knows; one of them whole; an end to one. */
import type { Command } from "commander";
import { grouped } from "#src/base/errors/define.js";
import { RunError, UsageError } from "#src/base/errors.js";
import type { FlagsOf } from "#src/base/options/table.js";
import { oneOf } from "#src/base/options/values.js";
import { printable } from "#src/base/text.js";
import type { Link } from "#src/redis/link.js";
import { obliterate } from "#src/redis/range-queue.js";
import { KEEP_ENDED_SECONDS, Records, type RunRecord } from "#src/redis/records.js";
import { type Row, rowLines } from "#src/reports/cells.js";
import type { Context, RunWork } from "./context.js";
import { linkOf } from "./evaluate-over-redis.js";
import { createCommand } from "./options.js";

const ACTIONS = ["list", "show", "cancel"] as const;

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
  const link = await linkOf(flags.redis, context.log);
  try {
    const records = new Records(link.redis);
    const runs = id === undefined ? await records.runs() : [await known(records, link, id)];
    if (action === "cancel") for (const run of runs) await cancel(records, link, run);
    const told = await Promise.all(runs.map((run) => tell(records, run, action === "cancel")));
    const text = action === "show" ? showText : listText;
    context.writeAnswer(format === "json" ? `${JSON.stringify(told, null, 2)}\n` : text(told));
    return [];
  } finally {
    link.close();
  }
}

async function known(records: Records, { address }: Link, runId: string): Promise<RunRecord> {
  const run = await records.run(runId);
  if (run === undefined) throw new RunError("ERR_RUN_UNKNOWN", { runId, address });
  return run;
}

/** What has ended already stays as it is. */
async function cancel(records: Records, link: Link, { spec: { runId }, state }: RunRecord): Promise<void> {
  if (state === "done") return;
  await records.setState(runId, "cancelled");
  await obliterate(link, runId);
  await records.deletePacked(runId);
  await records.expireRun(runId, KEEP_ENDED_SECONDS);
}

interface ToldRun {
  readonly runId: string;
  /** `waiting` where it is open, and nobody coordinates it. */
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

async function tell(records: Records, run: RunRecord, isCancelled: boolean): Promise<ToldRun> {
  const { spec, state, createdAt, doneImages, jobImages = null } = run;
  const { runId } = spec;
  const isWaiting = state === "open" && !(await records.isAttended(runId));
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

function listText(runs: readonly ToldRun[]): string {
  if (runs.length === 0) return "no runs\n";
  const width = Math.max(...runs.map(({ runId }) => runId.length));
  return runs.map((run) => `${run.runId.padEnd(width)}  ${run.state.padEnd(9)}  ${doneText(run)}\n`).join("");
}

function showText(runs: readonly ToldRun[]): string {
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

function doneText({ doneImages, totalImages }: ToldRun): string {
  return `${grouped(doneImages)} of ${grouped(totalImages)} images`;
}
