/** What scripts check: imports, realms, the page of errors, differences of results, mutants. */
import { readFile } from "node:fs/promises";
import test from "ava";
import { ERROR_CODES } from "#src/base/errors.js";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { CLI_PAGE, cliPage } from "../../scripts/cli-page.js";
import { differencesOf } from "../../scripts/differences.js";
import { ERRORS_PAGE, errorsPage } from "../../scripts/errors-page.js";
import { findCircle, type ImportGraph, importsOf, readImportGraph } from "../../scripts/import-graph.js";
import { mutantsOf } from "../../scripts/mutants.js";
import { realmFaults, realmFaultsIn } from "../../scripts/realms.js";
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

test("no file asks instanceof of a class that each realm has of its own", async (t) => {
  const { files } = await readImportGraph();
  t.deepEqual(await realmFaultsIn(files), []);
  const rejected = [
    "error instanceof Error",
    "!(rows instanceof Float64Array)",
    "value instanceof one",
    "value instanceof globalThis.Map",
    "Buffer.isBuffer(bytes)",
    "thrown.filter((one) => one instanceof DOMException)",
  ];
  for (const code of rejected) t.is(realmFaults("a.ts", `use(${code});`).length, 1, code);
  t.deepEqual(realmFaults("a.ts", "use(error instanceof RunError, isError(error));"), []);
});

test("docs/errors.md equals what npm run docs:errors writes", async (t) => {
  t.is(await readFile(ERRORS_PAGE, "utf8"), errorsPage());
});

test("docs/cli.md equals what npm run docs:cli writes", async (t) => {
  t.is(await readFile(CLI_PAGE, "utf8"), await cliPage());
});

test("docs/errors.md lists every code once, below its exit status", (t) => {
  const found: [string, number][] = [];
  for (const section of errorsPage().split("\n## ").slice(1)) {
    for (const [, code = ""] of section.matchAll(/^\| `(\w+)` \| \S/gm)) {
      found.push([code, Number.parseInt(section, 10)]);
    }
  }
  const expected = Object.entries(ERROR_CODES).map(([code, { status }]): [string, number] => [code, status]);
  t.deepEqual(found.sort(), expected.sort());
});

test("no message of docs/errors.md shows what an unknown fact became", (t) => {
  t.notRegex(errorsPage(), /Infinity|undefined|\[object|=\\?>|\*\d|\*\*|\uE000|\uE001/);
  t.regex(errorsPage(), /^\| `ERR_FILE_READ` \| \*path\*.*\*reason\*/m);
});

const TOLERANCE = 1e-9;

test("fractions may be apart by the tolerance, and the largest distance is told", (t) => {
  const { lines, largest } = differencesOf(
    { accuracy: 0.5, interval: [0.25, 1] },
    { accuracy: 0.5 + 2 ** -32, interval: [0.25, 1 - 2 ** -40] },
    TOLERANCE,
  );
  t.deepEqual(lines, []);
  t.is(largest, 2 ** -32);
});

test("a fraction further apart is named by its place", (t) => {
  t.deepEqual(
    differencesOf({ scores: { bins: [{ accuracy: 0.5 }] } }, { scores: { bins: [{ accuracy: 0.75 }] } }, 0.1)
      .lines,
    ["scores.bins.0.accuracy: 0.5 and 0.75"],
  );
});

test("a count that differs by one is a difference, whatever the tolerance", (t) => {
  t.deepEqual(differencesOf({ correct: 9947 }, { correct: 9948 }, 10).lines, ["correct: 9947 and 9948"]);
});

test("what is missing, null or of another kind is a difference", (t) => {
  t.deepEqual(differencesOf({ a: 0.5, b: null, c: [1, 2] }, { b: 0.5, c: [1] }, TOLERANCE).lines, [
    "a: 0.5 and undefined",
    "b: null and 0.5",
    "c.1: 2 and undefined",
  ]);
});

test("changes one operator a mutant, and nothing else", (t) => {
  const text =
    "function f(a) {\n  for (let i = 0; i < a; i++) if (!a || i === 2) continue;\n  return true;\n}\n";
  t.deepEqual(
    mutantsOf(text).map(({ line, change }) => `${line}: ${change}`),
    [
      "2: < → <=",
      "2: i++ → i--",
      "2: || → &&",
      "2: !a → a",
      "2: === → !==",
      "2: continue; → ;",
      "3: true → false",
    ],
  );
  t.is(mutantsOf(text)[0]?.text, text.replace("i < a", "i <= a"));
});

test("changes only the functions that are named", (t) => {
  const text = "const f = 1 + 1;\nfunction g() { return 1 - 1; }\nfunction h() { return 1 * 1; }\n";
  t.deepEqual(
    mutantsOf(text, ["g"]).map(({ change }) => change),
    ["- → +"],
  );
});
