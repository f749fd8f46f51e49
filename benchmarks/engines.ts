/** Steady state: bytes in memory to classes, everything warm. */
import { evaluate } from "../src/evaluate/evaluate.js";
import { bestOfEach, measure, STEADY, tableOf } from "./harness.js";
import type { Question } from "./question.js";
import { type Contestant, proving } from "./rivals/contestant.js";
import { versionOf } from "./rivals/installed.js";
import { openNumpy } from "./rivals/numpy.js";
import { openOnnxruntime, openOnnxruntimeWeb } from "./rivals/onnxruntime.js";
import { openOurs } from "./rivals/ours.js";
import { openPlainPool } from "./rivals/plain-pool.js";
import { openTfjs } from "./rivals/tfjs.js";
import { EVERY_PASS_PROVEN, loadSubject, type Subject } from "./subject.js";

const THREADS = 2;

export const question: Question = {
  asks: "how long do ten thousand images take once everything is warm?",
  rounds: 15,
  async answer(bench) {
    const subject = await loadSubject(bench);
    bench.note(EVERY_PASS_PROVEN);
    for (const name of ["ml-matrix", "piscina"]) bench.uses(name, versionOf(name));
    const contestants: Contestant[] = [
      await openOurs(subject, { engine: "simd", threads: 1 }),
      await openOurs(subject, { engine: "simd", threads: THREADS }),
      await openOurs(subject, { engine: "ml-matrix", threads: 1 }),
      await openOurs(subject, { engine: "ml-matrix", threads: THREADS }),
      newPoolEachTime(subject, "simd"),
      newPoolEachTime(subject, "ml-matrix"),
      await openPlainPool(subject, THREADS),
      ...(await openOnnxruntime(bench, subject)),
      ...(await openOnnxruntimeWeb(bench, subject, THREADS)),
      ...(await openTfjs(bench, subject)),
      ...(await openNumpy(bench, subject, {
        dtype: "float32",
        threads: THREADS,
        batchSizes: [subject.images],
      })),
    ];
    const families = new Map(contestants.map(({ name, family }) => [name, family]));
    try {
      const rivals = contestants.map((contestant) => proving(contestant, subject.expected));
      const all = await measure(rivals, bench.rounds, STEADY);
      const best = bestOfEach(all, (name) => families.get(name));
      return [
        { title: `${subject.images} images`, table: tableOf(best, subject.images), data: best },
        { title: "Every setting tried", table: tableOf(all, subject.images), data: all },
      ];
    } finally {
      for (const contestant of contestants) await contestant.close();
    }
  },
};

/** What a program sees that calls `evaluate` once: code that V8 has not seen yet, slabs that are filled meanwhile. */
function newPoolEachTime({ input }: Subject, engine: "simd" | "ml-matrix"): Contestant {
  return {
    name: `evaluate({ warm: true }), ${engine}, ${THREADS} new threads`,
    async pass() {
      const { timing, predictions } = await evaluate({ ...input, engine, threads: THREADS, warm: true });
      return { elapsedMs: timing.evaluateMs, predictions };
    },
    close: async () => {},
  };
}
