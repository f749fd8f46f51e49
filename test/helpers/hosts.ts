/** Host processes and coordinators of tests. */
import { type ChildProcess, spawn } from "node:child_process";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import type { AnyEvaluation } from "#src/base/contracts/result.js";
import { SILENT } from "#src/base/contracts/run.js";
import { FIXTURES } from "#src/base/package.js";
import { evaluate, evaluateListened } from "#src/evaluate/evaluate.js";
import type { Progress } from "#src/evaluate/listeners.js";
import type { EvaluateInput } from "#src/evaluate/options.js";
import type { RunnerTable } from "#src/evaluate/runner.js";
import { openLink } from "#src/redis/link.js";
import { openRedisRunner, type QueueOptions } from "#src/redis/runner.js";
import { type Teardown, temporaryFolder } from "./temporary.js";

const PROGRAM = fileURLToPath(new URL("host-program.js", import.meta.url));

export interface HostFaults {
  readonly delayMs?: number;
  readonly poisonImage?: number;
  readonly secret?: string;
}

/** A host process, ended with the test. */
export function startHost(
  t: Teardown,
  url: string,
  { delayMs = 0, poisonImage = -1, secret = "" }: HostFaults = {},
): ChildProcess {
  const child = spawn(process.execPath, [PROGRAM, url, String(delayMs), String(poisonImage)], {
    env: { ...process.env, BATCHWISE_SECRET: secret },
    stdio: ["ignore", "ignore", "ignore"],
  });
  t.teardown(() => endProcess(child));
  return child;
}

/** Also one that is stopped. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}

/** Runs the coordinator in this process; throws the failure of a partial evaluation. */
export async function coordinateHere(
  url: string,
  input: EvaluateInput,
  options: Partial<QueueOptions> = {},
  { onProgress, signal }: { onProgress?(progress: Progress): void; readonly signal?: AbortSignal } = {},
): Promise<AnyEvaluation> {
  const runners: RunnerTable = new Map([
    [
      "bullmq",
      async (given) =>
        openRedisRunner(
          await openLink(url, SILENT),
          given,
          { patienceMs: 60_000, ...options },
          signal ?? new AbortController().signal,
        ),
    ],
  ]);
  const { evaluation, failure } = await evaluateListened(
    runners,
    { ...input, executor: "bullmq" },
    onProgress === undefined ? [] : [{ progress: onProgress }],
    signal === undefined ? {} : { signal },
  );
  if (failure !== undefined) throw failure;
  return evaluation;
}

/** Resolves when so many images are done. */
export function whenDone(images: number): {
  readonly reached: Promise<void>;
  onProgress(progress: Progress): void;
} {
  let reach = () => {};
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  return { reached, onProgress: ({ doneImages }) => void (doneImages >= images && reach()) };
}

const locals = new Map<string, Promise<AnyEvaluation>>();

/** What one process answers. */
export async function localResult(input: EvaluateInput): Promise<AnyEvaluation["result"]> {
  const key = JSON.stringify(input);
  const known = locals.get(key) ?? evaluate({ ...input, threads: 0 });
  locals.set(key, known);
  return (await known).result;
}

export { sleep };

/** The bundled set as two files in a folder of its own, the images plain. */
export async function digitsIn(t: Teardown) {
  const folder = await temporaryFolder(t);
  const images = join(folder, "images");
  const labels = join(folder, "labels.gz");
  await writeFile(images, gunzipSync(await readFile(new URL("digits-images-idx3-ubyte.gz", FIXTURES))));
  await copyFile(new URL("digits-labels-idx1-ubyte.gz", FIXTURES), labels);
  return { folder, images, labels };
}
