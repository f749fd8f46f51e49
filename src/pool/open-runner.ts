/** A task runner for several networks: the engine of each is made when it is first asked for, the first one's at once. */
import { createEngine } from "#src/engines/registry.js";
import { outputsOf } from "#src/networks/layer-sizes.js";
import { createTaskRunner, type TaskRunner } from "./task-runner.js";
import type { EngineSetup } from "./worker-setup.js";

/** @throws all that `createEngine` throws of the first; of the others it is a task that fails. */
export async function openTaskRunner(sources: readonly EngineSetup[]): Promise<TaskRunner> {
  const runners: Promise<TaskRunner>[] = [];
  const runnerOf = (source: number): Promise<TaskRunner> => {
    runners[source] ??= openOne(sources[source]);
    return runners[source];
  };
  const first = await runnerOf(0);
  return async (task) => (task.source === 0 ? first(task) : (await runnerOf(task.source))(task));
}

async function openOne({ engine, source, assets }: EngineSetup): Promise<TaskRunner> {
  return createTaskRunner(await createEngine(engine, source, assets), outputsOf(source));
}
