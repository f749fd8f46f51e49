/** One evaluation after the other in one process, each with data, network and a pool of its own, opened and closed. */
import { open } from "node:fs/promises";
import { getActiveResourcesInfo } from "node:process";
import { setImmediate as nextTurn } from "node:timers/promises";
import { getHeapStatistics } from "node:v8";
import { evaluate } from "#src/evaluate/evaluate.js";
import type { EvaluateInput } from "#src/evaluate/options.js";
import { footprintOf } from "./footprint.js";
import type { Part } from "./part.js";

/** The engines take turns. */
const INPUTS: readonly EvaluateInput[] = [
  { engine: "simd", threads: 2, warm: true },
  { engine: "ml-matrix", threads: 2, batchSize: 200, limit: 2000 },
];
/** By then code is compiled and what is cached is cached. */
const WARM_UP = 0.1;
/** V8 goes on to compile and to note what it sees; a leaked evaluation of 1,000 would be 20 MB of predictions alone. */
const ALLOWED_HEAP_BYTES = 4e6;

export const manyEvaluations: Part = {
  name: "one after the other",
  unit: "evaluations",
  amount: 1000,
  share: 4,
  async run({ amount, signal, isSabotaged, began, done }) {
    const expected = new Map<EvaluateInput, string>();
    const problems: string[] = [];
    const leaked: unknown[] = [];
    let before: Remains | undefined;
    let count = 0;
    began();
    for (; count < amount && !signal.aborted; count++) {
      const input = INPUTS[count % INPUTS.length]!;
      const { result } = await evaluate(input);
      const answer = JSON.stringify(result);
      const first = expected.get(input) ?? answer;
      expected.set(input, first);
      if (answer !== first) problems.push(`evaluation ${count + 1} answered otherwise than the first`);
      if (before === undefined && count >= WARM_UP * amount) before = await whatRemains();
      if (isSabotaged) leaked.push(await open("/dev/null"), setInterval(() => {}, 1e6).unref());
      done(count + 1);
    }
    if (before === undefined) return [...problems, "the time was over before anything was warm"];
    return [...problems, ...leftBehind(before, await whatRemains())];
  },
};

interface Remains {
  readonly threads: number;
  readonly descriptors: number;
  /** Number of each kind, in one line. */
  readonly resources: string;
  /** After a collection of garbage. */
  readonly heapBytes: number;
}

async function whatRemains(): Promise<Remains> {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error("expected a process with --expose-gc");
  // What was closed is gone a turn later.
  for (let turn = 0; turn < 3; turn++) {
    await nextTurn();
    gc();
  }
  const { threads, descriptors } = footprintOf(process.pid) ?? { threads: 0, descriptors: 0 };
  const { used_heap_size, external_memory } = getHeapStatistics();
  const heapBytes = used_heap_size + external_memory;
  return { threads, descriptors, resources: getActiveResourcesInfo().toSorted().join(" "), heapBytes };
}

function leftBehind(before: Remains, after: Remains): string[] {
  const problems = (["threads", "descriptors", "resources"] as const)
    .filter((what) => after[what] !== before[what])
    .map((what) => `left behind: ${what} ${after[what]} instead of ${before[what]}`);
  const grownBytes = after.heapBytes - before.heapBytes;
  if (grownBytes > ALLOWED_HEAP_BYTES) problems.push(`left behind: ${grownBytes} bytes on the heap`);
  return problems;
}
