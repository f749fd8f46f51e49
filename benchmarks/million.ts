/** A run that no cache holds: a million images in a ring of slabs, and what memory that takes. */
import { fileURLToPath } from "node:url";
import { bestOfEach, type Measured, markdownTable, measure, type Rival, STEADY } from "./harness.js";
import type { MillionAnswer, MillionRequest } from "./million-child.js";
import type { Question } from "./question.js";
import { versionOf } from "./rivals/installed.js";
import { type LineProcess, openLineProcess } from "./rivals/line-process.js";
import { EVERY_PASS_PROVEN, loadSubject } from "./subject.js";

const TIMES = 100;
const BATCH_SIZES = [100, 1000, 10_000];
const CHILD = fileURLToPath(new URL("million-child.js", import.meta.url));
const KIB_PER_MB = 1e6 / 1024;

interface Side {
  readonly family: string;
  readonly process: LineProcess;
  /** 0 where there are none. */
  readonly batchSizes: readonly number[];
  peakRssKib: number;
}

export const question: Question = {
  asks: "do a million images cost what ten thousand do, each, and how much memory?",
  rounds: 3,
  async answer(bench) {
    const { images } = await loadSubject(bench);
    bench.note(
      `${EVERY_PASS_PROVEN} They go by in ${TIMES} seeded orders, in eight slabs that are filled again within the time.`,
    );
    const side = (family: string, argument: string, batchSizes: readonly number[]): Side => ({
      family,
      process: openLineProcess(process.execPath, [CHILD, argument, String(TIMES)]),
      batchSizes,
      peakRssKib: 0,
    });
    const sides = [
      side("filling the slabs alone", "filling", [0]),
      side("ours, simd, 2 threads", "ours", [100]),
    ];
    try {
      bench.uses("onnxruntime-node", versionOf("onnxruntime-node"));
      sides.push(side("onnxruntime-node, 2 threads", "theirs", BATCH_SIZES));
    } catch {
      bench.skip("onnxruntime-node", "not installed: npm ci --prefix benchmarks");
    }
    try {
      const few = await measure(
        sides.flatMap((one) => rivalsOf(one, 1)),
        bench.rounds * 3,
        STEADY,
      );
      const many = await measure(
        sides.flatMap((one) => rivalsOf(one, TIMES)),
        bench.rounds,
        { rounds: 1, settleMs: 0 },
      );
      const familyOf = (name: string) => sides.find(({ family }) => name.startsWith(family))?.family;
      const best = bestOfEach(many, familyOf);
      const rows = best.map(({ name, medianMs, fastestMs, slowestMs }, n) => [
        name,
        medianMs.toFixed(0),
        `${fastestMs.toFixed(0)} to ${slowestMs.toFixed(0)}`,
        ((1000 * medianMs) / (images * TIMES)).toFixed(2),
        leastMicroseconds(few, sides[n]!.family, images).toFixed(2),
        (sides[n]!.peakRssKib / KIB_PER_MB).toFixed(0),
      ]);
      const columns = [
        "",
        "median ms",
        "fastest to slowest",
        "µs an image",
        `µs an image, ${images} images`,
        "peak RSS, MB",
      ];
      const peaks = sides.map(({ family, peakRssKib }) => ({ family, peakRssKib }));
      return [
        {
          title: `${images * TIMES} images`,
          table: markdownTable(columns, rows),
          data: { many, few, peaks },
        },
      ];
    } finally {
      for (const one of sides) await one.process.close();
    }
  },
};

function rivalsOf(side: Side, times: number): Rival[] {
  return side.batchSizes.map((batchSize) => ({
    name: batchSize === 0 ? side.family : `${side.family}, batch ${batchSize}`,
    async run() {
      const request: MillionRequest = { times, batchSize };
      const { elapsedMs, peakRssKib } = (await side.process.ask(request)) as MillionAnswer;
      side.peakRssKib = peakRssKib;
      return elapsedMs;
    },
  }));
}

function leastMicroseconds(measured: readonly Measured[], family: string, images: number): number {
  const own = measured.filter(({ name }) => name.startsWith(family));
  return (1000 * Math.min(...own.map(({ medianMs }) => medianMs))) / images;
}
