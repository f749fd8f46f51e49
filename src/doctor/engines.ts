/** Each engine evaluates what the package carries, on workers, and is held against the answer that is committed beside it. */
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { ENGINES, type EngineName } from "../contracts/engine.js";
import type { Evaluation } from "../contracts/result.js";
import { openDataset } from "../datasets/registry.js";
import { grouped } from "../errors/define.js";
import { BatchwiseError } from "../errors.js";
import { evaluate } from "../evaluate.js";
import { FIXTURES } from "../package-root.js";
import type { Check } from "./check.js";
import { isInstalled, ONNX_PART } from "./parts.js";

/** NumPy's, computed outside of this program: see fixtures/reference/make.py. */
const EXPECTED = new URL("reference/bundled-summary.json", FIXTURES);
const INTERRUPTIONS: ReadonlySet<number> = new Set([130, 143]);
/** One alone would not show that tasks go to several. */
const THREADS = Math.min(2, availableParallelism());

export interface ExpectedAnswer {
  readonly total: number;
  readonly correct: number;
  readonly confusionMatrixRowsAreLabels: readonly (readonly number[])[];
}

export type EvaluateBundled = () => Promise<Pick<Evaluation, "result" | "timing">>;

/** One engine after the other, so that none disturbs another's time. */
export async function checkEngines(signal: AbortSignal): Promise<Check[]> {
  const expected: ExpectedAnswer = JSON.parse(await readFile(EXPECTED, "utf8"));
  const dataset = await openDataset({ dataset: "bundled", split: "test" });
  const checks: Check[] = [];
  for (const engine of ENGINES) {
    const isAbsent = engine === "onnx" && !isInstalled(ONNX_PART);
    checks.push(
      isAbsent
        ? { name: nameOf(engine), state: "absent", found: `needs ${ONNX_PART.name}, below` }
        : await checkEngine(engine, expected, () =>
            evaluate({ engine, dataset, threads: THREADS, warm: true }, { signal }),
          ),
    );
  }
  return checks;
}

/** Only an interruption is thrown: all else is what was to be found out. */
export async function checkEngine(
  engine: EngineName,
  expected: ExpectedAnswer,
  run: EvaluateBundled,
): Promise<Check> {
  const name = nameOf(engine);
  try {
    const { result, timing } = await run();
    const right = `${grouped(result.correct)} of ${grouped(result.total)} right`;
    // The whole matrix: two faults could cancel each other out in the count.
    if (String(result.confusionMatrix) === String(expected.confusionMatrixRowsAreLabels)) {
      const found = `${right}, as expected, in ${timing.evaluateMs.toFixed(0)} ms on ${THREADS} threads`;
      return { name, state: "ok", found };
    }
    const wanted = `${grouped(expected.correct)} of ${grouped(expected.total)} right`;
    return { name, state: "failed", found: `${right}, expected ${wanted} and the same confusion matrix` };
  } catch (error) {
    if (error instanceof BatchwiseError && INTERRUPTIONS.has(error.exitStatus)) throw error;
    return { name, state: "failed", found: error instanceof Error ? error.message : String(error) };
  }
}

function nameOf(engine: EngineName): string {
  return `Engine ${engine}`;
}
