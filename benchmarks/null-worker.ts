/** A worker with an engine that computes nothing: what is left of a task's time is its dispatch. */
import { createTaskRunner } from "../src/pool/task-runner.js";
import { runsSent } from "../src/pool/wire.js";

export default runsSent(createTaskRunner({ name: "reference", forward() {}, predict: () => 0 }, 1));
