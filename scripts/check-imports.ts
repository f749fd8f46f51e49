/** Fails where a room imports a room above it, or where files import each other in a circle. */
import { readImportGraph } from "./import-graph.js";
import { importFaults } from "./rooms.js";

const faults = importFaults(await readImportGraph());
for (const fault of faults) process.stderr.write(`${fault}\n`);
if (faults.length > 0) process.exitCode = 1;
