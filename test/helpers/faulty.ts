/** Executors whose workers do what a test asks of them. */
import type { OpenExecutor } from "#src/evaluate/evaluate.js";
import { createLocalPool } from "#src/pool/local-pool.js";
import { openExecutor } from "#src/pool/registry.js";
import type { Fault, FaultySetup } from "../workers/faults.js";

const workerFile = (name: string) => new URL(`../workers/${name}.cjs`, import.meta.url);

export interface When {
  /** At most so often, over all workers. */
  readonly times: number;
  readonly onlyBatch?: number | undefined;
  /** Tasks that a worker may hold besides the one that it runs. Default: 0. */
  readonly queued?: number | undefined;
  /** So many workers, the first ones, end while they load. */
  readonly failedLoads?: number | undefined;
  /** With every so-manieth task alone. */
  readonly every?: number | undefined;
}

/** Numbers of tasks that a worker may hold besides the one that it runs. */
export const QUEUED = [0, 1];

export function openFaulty(
  fault: Fault,
  { times, onlyBatch, every, queued, failedLoads }: When,
): OpenExecutor {
  const counter = (value: number) => new Int32Array(new SharedArrayBuffer(4)).fill(value);
  const timesLeft = counter(times);
  const loadsToFail = failedLoads === undefined ? undefined : counter(failedLoads);
  return async ({ threads, timeoutMs, engine }, source) => {
    const setup: FaultySetup = {
      sources: [{ engine, source }],
      fault,
      timesLeft,
      loadsToFail,
      ...(onlyBatch !== undefined && { onlyBatch }),
      ...(every !== undefined && { everyNth: { n: every, tasks: counter(0) } }),
    };
    return createLocalPool({ threads, queued, timeoutMs, setup, workerUrl: workerFile("faulty-entry") });
  };
}

/** Over a worker file that cannot be loaded. */
export function openBroken(name: string): OpenExecutor {
  return (options, source, work) => openExecutor(options, source, work, workerFile(name));
}
