/** Each engine evaluates what the package carries, on workers, and is held against the answer that is committed beside it. */
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { asError } from "#src/base/as-error.js";
import type { Dataset } from "#src/base/contracts/dataset.js";
import { ENGINES, type EngineName } from "#src/base/contracts/engine.js";
import type { Evaluation } from "#src/base/contracts/result.js";
import { grouped } from "#src/base/errors/define.js";
import { BatchwiseError } from "#src/base/errors.js";
import { FIXTURES } from "#src/base/package-root.js";
import { openDataset } from "#src/data/registry.js";
import { evaluate } from "#src/evaluate/evaluate.js";
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

export interface Bundled {
  readonly dataset: Dataset;
  readonly expected: ExpectedAnswer;
}

/** The bundled data, then each engine on them: one after the other, so that none disturbs another's time. */
export async function checkEngines(signal: AbortSignal, read = readBundled): Promise<Check[]> {
  const name = "Bundled data";
  let bundled: Bundled;
  try {
    bundled = await read();
  } catch (error) {
    const found = messageOf(error);
    return [{ name, state: "failed", found, advice: "install batchwise again" }, ...ENGINES.map(unchecked)];
  }
  const { dataset, expected } = bundled;
  const checks: Check[] = [{ name, state: "ok", found: `${grouped(dataset.total)} images` }];
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

async function readBundled(): Promise<Bundled> {
  const dataset = await openDataset({ dataset: "bundled", split: "test" });
  return { dataset, expected: JSON.parse(await readFile(EXPECTED, "utf8")) };
}

function unchecked(engine: EngineName): Check {
  return { name: nameOf(engine), state: "warning", found: "not checked, without the bundled data" };
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
    return { name, state: "failed", found: messageOf(error) };
  }
}

function messageOf(error: unknown): string {
  return asError(error).message;
}

function nameOf(engine: EngineName): string {
  return `Engine ${engine}`;
}
