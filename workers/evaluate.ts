/** The entry of a worker thread: it makes its engine once, from weights in shared memory, and then runs tasks. */
import { workerData } from "node:worker_threads";
import { createEngine } from "../src/engines/registry.js";
import { createTaskRunner } from "../src/executors/task-runner.js";
import type { WorkerSetup } from "../src/executors/worker-setup.js";
import { outputsOf } from "../src/networks/layer-sizes.js";

const { engine, source, assets } = workerData as WorkerSetup;

// The await is needed even by engines that are made at once: a module without one is evaluated by Node's require(esm),
// which piscina tries first, and Node 20.20 aborts the whole process when a thread is ended within that.
export default createTaskRunner(await createEngine(engine, source, assets), outputsOf(source));
