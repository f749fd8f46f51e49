/** Fails where a room imports a room above it, where files import each other in a circle, or where a check fails between realms. */
import { readImportGraph } from "./import-graph.js";
import { realmFaultsIn } from "./realms.js";
import { importFaults } from "./rooms.js";

const graph = await readImportGraph();
const faults = [...importFaults(graph), ...(await realmFaultsIn(graph.files))];
for (const fault of faults) process.stderr.write(`${fault}\n`);
if (faults.length > 0) process.exitCode = 1;
