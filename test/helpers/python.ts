/** Python, where this machine has one with the libraries that others write weights with. */
import { execFileSync, spawnSync } from "node:child_process";

/** Distributions put their libraries beside their own interpreter, which need not come first in PATH. */
const INTERPRETERS = ["python3", "/usr/bin/python3"];

/** The first interpreter that imports all of these modules. */
export function pythonWith(...modules: readonly string[]): string | undefined {
  return INTERPRETERS.find(
    (interpreter) => spawnSync(interpreter, ["-c", `import ${modules.join(", ")}`]).status === 0,
  );
}

/** What a script prints, as JSON. */
export function runPython(
  interpreter: string | undefined,
  script: string,
  ...args: readonly string[]
): unknown {
  return JSON.parse(execFileSync(interpreter ?? "python3", ["-c", script, ...args], { encoding: "utf8" }));
}
