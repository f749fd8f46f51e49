/** Gives each malformed file, and each bomb, to the command line or the reader that it is for: what does a user see? */
import { fork } from "node:child_process";
import { copyFile, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FIXTURES } from "#src/base/package.js";
import { encodeSafetensors } from "#src/networks/write-safetensors.js";
import { BOMBS } from "./bombs.js";
import { SIX_PIXELS } from "./named-child.js";
import { randomNetwork } from "./random.js";

export interface NamedOutcome {
  /** Exit status. */
  readonly status: number;
  /** Everything that was printed: one line. */
  readonly said: string;
  /** Processor time of all threads in milliseconds; the code was loaded before. */
  readonly cpuMs: number;
  /** How far the process's memory grew at its peak; 0 where the system does not tell. */
  readonly growthBytes: number;
}

export interface NamedRow extends NamedOutcome {
  readonly name: string;
  readonly bytes: number;
}

const FOLDER = new URL("malformed/", FIXTURES);
const CHILD = fileURLToPath(new URL("named-child.js", import.meta.url));

/** All files, and `more`, in one process, one after the other, so that none is measured beside another. */
export async function namedFiles(
  more: Readonly<Record<string, { make(): Uint8Array }>> = {},
): Promise<readonly NamedRow[]> {
  const folder = await mkdtemp(join(tmpdir(), "batchwise-named-"));
  try {
    const kept = (await readdir(FOLDER)).filter((name) => name !== "make.ts" && name !== "README.md");
    for (const name of kept) await copyFile(new URL(name, FOLDER), join(folder, name));
    await writeFile(join(folder, SIX_PIXELS), encodeSafetensors(randomNetwork([6, 2])));
    const made = Object.entries({ ...BOMBS, ...more });
    for (const [name, { make }] of made) await writeFile(join(folder, name), make());
    const names = [...kept.sort(), ...made.map(([name]) => name)];
    const outcomes = await runChild(folder, names);
    return await Promise.all(
      names.map(async (name, n) => ({ name, bytes: (await stat(join(folder, name))).size, ...outcomes[n]! })),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function runChild(cwd: string, names: readonly string[]): Promise<readonly NamedOutcome[]> {
  return new Promise((resolve, reject) => {
    const outcomes: NamedOutcome[] = [];
    const child = fork(CHILD, names, {
      cwd,
      execArgv: ["--expose-gc"],
      // Records of coverage would count as memory of the readers.
      env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined, NODE_V8_COVERAGE: undefined },
    });
    child.on("message", (outcome: NamedOutcome) => outcomes.push(outcome));
    child.once("error", reject);
    child.once("close", (status) => {
      if (status === 0 && outcomes.length === names.length) resolve(outcomes);
      else reject(new Error(`ended with ${status} at ${names[outcomes.length]}`));
    });
  });
}
