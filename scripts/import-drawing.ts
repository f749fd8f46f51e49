/** docs/architecture.md as it should be: which room imports which, drawn from the code between the page's markers. */
import { readFile } from "node:fs/promises";
import { PACKAGE_ROOT } from "../src/package-root.js";
import { findCircle, readImportGraph } from "./import-graph.js";
import { DUTIES, LEAVES, type RoomImport, roomImports, roomsOf } from "./rooms.js";

export const PAGE = new URL("docs/architecture.md", PACKAGE_ROOT);
const BEGIN = "<!-- Drawn from the code by `npm run docs:imports`. -->\n";
const END = "<!-- End of the drawing. -->\n";

/** The page as it stands, and as it should. Throws where files import each other in a circle, or a room has no duty. */
export async function drawImports(): Promise<{ readonly found: string; readonly expected: string }> {
  const graph = await readImportGraph();
  const circle = findCircle(graph);
  if (circle !== undefined) throw new Error(`files import each other: ${circle.join(" → ")}`);
  const rooms = new Set(graph.files.map(roomsOf(graph)));
  assertDuties(rooms);
  const imports = roomImports(graph);
  const drawing = `${mermaid(imports)}\n${table(imports)}\n`;

  const found = await readFile(PAGE, "utf8");
  const [start, end] = [found.indexOf(BEGIN), found.indexOf(END)];
  if (start < 0 || end < start)
    throw new Error(`docs/architecture.md: expected the lines ${BEGIN}and ${END}`);
  return { found, expected: `${found.slice(0, start)}${BEGIN}\n${drawing}${found.slice(end)}` };
}

function assertDuties(rooms: ReadonlySet<string>): void {
  const lacking = [...rooms].filter((room) => !DUTIES.has(room));
  const surplus = [...DUTIES.keys()].filter((room) => !rooms.has(room));
  if (lacking.length + surplus.length === 0) return;
  throw new Error(`DUTIES in scripts/rooms.ts: lacks [${lacking}], has no room for [${surplus}]`);
}

/** Without types and leaves, and without an arrow where a longer way leads to the same room: else all is arrows. */
function mermaid(imports: readonly RoomImport[]): string {
  const drawn = imports.filter(
    ({ from, to, kind }) => kind !== "type" && !LEAVES.has(from) && !LEAVES.has(to),
  );
  const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
    drawn.some((edge) => {
      if (edge.from !== from || seen.has(edge.to)) return false;
      seen.add(edge.to);
      return edge.to === to || reaches(edge.to, to, seen);
    });
  const arrows = drawn
    .filter(
      ({ from, to }) => !drawn.some((edge) => edge.from === from && edge.to !== to && reaches(edge.to, to)),
    )
    .map(({ from, to, kind }) => `  ${from} ${kind === "lazy" ? "-.->" : "-->"} ${to}`);
  return ["```mermaid", "flowchart TD", ...inOrder(arrows), "```", ""].join("\n");
}

function table(imports: readonly RoomImport[]): string {
  const rows = [...DUTIES].map(([room, duty]) => {
    const of = (kind: RoomImport["kind"]) =>
      inOrder(
        imports
          .filter((edge) => edge.from === room && edge.kind === kind && !LEAVES.has(edge.to))
          .map(({ to }) => to),
      ).join(", ");
    return `| ${room} | ${duty} | ${of("value")} | ${of("lazy")} | ${of("type")} |`;
  });
  return [
    "| room | duty | imports | later, by `import()` | types alone |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}

/** By code points, so that it is the same everywhere. */
function inOrder(lines: readonly string[]): string[] {
  return [...lines].sort();
}
