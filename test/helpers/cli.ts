/** Runs the command line in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { PACKAGE_ROOT } from "#src/base/package-root.js";

const { bin } = JSON.parse(readFileSync(new URL("package.json", PACKAGE_ROOT), "utf8"));
/** What a user's shell runs. */
export const CLI = fileURLToPath(new URL(bin.batchwise, PACKAGE_ROOT));

export interface CliResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  /**
   * The working directory: a folder whose batchwise.config.json is to count. Without it the command runs in the
   * package, and with --no-config, so that no stray file changes what a test sees.
   */
  readonly cwd?: string;
  /** Called as soon as the process writes to stderr. */
  onStderr?(child: ChildProcess, text: string): void;
}

export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const isolated = options.cwd === undefined ? ["--no-config"] : [];
  return runProgram(CLI, [...isolated, ...args], options);
}

/** Any program of ours, by the path of its file. */
export function runProgram(
  file: string,
  args: readonly string[],
  { env = {}, cwd, onStderr }: CliOptions = {},
): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file, ...args], {
      cwd: cwd ?? fileURLToPath(PACKAGE_ROOT),
      env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined, ...env },
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
    });
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
      onStderr?.(child, String(chunk));
    });
    child.once("error", reject);
    child.once("close", (status) => resolve({ status, stdout, stderr }));
  });
}

/** Sends the signal once, as soon as the condition holds of a process that has begun to tell what it does. */
export function signalledWhen(signal: NodeJS.Signals, condition: () => Promise<boolean>): CliOptions {
  let isWatching = false;
  return {
    async onStderr(child) {
      if (isWatching) return;
      isWatching = true;
      while (child.exitCode === null && !(await condition())) await sleep(20);
      child.kill(signal);
    },
  };
}

/** Sends the signal once, when an evaluation has told that it begins: a second one would end the process at once. */
export function signalled(signal: NodeJS.Signals): CliOptions {
  return { onStderr: (child, text) => void (text.startsWith("evaluating") && child.kill(signal)) };
}
