/** Runs the command line: its function within this process, or the program in a process of its own. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { main } from "#src/cli/main.js";

const { bin } = JSON.parse(readFileSync(new URL("package.json", PACKAGE_ROOT), "utf8"));
/** What a user's shell runs. */
export const CLI = fileURLToPath(new URL(bin.batchwise, PACKAGE_ROOT));
const ROOT = fileURLToPath(PACKAGE_ROOT);

export interface CliResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command at work: a process, or its function in this one. */
export interface Command {
  readonly exitCode: number | null;
  kill(signal: NodeJS.Signals): unknown;
}

export interface CliOptions<Running extends Command = Command> {
  readonly env?: Readonly<Record<string, string>>;
  /**
   * The working directory: a folder whose batchwise.config.json is to count. Without it the command runs in the
   * package, and with --no-config, so that no stray file changes what a test sees.
   */
  readonly cwd?: string;
  /** Called as soon as the command writes to stderr. */
  onStderr?(command: Running, text: string): void;
}

/** What a terminal's user has set, and tests have not; NO_COLOR as in a pipe. */
const PLAIN = { NO_COLOR: "1", FORCE_COLOR: undefined };
let lastRun: Promise<unknown> = Promise.resolve();

/**
 * The command's function, in this process, where the start of a process is not what is tested. One at a time: streams,
 * environment and working directory belong to the process. What pino writes (`--log-level`) is not among stderr.
 */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const run = lastRun.then(() => runHere(isolated(args, options), options));
  lastRun = run.catch(() => {});
  return run;
}

async function runHere(
  args: readonly string[],
  { env = {}, cwd = ROOT, onStderr }: CliOptions,
): Promise<CliResult> {
  let stdout = "";
  let stderr = "";
  const abort = new AbortController();
  const command = { exitCode: null as number | null, kill: (signal: NodeJS.Signals) => abort.abort(signal) };
  const { write } = process.stderr;
  const before = { env: { ...process.env }, cwd: process.cwd() };
  process.chdir(cwd);
  setEnvironment({ ...PLAIN, ...env });
  process.stderr.write = (text: string | Uint8Array) => {
    stderr += text;
    onStderr?.(command, String(text));
    return true;
  };
  try {
    const status = await main(args, abort.signal, (text) => {
      stdout += text;
    });
    command.exitCode = status;
    return { status, stdout, stderr };
  } finally {
    process.stderr.write = write;
    process.chdir(before.cwd);
    for (const name of Object.keys({ ...PLAIN, ...env })) setEnvironment({ [name]: before.env[name] });
  }
}

function setEnvironment(variables: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

/** The program in a process of its own, for what a process alone has: signals, pipes, its start, its log. */
export function spawnCli(
  args: readonly string[],
  options: CliOptions<ChildProcess> = {},
): Promise<CliResult> {
  return runProgram(CLI, isolated(args, options), options);
}

function isolated(args: readonly string[], { cwd }: { readonly cwd?: string }): readonly string[] {
  return cwd === undefined ? ["--no-config", ...args] : args;
}

/** Any program of ours, by the path of its file. */
export function runProgram(
  file: string,
  args: readonly string[],
  { env = {}, cwd = ROOT, onStderr }: CliOptions<ChildProcess> = {},
): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file, ...args], {
      cwd,
      env: { ...process.env, ...PLAIN, ...env },
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

/** Sends the signal once, as soon as the condition holds of a command that has begun to tell what it does. */
export function signalledWhen(signal: NodeJS.Signals, condition: () => Promise<boolean>): CliOptions {
  let isWatching = false;
  return {
    async onStderr(command) {
      if (isWatching) return;
      isWatching = true;
      while (command.exitCode === null && !(await condition())) await sleep(20);
      command.kill(signal);
    },
  };
}

/** Sends the signal once, when an evaluation has told that it begins: a second one would end a process at once. */
export function signalled(signal: NodeJS.Signals): CliOptions {
  return { onStderr: (command, text) => void (text.startsWith("evaluating") && command.kill(signal)) };
}

/** The program as a word of a shell. */
export const PROGRAM = `"${process.execPath}" "${CLI}" --no-config`;

/** A shell command that has ended. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script of bash. */
export function bash(script: string, cwd: string): Ended {
  return spawnSync("bash", ["-c", script], { cwd, encoding: "utf8", timeout: 110_000 });
}

/**
 * Runs the program under strace, which makes system calls fail (`inject` of its manual). Node.js records no coverage there:
 * its own files would change which calls fail.
 */
export function withFaults(inject: string, args: string, cwd: string): Ended {
  const options = `-f -qq -o /dev/null -e trace=${inject.split(":")[0]} -e inject=${inject}`;
  return bash(`unset NODE_V8_COVERAGE; strace ${options} ${PROGRAM} --quiet ${args}`, cwd);
}
