/** What a task costs beside its work: engines that compute nothing, slabs of one pixel an image. */
import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import type { Layer } from "../src/base/contracts/network.js";
import { SILENT } from "../src/base/contracts/run.js";
import { allocateSlab, streamOf } from "../src/base/slab.js";
import { createTally } from "../src/metrics/tally.js";
import { createInlineExecutor } from "../src/pool/inline.js";
import { taskOf } from "../src/pool/plan.js";
import { openExecutor } from "../src/pool/registry.js";
import { runBatches } from "../src/pool/run-batches.js";
import { createTaskRunner } from "../src/pool/task-runner.js";
import { unpackAnswers } from "../src/pool/wire.js";
import { measure, type Rival, tableOf, timed } from "./harness.js";
import type { Question } from "./question.js";
import { versionOf } from "./rivals/installed.js";
import { threadsText } from "./rivals/ours.js";

const TASKS = 5000;
const THREAD_COUNTS = [1, 2];
const NULL_WORKER = new URL("null-worker.js", import.meta.url);
/** No weight of it is ever read. */
const LAYER: Layer = {
  kind: "dense",
  inputs: 1,
  outputs: 1,
  weights: new Float64Array(1),
  biases: new Float64Array(1),
  activation: "identity",
};

export const question: Question = {
  asks: "what does a task cost beside its work?",
  rounds: 9,
  async answer(bench) {
    bench.uses("piscina", versionOf("piscina"));
    bench.note(`${TASKS} tasks of one batch of one image; every one is merged.`);
    const slab = allocateSlab({ firstImage: 0, count: TASKS, inputs: 1 });

    async function pass(executor: Awaited<ReturnType<typeof openExecutor>>): Promise<number> {
      const tally = createTally(1);
      const outcome = await runBatches({
        slabs: streamOf([slab]),
        executor,
        batchSize: 1,
        totalBatches: TASKS,
        taskPlan: { sizeOf: () => 1, lanes: 1 },
        retries: 0,
        networkOf: () => "none",
        tallyOf: () => tally,
        signal: new AbortController().signal,
        log: SILENT,
      });
      if (tally.total !== TASKS) throw new Error("not all tasks were merged", { cause: outcome.failure });
      return outcome.evaluateMs;
    }

    const inline = createInlineExecutor(
      createTaskRunner({ name: "reference", forward() {}, predict: () => 0 }, 1),
      [{ engine: "reference", source: [LAYER] }],
    );
    const pools = await Promise.all(
      THREAD_COUNTS.map((threads) =>
        openExecutor(
          { engine: "reference", threads, timeoutMs: 30_000, warm: true },
          [LAYER],
          { images: TASKS, tasks: threads },
          NULL_WORKER,
        ),
      ),
    );
    for (const pool of pools) await pool.warm();
    const bare = THREAD_COUNTS.map(
      (threads) =>
        new Piscina({ filename: fileURLToPath(NULL_WORKER), minThreads: threads, maxThreads: threads }),
    );
    const rivals: Rival[] = [
      { name: "inline", run: () => pass(inline) },
      ...pools.map((pool, n) => ({
        name: `pool, ${threadsText(THREAD_COUNTS[n]!)}`,
        run: () => pass(pool),
      })),
      ...bare.map((pool, n) => ({
        name: `bare piscina, ${threadsText(THREAD_COUNTS[n]!)}, as many tasks at once`,
        run: () => timed(() => runBare(pool, THREAD_COUNTS[n]!)),
      })),
    ];
    try {
      const measured = await measure(rivals, bench.rounds);
      return [{ title: `${TASKS} tasks`, table: tableOf(measured, TASKS, "a task"), data: measured }];
    } finally {
      for (const pool of [...pools.map((pool) => pool.close()), ...bare.map((pool) => pool.destroy())])
        await pool;
    }
  },
};

/** The same messages without our coordinator; each lane has one under way. */
async function runBare(pool: Piscina, lanes: number): Promise<void> {
  const slab = allocateSlab({ firstImage: 0, count: TASKS, inputs: 1 });
  let next = 0;
  let answered = 0;
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      while (next < TASKS) {
        const id = next++;
        const task = taskOf(slab, { firstId: id, start: id, images: 1, batchSize: 1 });
        const answers = unpackAnswers(await pool.run(task));
        answered += answers.length;
      }
    }),
  );
  if (answered !== TASKS) throw new Error("not all tasks were answered");
}
