/** The import graph as it is read from the code, and the rule that a room imports only rooms below it. */
import { readFile } from "node:fs/promises";
import test from "ava";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { findCircle, type ImportGraph, importsOf, readImportGraph } from "../../scripts/import-graph.js";
import { importFaults, ROOMS, roomOf } from "../../scripts/rooms.js";

function graphOf(...imports: readonly (readonly [from: string, to: string])[]): ImportGraph {
  return {
    files: [...new Set(imports.flat())],
    imports: imports.map(([from, to]) => ({ from, to, kind: "type" as const })),
  };
}

test("no room imports a room above it, and no files import each other", async (t) => {
  const graph = await readImportGraph();
  t.deepEqual(importFaults(graph), []);
  t.true(graph.imports.length > 500);
  t.deepEqual(
    [...ROOMS.keys()].filter((room) => !graph.files.some((file) => roomOf(file) === room)),
    [],
  );
});

test("docs/architecture.md lists the rooms in their order, each with its duty", async (t) => {
  const page = await readFile(new URL("docs/architecture.md", PACKAGE_ROOT), "utf8");
  const rows = [...ROOMS].map(([room, duty]) => `| ${room} | ${duty} |\n`);
  t.true(page.includes(rows.join("")), `expected these rows:\n${rows.join("")}`);
});

test("distinguishes values, types and import(), and leaves out packages", (t) => {
  const text = `
    import { readFile } from "node:fs/promises";
    import type { Slab } from "#src/base/slab.js";
    import { type Tally, createTally } from "./tally.js";
    export type { Batch } from "../base/contracts/executor.js";
    export { argmax } from "./argmax.js";
    type Lazy = typeof import("./csv.js");
    export const load = async () => import("#src/reports/json.js");`;
  t.deepEqual(
    importsOf("src/metrics/a.ts", text).map(({ to, kind }) => [to, kind]),
    [
      ["src/base/slab.ts", "type"],
      ["src/metrics/tally.ts", "value"],
      ["src/base/contracts/executor.ts", "type"],
      ["src/metrics/argmax.ts", "value"],
      ["src/metrics/csv.ts", "type"],
      ["src/reports/json.ts", "lazy"],
    ],
  );
});

test("finds a circle, of types too, and none in a rhombus", (t) => {
  t.deepEqual(findCircle(graphOf(["a", "b"], ["b", "c"], ["c", "b"])), ["b", "c", "b"]);
  t.is(findCircle(graphOf(["a", "b"], ["a", "c"], ["b", "d"], ["c", "d"])), undefined);
});

test("an import of a room above is a fault, whatever its kind; one of a room below is none", (t) => {
  const down: [string, string] = ["src/cli/a.ts", "src/base/b.ts"];
  const up: [string, string] = ["src/data/a.ts", "src/evaluate/b.ts"];
  t.deepEqual(importFaults(graphOf(down)), []);
  t.deepEqual(importFaults(graphOf(down, up)), [
    "src/data/a.ts: imports src/evaluate/b.ts, but evaluate is above data",
  ]);
  t.throws(() => roomOf("src/attic/a.ts"), {
    message: /^src\/attic\/a\.ts: expected one of the rooms base, /,
  });
});
