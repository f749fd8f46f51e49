/** Checks of what Batchwise runs on. */
import { readFileSync } from "node:fs";
import { versions } from "node:process";
import { reasonOf } from "#src/base/errors.js";
import { cpuText, requiredNode } from "#src/base/version.js";
import type { ColourLevel } from "#src/cli/terminal/colour.js";
import { KERNEL_URL } from "#src/engines/simd/load-kernel.js";
import type { Check } from "./check.js";

export function checkNode(found: string = versions.node, required: string = requiredNode()): Check {
  const [major, minor] = found.split(".").map(Number);
  const [leastMajor, leastMinor] = required.split(".").map(Number);
  const isEnough = major > leastMajor || (major === leastMajor && minor >= leastMinor);
  const row = { name: "Node.js", found: `${found}, needs ${required} or newer` };
  return isEnough ? { ...row, state: "ok" } : { ...row, state: "failed", advice: "install a newer Node.js" };
}

export function checkCpu(): Check {
  return { name: "CPU", state: "ok", found: cpuText() };
}

/** Holds the kernel itself against what this V8 understands: it is made of 128-bit instructions. */
export function checkWebAssembly(read: () => Uint8Array = () => readFileSync(KERNEL_URL)): Check {
  const name = "WebAssembly SIMD";
  try {
    return WebAssembly.validate(read())
      ? { name, state: "ok", found: "available" }
      : { name, state: "failed", found: "the kernel of the engine simd is not understood here" };
  } catch (error) {
    const found = `the kernel of the engine simd cannot be read: ${reasonOf(error)}`;
    return { name, state: "failed", found, advice: "install batchwise again" };
  }
}

const COLOURS: readonly string[] = ["no colour", "16 colours", "256 colours", "all colours"];

export function checkColours(stdout: ColourLevel, stderr: ColourLevel): Check {
  return { name: "Terminal", state: "ok", found: `stdout ${COLOURS[stdout]}, stderr ${COLOURS[stderr]}` };
}
