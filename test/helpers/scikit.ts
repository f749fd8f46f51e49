/** The values that scikit-learn, NumPy and SciPy give, where this machine has them. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import test, { type ExecutionContext } from "ava";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { pythonWith } from "./python.js";
import { needs } from "./require.js";

const SCRIPT = fileURLToPath(new URL("test/metrics/scikit.py", PACKAGE_ROOT));

const interpreter = pythonWith("sklearn", "scipy", "numpy");

/** AVA's `test` where scikit-learn is. */
export const withScikit = needs("scikit-learn", interpreter !== undefined);

/** One process for all questions of a test file: importing the libraries takes longer than any answer. */
let asking: { readonly input: Writable; readonly lines: AsyncIterator<string> } | undefined;
let lastAnswer: Promise<unknown> = Promise.resolve();
test.after.always(() => void asking?.input.end());

/** What the script's `question` answers for each case, in order. */
export function askScikit<Answer>(question: string, cases: readonly unknown[]): Promise<readonly Answer[]> {
  const answer = lastAnswer.then(async () => {
    asking ??= startScikit();
    asking.input.write(`${JSON.stringify({ question, cases })}\n`);
    const { done, value } = await asking.lines.next();
    if (done) throw new Error(`${SCRIPT}: no answer to "${question}"`);
    return JSON.parse(value);
  });
  lastAnswer = answer.catch(() => {});
  return answer;
}

function startScikit(): NonNullable<typeof asking> {
  const child = spawn(interpreter ?? "python3", [SCRIPT], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { input: child.stdin, lines };
}

export interface ScikitConfusion {
  readonly precision: readonly number[];
  readonly recall: readonly number[];
  readonly f1: readonly number[];
  readonly support: readonly number[];
  readonly averages: Record<"macro" | "micro" | "weighted", readonly number[]>;
  readonly balancedAccuracy: number;
  readonly cohensKappa: number | null;
  readonly matthewsCorrelation: number;
}

export interface ScikitScores {
  readonly logLoss: number;
  readonly brierScore: number;
  readonly expectedCalibrationError: number;
  readonly reliability: readonly (readonly [
    total: number,
    accuracy: number | null,
    confidence: number | null,
  ])[];
  readonly topK: number;
}

export const TOLERANCE = 1e-9;

/** Equal to 1e-9, or both null. */
export function isNear(
  t: ExecutionContext,
  found: number | null,
  expected: number | null,
  what: string,
): void {
  const near =
    found === null || expected === null ? found === expected : Math.abs(found - expected) <= TOLERANCE;
  t.true(near, `${what}: found ${found}, expected ${expected}`);
}
