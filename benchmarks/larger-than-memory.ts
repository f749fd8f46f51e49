/** Sets larger than memory: the same speed and the same memory for ten times the images, in files of several forms. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FIXTURES, PACKAGE_ROOT } from "../src/base/package.js";
import { openDataset } from "../src/data/registry.js";
import { evaluate } from "../src/evaluate/evaluate.js";
import { markdownTable, median } from "./harness.js";
import type { Question } from "./question.js";
import { runCommand } from "./rivals/commands.js";
import { BENCHMARKS } from "./rivals/installed.js";
import { type Originals, readOriginals, writeShards } from "./shifted-shards.js";

const FEW = 600_000;
const MANY = 10 * FEW;
const SHARDS = 12;
const KIB_PER_MB = 1e6 / 1024;
const CLI = fileURLToPath(new URL("bin/batchwise.cjs", PACKAGE_ROOT));
const PRELOAD = ["--require", fileURLToPath(new URL("programs/report-usage.cjs", BENCHMARKS))];

interface Form {
  readonly name: string;
  readonly engine: string;
  readonly gzipped: boolean;
}

const FORMS: readonly Form[] = [
  { name: "simd, plain", engine: "simd", gzipped: false },
  { name: "simd, gzipped", engine: "simd", gzipped: true },
  { name: "ml-matrix, plain", engine: "ml-matrix", gzipped: false },
];
/** ml-matrix takes twenty times as long: of so many images the memory shows. */
const MANY_OF_ML_MATRIX = MANY / 4;

interface Sample {
  readonly imagesPerSecond: number;
  /** The whole command, from its start to its exit. */
  readonly elapsedMs: number;
  readonly peakRssKib: number;
}

export const question: Question = {
  asks: "does a set ten times as large cost ten times the time, and no more memory?",
  rounds: 3,
  async answer(bench) {
    const folder = mkdtempSync(join(tmpdir(), "batchwise-"));
    try {
      const originals = await readOriginals(
        ...(["images-idx3", "labels-idx1"].map((part) =>
          fileURLToPath(new URL(`digits-${part}-ubyte.gz`, FIXTURES)),
        ) as [string, string]),
      );
      await prove(join(folder, "proof"), originals);
      bench.note(
        `The bundled images over and over, each round shifted by other steps, in ${SHARDS} files; 2 threads; whole commands, files in the page cache. First 50,000 of them, plain and gzipped, were evaluated as they lie in memory: the same confusion matrix; all runs of a size agree on their count.`,
      );
      const rows = [];
      const data = [];
      for (const gzipped of [false, true]) {
        const [few, many] = [join(folder, "few"), join(folder, "many")];
        await write(originals, few, FEW, gzipped);
        await write(originals, many, MANY, gzipped);
        for (const form of FORMS.filter((one) => one.gzipped === gzipped)) {
          const most = form.engine === "simd" ? MANY : MANY_OF_ML_MATRIX;
          const samples: [Sample[], Sample[]] = [[], []];
          const corrects: [Set<number>, Set<number>] = [new Set(), new Set()];
          for (let round = 0; round < bench.rounds; round++) {
            for (const [n, [set, limit]] of [[few, FEW] as const, [many, most] as const].entries()) {
              const { correct, ...sample } = await run(form, set, limit);
              samples[n]!.push(sample);
              corrects[n]!.add(correct);
            }
          }
          for (const counts of corrects) assert.equal(counts.size, 1, form.name);
          rows.push(rowOf(form.name, FEW, samples[0]), rowOf(form.name, most, samples[1]));
          data.push({ form, images: [FEW, most], samples });
        }
        for (const set of [few, many]) rmSync(set, { recursive: true });
      }
      const columns = [
        "",
        "images",
        "images/s",
        "images/s, whole command",
        "median peak RSS, MB",
        "largest, MB",
      ];
      return [{ title: "2 threads", table: markdownTable(columns, rows), data }];
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

async function write(
  originals: Originals,
  folder: string,
  images: number,
  gzipped: boolean,
  shards = SHARDS,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await writeShards(originals, { folder, images, shards, gzipped });
}

/** What is streamed is what lies in memory: here a set of one small file, there the same images in several. */
async function prove(folder: string, originals: Originals): Promise<void> {
  const images = 50_000;
  const [whole, plain, gzipped] = [join(folder, "whole"), join(folder, "plain"), join(folder, "gzipped")];
  await write(originals, whole, images, false, 1);
  await write(originals, plain, images, false, 3);
  await write(originals, gzipped, images, true, 3);
  const results = [];
  for (const set of [whole, plain, gzipped]) {
    const dataset = await openDataset({ dataset: join(set, "*-images-*"), split: "test" });
    results.push((await evaluate({ dataset, engine: "simd", threads: 2 })).result.confusionMatrix);
  }
  assert.deepEqual(results[1], results[0]);
  assert.deepEqual(results[2], results[0]);
}

async function run(form: Form, set: string, limit: number): Promise<Sample & { readonly correct: number }> {
  const args = ["--engine", form.engine, "--threads", "2", "--limit", String(limit), "--format", "json"];
  const dataset = join(set, "*-images-*");
  const { elapsedMs, stdout, extra } = await runCommand([
    ...PRELOAD,
    CLI,
    "--no-config",
    ...args,
    "--dataset",
    dataset,
  ]);
  const { result, timing } = JSON.parse(stdout);
  assert.equal(result.total, limit);
  const { peakRssKib } = JSON.parse(extra);
  return { imagesPerSecond: timing.imagesPerSecond, elapsedMs, peakRssKib, correct: result.correct };
}

function rowOf(name: string, images: number, samples: readonly Sample[]): (string | number)[] {
  const inMb = samples.map(({ peakRssKib }) => peakRssKib / KIB_PER_MB);
  return [
    name,
    images,
    Math.round(median(samples.map(({ imagesPerSecond }) => imagesPerSecond))),
    Math.round((1000 * images) / median(samples.map(({ elapsedMs }) => elapsedMs))),
    median(inMb).toFixed(0),
    Math.max(...inMb).toFixed(0),
  ];
}
