/**
 * `npm run simd-range -- [--networks N] [--seed N]`: holds `simd` against `reference` over the whole range of weights, and
 * prints the counts as JSON. Exit status 1 where they differ. With another Node: `/path/to/node dist/scripts/simd-range.js`.
 */
import { stderr, stdout } from "node:process";
import { parseArgs } from "node:util";
import { loadKernel } from "#src/engines/simd/engine.js";
import { compareOverRange } from "./extreme-networks.js";

const SHOWN = 20;

const { values } = parseArgs({
  options: {
    networks: { type: "string", default: "100000" },
    seed: { type: "string", default: "1" },
  },
});
const report = compareOverRange(await loadKernel(), {
  networks: Number(values.networks),
  seed: Number(values.seed),
});
const { differences, ...counts } = report;
stdout.write(`${JSON.stringify({ node: process.version, ...counts, differences: differences.length })}\n`);
for (const difference of differences.slice(0, SHOWN)) stderr.write(`${difference}\n`);
if (differences.length > 0) process.exitCode = 1;
