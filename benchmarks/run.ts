/** The runner: `run.js NAME… | all [--rounds N] [--json DIR]` prints Markdown on stdout, and writes NAME.json into DIR. */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { UsageError } from "../src/base/errors.js";
import { whole } from "../src/base/options/define.js";
import { checkedValue, oneOf } from "../src/base/options/values.js";
import { machineText } from "./harness.js";
import type { Question } from "./question.js";

const NAMES = [
  "engines",
  "ml-matrix",
  "cnn",
  "threads",
  "task-size",
  "dispatch",
  "cold",
  "memory",
  "million",
  "larger-than-memory",
  "pictures",
  "native",
] as const;
type Name = (typeof NAMES)[number];
const ROUNDS = { flag: "--rounds", type: whole(1, 1000) };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string" }, json: { type: "string" } },
});

try {
  const rounds = values.rounds === undefined ? undefined : checkedValue(ROUNDS, values.rounds);
  const names = positionals.includes("all")
    ? NAMES
    : positionals.map((name) => oneOf("benchmark", NAMES, name));
  if (names.length === 0) {
    console.error(`expected benchmarks, or all: ${NAMES.join(", ")}`);
    process.exitCode = 2;
  }
  const [only] = names;
  if (only !== undefined && names.length === 1) await ask(only, rounds);
  else for (const name of names) askInProcessOfItsOwn(name);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}

/** So that no question pays for what another has left behind: garbage, optimised code, threads. */
function askInProcessOfItsOwn(name: Name): void {
  const args = [fileURLToPath(import.meta.url), name];
  if (values.rounds !== undefined) args.push("--rounds", values.rounds);
  if (values.json !== undefined) args.push("--json", values.json);
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  if (status === 0) return;
  console.error(`${name} failed with status ${status}`);
  process.exitCode = 1;
}

async function ask(name: Name, askedRounds: number | undefined): Promise<void> {
  const { question }: { question: Question } = await import(`./${name}.js`);
  const rounds = askedRounds ?? question.rounds;
  const notes: string[] = [];
  const skipped: string[] = [];
  const versions = new Map<string, string>();
  const beganAt = performance.now();
  const sections = await question.answer({
    rounds,
    note: (sentence) => notes.push(sentence),
    skip(rival, reason) {
      skipped.push(`skipped: ${rival} (${reason})`);
      console.error(skipped[skipped.length - 1]);
    },
    uses: (used, version) => versions.set(used, version),
  });
  const machine = machineText(versions);
  const elapsedSeconds = Math.round((performance.now() - beganAt) / 1000);
  console.log(`## ${name}: ${question.asks}\n`);
  console.log(`${machine}; rounds: ${rounds}, in ${elapsedSeconds} s.\n`);
  if (notes.length > 0) console.log(`${notes.join(" ")}\n`);
  for (const line of skipped) console.log(`- ${line}`);
  if (skipped.length > 0) console.log("");
  for (const { title, table } of sections) console.log(`### ${title}\n\n${table}\n`);
  if (values.json === undefined) return;
  mkdirSync(values.json, { recursive: true });
  const report = {
    benchmark: name,
    asks: question.asks,
    machine,
    rounds,
    elapsedSeconds,
    notes,
    skipped,
    sections: sections.map(({ title, data }) => ({ title, data })),
  };
  writeFileSync(join(values.json, `${name}.json`), `${JSON.stringify(report, undefined, 1)}\n`);
}
