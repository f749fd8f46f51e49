/** What a second thread gives, on a run long enough for its start and its end not to count. */

import { availableParallelism } from "node:os";
import { atLeast } from "#src/base/errors.js";
import type { Slab } from "../src/base/slab.js";
import { allocateSlab } from "../src/base/slab.js";
import { type Measured, measure, type Rival, tableOf } from "./harness.js";
import type { Question } from "./question.js";
import { versionOf } from "./rivals/installed.js";
import { openWarmPool, repeated, threadsText } from "./rivals/ours.js";
import { provingMerges } from "./rivals/proving-merges.js";
import { EVERY_PASS_PROVEN, loadSubject, MNIST, type Subject } from "./subject.js";

const IMAGES = 600_000;
/** Copies of a small set, so that its slabs together are larger than a core's share of the last cache. */
const COPIES = 6;
const MOST_THREADS = 8;

export const question: Question = {
  asks: "what does another thread give, over 600,000 images?",
  rounds: 3,
  async answer(bench) {
    const subject = await loadSubject(bench, "train");
    bench.note(EVERY_PASS_PROVEN);
    bench.uses("piscina", versionOf("piscina"));
    const slabs = MNIST === undefined ? copiesOf(subject.slabs) : subject.slabs;
    const times = IMAGES / slabs.reduce((sum, { count }) => sum + count, 0);
    bench.note(`The images go by ${times} times.`);
    const most = Math.min(MOST_THREADS, Math.max(2, availableParallelism()));
    const threadCounts = Array.from({ length: most }, (_, n) => n + 1);
    const sections = [];
    for (const engine of ["simd", "ml-matrix"] as const) {
      const pools = await Promise.all(
        threadCounts.map((threads) => openWarmPool(subject.layers, { engine, threads })),
      );
      const rivals = pools.map(
        (pool, n): Rival => ({
          name: `${engine}, ${threadsText(threadCounts[n]!)}`,
          run: () =>
            provingMerges(subject.expected, (onMerged) => pool.run(repeated(slabs, times), IMAGES, onMerged)),
        }),
      );
      const measured = await measure(rivals, bench.rounds, { rounds: 1, settleMs: 0 });
      for (const pool of pools) await pool.close();
      sections.push({
        title: `${engine}: ${speedups(measured)}`,
        table: tableOf(measured, IMAGES),
        data: measured,
      });
    }
    return sections;
  },
};

function speedups(measured: readonly Measured[]): string {
  const [one, ...more] = atLeast(measured, 1);
  const ratios = more.map(
    ({ medianMs }, n) => `${(one.medianMs / medianMs).toFixed(2)} times as fast on ${n + 2}`,
  );
  return ratios.join(", ");
}

function copiesOf(slabs: Subject["slabs"]): Slab[] {
  return Array.from({ length: COPIES }, () =>
    slabs.map((slab) => {
      const copy = allocateSlab(slab);
      copy.pixels.set(slab.pixels);
      copy.labels.set(slab.labels);
      return copy;
    }),
  ).flat();
}
