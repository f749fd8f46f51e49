/** A worker with an engine that computes nothing: what is left of a task's time is its dispatch. */
import { createTaskRunner } from "../src/executors/task-runner.js";

export default createTaskRunner({ name: "reference", forward() {}, predict: () => 0 }, 1);
