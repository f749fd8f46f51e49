/** The values that scikit-learn, NumPy and SciPy give, where this machine has them. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { ExecutionContext } from "ava";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { pythonWith } from "./python.js";
import { needs } from "./require.js";

const SCRIPT = fileURLToPath(new URL("test/metrics/scikit.py", PACKAGE_ROOT));

const interpreter = pythonWith("sklearn", "scipy", "numpy");

/** AVA's `test` where scikit-learn is. */
export const withScikit = needs("scikit-learn", interpreter !== undefined);

/** What the script's `question` answers of each case, in order: one start of Python for all. */
export function askScikit<Answer>(question: string, cases: readonly unknown[]): readonly Answer[] {
  return JSON.parse(
    execFileSync(interpreter ?? "python3", [SCRIPT], {
      input: JSON.stringify({ question, cases }),
      encoding: "utf8",
      maxBuffer: 2 ** 26,
    }),
  );
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
