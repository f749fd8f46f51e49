/** Ten evaluations at once in one process, again and again: each answers what it answers alone. */
import { evaluate } from "#src/evaluate/evaluate.js";
import type { EvaluateInput } from "#src/evaluate/options.js";
import type { Part } from "./part.js";

/** As different as evaluations are. */
const INPUTS: readonly EvaluateInput[] = [
  { engine: "simd", threads: 2, warm: true, batchSize: 7 },
  { engine: "simd", threads: 3, warm: true, batchSize: 1001, offset: 333, limit: 5000 },
  { engine: "simd", threads: 0 },
  { engine: "ml-matrix", threads: 2, batchSize: 101 },
  { engine: "ml-matrix", threads: 1, limit: 2000, topK: 3 },
  { engine: "ml-matrix", threads: 2, shard: "2/3" },
  { engine: "ml-matrix", threads: 0, limit: 1000, bootstrap: 50 },
  { engine: "reference", threads: 1, limit: 2000, batchSize: 33 },
  { engine: "reference", threads: 2, offset: 9000, calibration: true },
  { engine: "simd", threads: 1, warm: true, labels: false },
];

export const sideBySide: Part = {
  name: "ten at once",
  unit: "evaluations",
  amount: 100 * INPUTS.length,
  share: 1,
  async run({ amount, signal, isSabotaged, began, done }) {
    const alone: string[] = [];
    for (const input of INPUTS) alone.push(await answerOf(input));
    const problems: string[] = [];
    began();
    for (let count = 0; count < amount && !signal.aborted; count += INPUTS.length) {
      const together = await Promise.all(
        INPUTS.map((input) => answerOf(isSabotaged ? { ...input, offset: 1 } : input)),
      );
      for (const [n, answer] of together.entries()) {
        if (answer === alone[n]) continue;
        problems.push(`${JSON.stringify(INPUTS[n])} answered otherwise beside nine others than alone`);
      }
      done(count + INPUTS.length);
    }
    return problems;
  },
};

async function answerOf(input: EvaluateInput): Promise<string> {
  return JSON.stringify((await evaluate(input)).result);
}
