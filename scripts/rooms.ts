/** The rooms of the code: which file is in which, what each is for, and which imports which. */
import type { ImportGraph, ImportKind } from "./import-graph.js";

/** What every room may import; they are left out of the picture. */
export const LEAVES: ReadonlySet<string> = new Set(["contracts", "errors", "helpers"]);

/** One line a room; `drawImports` asks for a line that is missing or left over. */
export const DUTIES: ReadonlyMap<string, string> = new Map([
  ["entry", "`cli.ts` and `program.ts`: argv to exit status; `index.ts`: the public API"],
  ["commands", "one file a command: its options, and what it does with their values"],
  ["terminal", "colour, progress and spinner on a person's terminal"],
  ["config", "finds and reads `batchwise.config.json`, and puts its values behind the command line's"],
  [
    "evaluation",
    "`evaluate`, `openEvaluator` and their stages: prepare, run batches, merge, summarize, judge by gates",
  ],
  ["bench", "times engines, threads and batch sizes, with proof first"],
  ["check", "a suite of evaluations in one pool"],
  ["diagnose", "which reading of network and images gives the best accuracy on a sample"],
  ["compare", "two networks, or results, over the same images"],
  ["doctor", "what works on this machine"],
  ["datasets", "image sets by name, folder or file, cut into slabs; preprocessing's statistics"],
  ["download", "mirrors, continued transfers, hashes"],
  ["networks", "weights from and to files of every format, whole or an error"],
  ["formats", "containers that data and weights share: ZIP, `.npy`, `.npz`"],
  ["files", "bounded reads, whole writes, bounded inflating"],
  ["pictures", "a picture of one's own to an image as MNIST's are"],
  ["engines", "the forward pass, once an engine; what folds preprocessing into the first layer"],
  ["executors", "who runs tasks: this thread, or a pool of workers"],
  ["journal", "what of a run is done, kept on disk so that a killed run goes on"],
  ["merge", "results of shards into the one that they are parts of"],
  ["queue", "a run spread over many machines by Redis: ranges out, integers back"],
  ["slabs", "shared memory and its views; the plan of batches and tasks; who claims which batch"],
  ["metrics", "integers merged, and all that is computed from them"],
  ["predictions", "a file with one line an image, written and read"],
  ["reports", "a result as text, JSON, CSV, Markdown, JUnit or HTML"],
  ["schemas", "what files of JSON must be; published as JSON Schema"],
  ["workers", "the entry of a worker thread"],
  ["contracts", "types, and the names that they list: what rooms agree on"],
  ["errors", "classes, codes, and the one sentence of each"],
  ["helpers", "options checked, names suggested, versions, paths of the package: what needs no room"],
]);

const ENTRIES: ReadonlySet<string> = new Set(["src/cli.ts", "src/index.ts", "src/program.ts"]);
/** Beside the folder of the same name; messages are made printable by the second. */
const ERRORS: ReadonlySet<string> = new Set(["src/errors.ts", "src/printable.ts"]);

export interface RoomImport {
  readonly from: string;
  readonly to: string;
  /** The strongest: a value goes before an `import()`, and that before a type. */
  readonly kind: ImportKind;
}

const STRONGEST: readonly ImportKind[] = ["value", "lazy", "type"];

export function roomImports(graph: ImportGraph): RoomImport[] {
  const roomOf = roomsOf(graph);
  const kinds = new Map<string, Map<string, ImportKind>>();
  for (const { from: fromFile, to: toFile, kind } of graph.imports) {
    const [from, to] = [roomOf(fromFile), roomOf(toFile)];
    if (from === to) continue;
    const targets = kinds.get(from) ?? new Map<string, ImportKind>();
    const known = targets.get(to) ?? "type";
    targets.set(to, STRONGEST[Math.min(STRONGEST.indexOf(kind), STRONGEST.indexOf(known))]);
    kinds.set(from, targets);
  }
  return [...kinds].flatMap(([from, targets]) => [...targets].map(([to, kind]) => ({ from, to, kind })));
}

/** A file's room is its folder's name; of files beside the folders, see `DUTIES`. */
export function roomsOf(graph: ImportGraph): (file: string) => string {
  const helpers = findHelpers(graph);
  return (file) => {
    const [top, room, ...below] = file.split("/");
    if (top !== "src") return top;
    if (ERRORS.has(file)) return "errors";
    if (below.length > 0) return room;
    if (ENTRIES.has(file)) return "entry";
    return helpers.has(file) ? "helpers" : "evaluation";
  };
}

/** Files beside the folders that import nothing but contracts, errors, and each other. */
function findHelpers({ files, imports }: ImportGraph): ReadonlySet<string> {
  const candidates = files.filter((file) => /^src\/[^/]+$/.test(file) && !ENTRIES.has(file));
  const helpers = new Set(candidates);
  const isLeaf = (file: string) =>
    helpers.has(file) || ERRORS.has(file) || /^src\/(contracts|errors)\//.test(file);
  for (let size = -1; size !== helpers.size; ) {
    size = helpers.size;
    for (const { from, to } of imports) if (!isLeaf(to)) helpers.delete(from);
  }
  return helpers;
}
