/**
 * `faulty`, for piscina, which calls `require` before it tries `import`: Node 20 ends the whole process where a thread is
 * ended while it requires an ECMAScript module.
 */
import threads = require("node:worker_threads");

import type { FaultySetup } from "./faults.js" with { "resolution-mode": "import" };

const { loadsToFail }: FaultySetup = threads.workerData;
if (loadsToFail !== undefined && Atomics.sub(loadsToFail, 0, 1) > 0) process.exit(3);

const loaded = import("./faulty.js").then(({ default: faulty }) => faulty);

export = loaded;
