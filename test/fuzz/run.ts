/** `npm run fuzz -- [--reader NAME] [--mutations N] [--seed S] [--keep FOLDER]`: attacks the readers, and tells what came of it. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exit, stdout } from "node:process";
import { parseArgs } from "node:util";
import { atLeast } from "#src/base/errors.js";
import { mutantOf } from "./mutate.js";
import { fuzz, type ReaderReport } from "./supervise.js";
import { TARGETS } from "./targets.js";

const { values } = parseArgs({
  options: {
    reader: { type: "string", multiple: true },
    mutations: { type: "string", default: "100000" },
    seed: { type: "string", default: "1" },
    keep: { type: "string" },
  },
});
const names = TARGETS.map(({ name }) => name);
const unknown = values.reader?.filter((name) => !names.includes(name)) ?? [];
const [mutations, seed] = [Number(values.mutations), Number(values.seed)];
if (unknown.length > 0 || !(mutations > 0) || !Number.isSafeInteger(seed)) {
  throw new Error(`expected --reader of ${names.join(", ")}, --mutations and --seed as whole numbers`);
}

stdout.write("reader              mutations   read   refused   codes   slowest   peak      time   faults\n");
let faults = 0;
for (const name of values.reader ?? names) {
  const [report] = atLeast(await fuzz({ readers: [name], mutations, seed }), 1);
  stdout.write(`${rowOf(report)}\n`);
  for (const { mutation, kind, detail } of report.faults) {
    stdout.write(`  ${name} --seed ${seed}, mutation ${mutation}: ${kind}: ${detail}\n`);
    keep(name, mutation);
  }
  faults += report.faults.length;
}
exit(faults > 0 ? 1 : 0);

function rowOf({
  reader,
  mutations: done,
  outcomes,
  slowestMs,
  growthBytes,
  elapsedMs,
  faults: found,
}: ReaderReport): string {
  const read = outcomes.get("read") ?? 0;
  return [
    reader.padEnd(19),
    String(done).padStart(9),
    String(read).padStart(6),
    String(done - read).padStart(9),
    String(outcomes.size - (read > 0 ? 1 : 0)).padStart(7),
    `${slowestMs.toFixed(1)} ms`.padStart(9),
    `${Math.round(growthBytes / 2 ** 20)} MB`.padStart(6),
    `${(elapsedMs / 1000).toFixed(1)} s`.padStart(9),
    String(found.length).padStart(8),
  ].join(" ");
}

function keep(name: string, mutation: number): void {
  const target = TARGETS.find((known) => known.name === name);
  if (values.keep === undefined || target === undefined) return;
  mkdirSync(values.keep, { recursive: true });
  writeFileSync(join(values.keep, `${name}-${seed}-${mutation}`), mutantOf(target, seed, mutation).bytes);
}
