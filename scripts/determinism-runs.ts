/** All runs of the determinism matrix under one Node binary: engine by engine, and over Redis where there is one. */
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { ENGINES } from "#src/base/contracts/engine.js";
import type { ResultFile } from "#src/base/contracts/result.js";
import { loadRuntime } from "#src/engines/onnx/runtime.js";
import { BATCH_SIZES, cellsOf } from "./determinism-matrix.js";
import { canQueue, evaluated, killed, RedisProcess, startWorker } from "./queue-fleet.js";

export interface RunsRequest {
  /** Undefined: all that can run here. */
  readonly engines: readonly string[] | undefined;
  readonly limit: number;
  readonly isWhole: boolean;
}

/** Without and with probabilities and resamples. */
export type KindOfAnswer = "counts" | "scores";

type Answer = Extract<ResultFile["result"], { readonly labelled: true }>;

export interface NodeAnswers {
  /** As `node --version` tells it. */
  readonly version: string;
  readonly rows: readonly RowOutcome[];
  /** The first of each kind, which the others were held against. */
  readonly answers: Readonly<Partial<Record<KindOfAnswer, Answer>>>;
}

export interface RowOutcome {
  readonly name: string;
  readonly runs: number;
  /** The runs that answered otherwise, by their options. */
  readonly faults: readonly string[];
}

interface Row {
  readonly name: string;
  readonly kind: KindOfAnswer;
  /** The options of each run. */
  readonly runs: readonly (readonly string[])[];
}

const SCORES = ["--calibration", "--top-k", "3", "--bootstrap", "100"];
const SCORED_THREADS = [0, 2, 16];
/** Images of a job over Redis. */
const JOB_IMAGES = [333, 4999];
const QUEUE_WORKERS = 2;

export async function answersUnder(node: string, request: RunsRequest): Promise<NodeAnswers> {
  const version = execFileSync(node, ["--version"], { encoding: "utf8" }).trim();
  const limit = ["--limit", String(request.limit)];
  const answers: Partial<Record<KindOfAnswer, Answer>> = {};

  async function outcomeOf({ name, kind, runs }: Row): Promise<RowOutcome> {
    const faults: string[] = [];
    const waiting = [...runs];
    async function runNext(): Promise<void> {
      for (let args = waiting.shift(); args !== undefined; args = waiting.shift()) {
        const { result, run } = await evaluated([...limit, ...args], node);
        if (run.node !== version) throw new Error(`${node}: ${run.node} ran instead of ${version}`);
        if (!result.labelled) throw new Error(`${args.join(" ")}: no labels were read`);
        answers[kind] ??= result;
        if (JSON.stringify(result) !== JSON.stringify(answers[kind])) faults.push(args.join(" "));
      }
    }
    await Promise.all(Array.from({ length: availableParallelism() }, runNext));
    return { name, runs: runs.length, faults };
  }

  const rows: RowOutcome[] = [];
  for (const row of await localRows(request)) rows.push(await outcomeOf(row));
  if (canQueue()) rows.push(await overRedis(node, outcomeOf));
  return { version, rows, answers };
}

async function localRows({ engines, isWhole }: RunsRequest): Promise<Row[]> {
  const hasOnnxruntime = await loadRuntime().then(
    () => true,
    () => false,
  );
  const named = engines ?? ENGINES.filter((name) => name !== "onnx" || hasOnnxruntime);
  const argsOf = (engine: string, threads: number, batchSize: number) => [
    // Else simd would find so few images not worth a worker.
    "--warm",
    ...["--engine", engine, "--threads", String(threads), "--batch-size", String(batchSize)],
  ];
  const counted = named.map((engine): Row => {
    const runs = cellsOf(isWhole).map(({ threads, batchSize }) => argsOf(engine, threads, batchSize));
    return { name: engine, kind: "counts", runs };
  });
  // onnxruntime's probabilities are float32's.
  const scored = named
    .filter((engine) => engine !== "onnx")
    .map((engine): Row => {
      const runs = SCORED_THREADS.flatMap((threads) =>
        BATCH_SIZES.filter((size) => size > 1).map((size) => [...argsOf(engine, threads, size), ...SCORES]),
      );
      return { name: `${engine}, probabilities`, kind: "scores", runs };
    });
  return [...counted, ...scored];
}

async function overRedis(node: string, outcomeOf: (row: Row) => Promise<RowOutcome>): Promise<RowOutcome> {
  const folder = await mkdtemp(join(tmpdir(), "batchwise-determinism-"));
  const redis = await RedisProcess.open(folder);
  const workers = [];
  try {
    for (let n = 0; n < QUEUE_WORKERS; n++)
      workers.push(await startWorker(redis.url, folder, `worker-${n}`, node));
    const runs = JOB_IMAGES.flatMap((images) =>
      BATCH_SIZES.filter((size) => size > 1).map((size) => [
        ...["--executor", "bullmq", "--redis", redis.url, "--engine", "simd"],
        ...["--job-images", String(images), "--batch-size", String(size)],
      ]),
    );
    return await outcomeOf({ name: "simd, over Redis", kind: "counts", runs });
  } finally {
    await Promise.all(workers.map(killed));
    await redis.kill();
    await rm(folder, { recursive: true, force: true });
  }
}
