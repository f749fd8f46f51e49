/** The rooms of the code in their order, and the rule: a room imports only rooms below it, types included. */
import { atLeast } from "#src/base/errors.js";
import { type FileImport, findCircle, type ImportGraph } from "./import-graph.js";

/** Each room with its duty, from the ground up. This list is the only place where the order is written. */
export const ROOMS: ReadonlyMap<string, string> = new Map([
  ["base", "what everyone shares: contracts, errors and their codes, numbers, text, memory"],
  [
    "files",
    "bytes from and to disk and network, bounded and checked; `formats/` holds containers of data and weights alike",
  ],
  ["data", "image sets, opened by name, file or folder; handed out as slabs in shared memory"],
  ["networks", "model files of every format, to one description of a network and back"],
  ["engines", "the forward pass, once per engine"],
  ["metrics", "merged integers, and every statistic computed from them"],
  ["pool", "slabs cut into batches and tasks, handed to threads, checked, merged, run again"],
  ["workers", "the entry of a worker thread"],
  ["evaluate", "one evaluation from options to result, and what is made of several of them"],
  ["reports", "a result as text, JSON, CSV, Markdown, JUnit or HTML"],
  ["page", "the browser program of the HTML report, bundled by itself"],
  ["redis", "the same run over many machines"],
  ["cli", "what a person types and sees: commands, config file, terminal, exit status"],
  ["index", "`src/index.ts`, the public API"],
]);

/** Returns the room of a file: `src/base/text.ts` is in `base`, `src/index.ts` in `index`. */
export function roomOf(path: string): string {
  const [top, room] = atLeast(path.split("/"), 2);
  const name = top === "src" ? room.replace(/\.ts$/, "") : top;
  if (!ROOMS.has(name)) throw new Error(`${path}: expected one of the rooms ${[...ROOMS.keys()].join(", ")}`);
  return name;
}

/** Returns the imports that lead to a room above. */
export function upwardImports({ imports }: ImportGraph): FileImport[] {
  const order = [...ROOMS.keys()];
  return imports.filter(({ from, to }) => order.indexOf(roomOf(to)) > order.indexOf(roomOf(from)));
}

/** Returns one line per fault: each upward import, then the first circle. */
export function importFaults(graph: ImportGraph): string[] {
  const faults = upwardImports(graph).map(
    ({ from, to }) => `${from}: imports ${to}, but ${roomOf(to)} is above ${roomOf(from)}`,
  );
  const circle = findCircle(graph);
  return circle === undefined ? faults : [...faults, `files import each other: ${circle.join(" → ")}`];
}
