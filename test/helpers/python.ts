/** Python, where this machine has one with the libraries that others write weights with. */
import { execFileSync, spawnSync } from "node:child_process";

/** Distributions put their libraries beside their own interpreter, which need not come first in PATH. */
const INTERPRETERS = ["python3", "/usr/bin/python3"];

/** Finds modules without importing them, which takes seconds of some. */
const FIND = `
import sys
from importlib.util import find_spec
sys.exit(any(find_spec(name) is None for name in sys.argv[1:]))`;

/** The first interpreter that has all of these modules. */
export function pythonWith(...modules: readonly string[]): string | undefined {
  return INTERPRETERS.find((interpreter) => spawnSync(interpreter, ["-c", FIND, ...modules]).status === 0);
}

/** What a script prints, as JSON. */
export function runPython(
  interpreter: string | undefined,
  script: string,
  ...args: readonly string[]
): unknown {
  return JSON.parse(execFileSync(interpreter ?? "python3", ["-c", script, ...args], { encoding: "utf8" }));
}
