/** Program: runs the seeds FIRST to FIRST + COUNT − 1 in a folder, and prints outcomes and the injected faults as JSON. */
import { rmSync } from "node:fs";
import { copyFile, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { FIXTURES } from "#src/base/package.js";
import { replaceFs } from "./fs-faults.js";
import { type Outcome, Simulation } from "./simulate.js";

const [first = 1, count = 200] = process.argv.slice(2).map(Number);
const fixture = (name: string) => fileURLToPath(new URL(name, FIXTURES));

export interface Report {
  readonly endings: Readonly<Record<string, number>>;
  readonly injected: Readonly<Record<string, number>>;
  readonly violations: Readonly<Record<number, string>>;
}

const folder = await mkdtemp(join(tmpdir(), "batchwise-simulation-"));
const packed = fixture("digits-images-idx3-ubyte.gz");
const inputs = {
  folder,
  images: [join(folder, "images.idx"), join(folder, "images.gz")],
  labels: join(folder, "labels.idx"),
  weights: join(folder, "weights.safetensors"),
};
await copyFile(packed, inputs.images[1]!);
await writeFile(inputs.images[0]!, gunzipSync(await readFile(packed)));
await writeFile(inputs.labels, gunzipSync(await readFile(fixture("digits-labels-idx1-ubyte.gz"))));
await copyFile(fixture("bundled.safetensors"), inputs.weights);

const faults = await replaceFs(folder);
const simulation = new Simulation(inputs, faults);
const endings: Record<string, number> = {};
const violations: Record<number, string> = {};
let seed = first;
for (const event of ["uncaughtException", "unhandledRejection"]) {
  process.on(event, (error: Error) => {
    violations[seed] = `${event}: ${error.stack}`;
  });
}
/** Also at Ctrl-C: the report of the runs so far. */
function end(): void {
  rmSync(folder, { recursive: true, force: true });
  const report: Report = { endings, injected: Object.fromEntries([...faults.injected].sort()), violations };
  process.stdout.write(`${JSON.stringify(report, null, 1)}\n`, () => process.exit());
}
process.once("SIGINT", end);
for (; seed < first + count; seed++) {
  const { ending, violation }: Outcome = await simulation.run(seed);
  endings[ending] = (endings[ending] ?? 0) + 1;
  if (violation !== undefined) {
    violations[seed] = violation;
    process.stderr.write(`seed ${seed}: ${violation}\n`);
  }
}
end();
