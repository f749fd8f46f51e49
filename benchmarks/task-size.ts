/** How many batches one message to a worker should carry. */
import { taskPlanFor } from "../src/pool/plan.js";
import { measure, type Rival, STEADY, tableOf } from "./harness.js";
import type { Question } from "./question.js";
import { versionOf } from "./rivals/installed.js";
import { openWarmPool, repeated } from "./rivals/ours.js";
import { provingMerges } from "./rivals/proving-merges.js";
import { EVERY_PASS_PROVEN, loadSubject } from "./subject.js";

const THREADS = 2;
const SIZES = [1, 2, 5, 10, 20, 50, 100];
/** How often the set goes by: once, as a command has it; ten times, where that takes no minute. */
const TIMES = { simd: [1, 10], "ml-matrix": [1] };

export const question: Question = {
  asks: "how many batches of 100 should a task carry?",
  rounds: 7,
  async answer(bench) {
    const subject = await loadSubject(bench);
    bench.note(EVERY_PASS_PROVEN);
    bench.uses("piscina", versionOf("piscina"));
    const sections = [];
    for (const engine of ["simd", "ml-matrix"] as const) {
      const settings = [
        ...SIZES.map((size) => ({ name: `${size}`, taskPlan: { sizeOf: () => size, lanes: 1 } })),
        {
          name: "one for all threads, which claim its batches",
          taskPlan: taskPlanFor("simd", { threads: THREADS }),
        },
      ];
      const pools = await Promise.all(
        settings.map(({ taskPlan }) => openWarmPool(subject.layers, { engine, threads: THREADS, taskPlan })),
      );
      for (const times of TIMES[engine]) {
        const images = subject.images * times;
        const rivals = pools.map(
          (pool, n): Rival => ({
            name: settings[n]!.name,
            run: () =>
              provingMerges(subject.expected, (onMerged) =>
                pool.run(repeated(subject.slabs, times), images, onMerged),
              ),
          }),
        );
        const measured = await measure(rivals, bench.rounds, STEADY);
        sections.push({
          title: `${engine}, ${THREADS} threads, ${images} images: batches a task`,
          table: tableOf(measured, images),
          data: measured,
        });
      }
      for (const pool of pools) await pool.close();
    }
    return sections;
  },
};
