/**
 * `npm run soak -- [--minutes N] [--part NAME]... [--amount N] [--plot FILE.svg] [--json FILE]`: one run of 50 million
 * images, 20,000 batches of which every twentieth crashes, ten evaluations at once, 1,000 one after the other; of more
 * than ten minutes in proportion more, of fewer what there is time for. Prints a table, and ends with status 1 where
 * something was wrong: an answer, something left behind, or more memory (`--allowed-growth MB`), threads or file
 * descriptors in the last quarter of a part than in its second. Linux alone tells of itself what is sampled.
 */
import { writeFile } from "node:fs/promises";
import { stderr, stdout } from "node:process";
import { parseArgs } from "node:util";
import { memoryPlot } from "./soak/memory-plot.js";
import { FULL_MINUTES } from "./soak/part.js";
import { PARTS } from "./soak/parts.js";
import { type PartReport, watchPart } from "./soak/supervise.js";
import { soakText } from "./soak/table.js";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: String(FULL_MINUTES) },
    part: { type: "string", multiple: true },
    /** Of each part instead of its own. */
    amount: { type: "string" },
    "allowed-growth": { type: "string", default: "16" },
    "allowed-handles": { type: "string", default: "4" },
    "sample-ms": { type: "string", default: "250" },
    /** Each part does one thing wrong, which the table must tell. */
    sabotage: { type: "boolean", default: false },
    plot: { type: "string" },
    json: { type: "string" },
  },
});
const names = PARTS.map(({ name }) => name);
const unknown = values.part?.filter((name) => !names.includes(name)) ?? [];
const minutes = Number(values.minutes);
if (unknown.length > 0 || !(minutes > 0)) {
  throw new Error(`expected --part of ${names.map((name) => `"${name}"`).join(", ")}, and --minutes`);
}

const endsAt = performance.now() + 60_000 * minutes;
const waiting = PARTS.filter(({ name }) => values.part?.includes(name) ?? true);
const reports: PartReport[] = [];
for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
  const shares = waiting.reduce((sum, { share }) => sum + share, part.share);
  stderr.write(`${part.name} …\n`);
  const leftSeconds = Math.max(1, (endsAt - performance.now()) / 1000);
  const watched = watchPart(part, {
    amount: values.amount === undefined ? amountFor(part.amount) : Number(values.amount),
    // What a part did not need the next ones have.
    seconds: (leftSeconds * part.share) / shares,
    isSabotaged: values.sabotage,
    sampleEveryMs: Number(values["sample-ms"]),
    allowed: { rssMb: Number(values["allowed-growth"]), handles: Number(values["allowed-handles"]) },
  });
  reports.push(await watched);
}
stdout.write(soakText(reports));
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(reports)}\n`);
if (values.plot !== undefined) await writeFile(values.plot, memoryPlot(reports));
process.exitCode = reports.some(({ problems }) => problems.length > 0) ? 1 : 0;

function amountFor(full: number): number {
  return Math.round(full * Math.max(1, minutes / FULL_MINUTES));
}
