/** The values that scikit-learn, NumPy and SciPy give, where this machine has them. */
import { spawn } from "node:child_process";
import { Socket } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { ExecutionContext } from "ava";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { pythonWith } from "./python.js";
import { needs } from "./require.js";

const SCRIPT = fileURLToPath(new URL("test/metrics/scikit.py", PACKAGE_ROOT));

const interpreter = pythonWith("sklearn", "scipy", "numpy");

/** AVA's `test` where scikit-learn is. */
export const withScikit = needs("scikit-learn", interpreter !== undefined);

interface Asking {
  readonly input: Socket;
  readonly output: Socket;
  readonly lines: AsyncIterator<string>;
}

/** One process for all questions of a test file: importing the libraries takes longer than any answer. */
let asking: Asking | undefined;
let lastAnswer: Promise<unknown> = Promise.resolve();

/** What the script's `question` answers for each case, in order. */
export function askScikit<Answer>(question: string, cases: readonly unknown[]): Promise<readonly Answer[]> {
  const answer = lastAnswer.then(() => ask(question, cases));
  lastAnswer = answer.catch(() => {});
  return answer;
}

async function ask(question: string, cases: readonly unknown[]) {
  asking ??= startScikit();
  const { input, output, lines } = asking;
  output.ref();
  input.write(`${JSON.stringify({ question, cases })}\n`);
  const { done, value } = await lines.next();
  // Between two questions it holds no process; where this one ends, so does its input, and with it the script.
  output.unref();
  if (done) throw new Error(`${SCRIPT}: no answer to "${question}"`);
  return JSON.parse(value);
}

function startScikit(): Asking {
  const child = spawn(interpreter ?? "python3", [SCRIPT], { stdio: ["pipe", "pipe", "inherit"] });
  child.unref();
  const [input, output] = [child.stdin, child.stdout];
  if (!(input instanceof Socket && output instanceof Socket)) throw new TypeError("expected pipes");
  input.unref();
  return { input, output, lines: createInterface({ input: output })[Symbol.asyncIterator]() };
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
