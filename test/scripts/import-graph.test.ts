/** The import graph as it is read from the code, and the page that it is drawn into. */
import test from "ava";
import { drawImports } from "../../scripts/import-drawing.js";
import { findCircle, type ImportGraph, importsOf } from "../../scripts/import-graph.js";
import { roomImports, roomsOf } from "../../scripts/rooms.js";

function graphOf(...imports: readonly (readonly [from: string, to: string])[]): ImportGraph {
  return {
    files: [...new Set(imports.flat())],
    imports: imports.map(([from, to]) => ({ from, to, kind: "value" as const })),
  };
}

test("docs/architecture.md shows the imports of the code: `npm run docs:imports` draws them", async (t) => {
  const { found, expected } = await drawImports();
  t.is(found, expected);
});

test("tells values, types and import() apart, and leaves out packages", (t) => {
  const text = `
    import { readFile } from "node:fs/promises";
    import type { Slab } from "../slabs/slab.js";
    import { type Tally, createTally } from "./tally.js";
    export type { Batch } from "../contracts/executor.js";
    export { argmax } from "./argmax.js";
    type Lazy = typeof import("./csv.js");
    export const load = async () => import("../reports/json.js");`;
  t.deepEqual(
    importsOf("src/metrics/a.ts", text).map(({ to, kind }) => [to, kind]),
    [
      ["src/slabs/slab.ts", "type"],
      ["src/metrics/tally.ts", "value"],
      ["src/contracts/executor.ts", "type"],
      ["src/metrics/argmax.ts", "value"],
      ["src/metrics/csv.ts", "type"],
      ["src/reports/json.ts", "lazy"],
    ],
  );
});

test("finds a circle, and none in a rhombus", (t) => {
  t.deepEqual(findCircle(graphOf(["a", "b"], ["b", "c"], ["c", "b"])), ["b", "c", "b"]);
  t.is(findCircle(graphOf(["a", "b"], ["a", "c"], ["b", "d"], ["c", "d"])), undefined);
});

test("a circle of types alone is none", (t) => {
  const { files, imports } = graphOf(["a", "b"], ["b", "a"]);
  t.is(findCircle({ files, imports: [imports[0], { ...imports[1], kind: "type" }] }), undefined);
});

test("a file is in its folder's room; beside the folders, what imports a room is no helper", (t) => {
  const graph = graphOf(
    ["src/program.ts", "src/evaluate.ts"],
    ["src/evaluate.ts", "src/options.ts"],
    ["src/options.ts", "src/errors.ts"],
    ["src/evaluate.ts", "src/metrics/deep/tally.ts"],
  );
  t.deepEqual(graph.files.map(roomsOf(graph)), ["entry", "evaluation", "helpers", "errors", "metrics"]);
  t.deepEqual(
    roomImports(graph).map(({ from, to }) => `${from} ${to}`),
    ["entry evaluation", "evaluation helpers", "evaluation metrics", "helpers errors"],
  );
});
