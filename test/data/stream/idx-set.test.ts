/** Sets that are read while they are evaluated: image for image what they are in memory, and never more of them there. */
import { readFile, writeFile } from "node:fs/promises";
import test, { type ExecutionContext } from "ava";
import { IncompleteError } from "#src/base/abort.js";
import type { Dataset, ImageRange, SlabPlan } from "#src/base/contracts/dataset.js";
import { atLeast, DatasetError, FileError } from "#src/base/errors.js";
import { inTurn } from "#src/base/slab.js";
import { openIdxSet, type PairPaths } from "#src/data/stream/idx-set.js";
import { collectSlab } from "#src/data/stream/slab-reader.js";
import { type EvaluateHooks, evaluate } from "#src/evaluate/evaluate.js";
import { sha256Of } from "#src/files/hash.js";
import { inCase } from "../../helpers/in-case.js";
import { randomNetwork, seeded } from "../../helpers/random.js";
import { FACTS, type Shards, writeShards } from "../../helpers/shards.js";
import { temporaryFolder } from "../../helpers/temporary.js";

const INPUTS = 12;
const weights = randomNetwork([INPUTS, 8, 10]);

/** Slabs have some 20 images for one lane. */
const SMALL = { lanePixelBytes: 10 * INPUTS };

/** All pixels and labels of a range. */
async function bytesOf(dataset: Dataset, range: ImageRange, plan: SlabPlan) {
  const buffers = new Set<SharedArrayBuffer>();
  const pixels: Buffer[] = [];
  const labels: Buffer[] = [];
  for await (const slab of inTurn(dataset.slabs(range, plan))) {
    buffers.add(slab.buffer);
    pixels.push(Buffer.from(slab.pixels));
    labels.push(Buffer.from(slab.labels));
  }
  return { pixels: Buffer.concat(pixels), labels: Buffer.concat(labels), buffers: buffers.size };
}

test("gives the bytes that the set in memory gives, for any files, ranges, batches and lanes", async (t) => {
  const random = seeded(6);
  const upTo = (most: number) => 1 + Math.floor(random() * most);
  for (let trial = 0; trial < 40; trial++) {
    const counts = Array.from({ length: upTo(5) }, () => upTo(90));
    const { pairs, inMemory } = await writeShards(await temporaryFolder(t), {
      counts,
      seed: trial,
      isGzipped: () => random() < 0.5,
    });
    const dataset = await openIdxSet(pairs, FACTS, SMALL);
    t.is(dataset.facts.total, inMemory.facts.total);
    t.deepEqual(dataset.facts.shape, inMemory.facts.shape);
    const offset = Math.floor(random() * dataset.facts.total);
    const range = { offset, limit: upTo(dataset.facts.total - offset) };
    const [multiple, lanes] = [upTo(30), upTo(4)];
    const expected = await bytesOf(inMemory, range, { multiple, lanes });
    const { pixels, labels, buffers } = await bytesOf(dataset, range, { multiple, lanes });
    const what = JSON.stringify({ trial, counts, range, multiple, lanes });
    t.true(pixels.equals(expected.pixels), what);
    t.true(labels.equals(expected.labels), what);
    t.true(buffers <= lanes + 3, what);
    const whole = await collectSlab(dataset, range);
    t.true(pixels.equals(whole.pixels) && labels.equals(whole.labels), what);
  }
});

test("evaluates to the same as in memory, with each engine and number of threads", async (t) => {
  for (const [engine, threads] of [
    ["ml-matrix", 0],
    ["ml-matrix", 2],
    ["simd", 2],
  ] as const) {
    await inCase(t, `evaluates to the same as in memory, with ${engine} and ${threads} threads`, async () => {
      const random = seeded(threads + engine.length);
      for (let trial = 0; trial < 4; trial++) {
        const counts = Array.from(
          { length: 1 + Math.floor(random() * 4) },
          () => 1 + Math.floor(random() * 300),
        );
        const { pairs, inMemory } = await writeShards(await temporaryFolder(t), { counts, seed: trial });
        const dataset = await openIdxSet(pairs, FACTS, SMALL);
        const offset = Math.floor(random() * dataset.facts.total);
        const input = { weights, engine, threads, warm: true, offset, limit: 400, batchSize: 7 };
        const expected = await evaluate({ ...input, dataset: inMemory });
        const predictions: number[] = [];
        const onSlab: EvaluateHooks["onSlab"] = (slab) => void predictions.push(...slab.predictions);
        const { result } = await evaluate({ ...input, dataset }, { onSlab });
        t.deepEqual(result, expected.result);
        t.deepEqual(predictions, [...expected.predictions]);
        const unwatched = await evaluate({ ...input, dataset });
        t.deepEqual(unwatched.result, expected.result);
        t.deepEqual(unwatched.predictions, expected.predictions);
      }
    });
  }
});

test("probabilities of a streamed set are what they are in memory, slab by slab", async (t) => {
  const { pairs, inMemory } = await writeShards(await temporaryFolder(t), { counts: [90, 41, 77] });
  const dataset = await openIdxSet(pairs, FACTS, SMALL);
  const input = { weights, threads: 0, batchSize: 9, probabilities: true };
  const expected = await evaluate({ ...input, dataset: inMemory });
  const probabilities: number[] = [];
  const onSlab: EvaluateHooks["onSlab"] = (slab) => void probabilities.push(...(slab.probabilities ?? []));
  const { result, timeline, ...evaluation } = await evaluate({ ...input, dataset }, { onSlab });
  t.deepEqual(result, expected.result);
  t.deepEqual(probabilities, [...(expected.probabilities ?? [])]);
  t.deepEqual(evaluation.probabilities, expected.probabilities);
  t.is(timeline.length, expected.timeline.length);
});

test("images without labels keep their predictions, which are the answer", async (t) => {
  const { pairs, inMemory } = await writeShards(await temporaryFolder(t), { counts: [50, 60] });
  const unlabelled = pairs.map(({ imagesPath }) => ({ imagesPath }));
  const dataset = await openIdxSet(unlabelled, { ...FACTS, labelsPath: undefined }, SMALL);
  const { result, predictions } = await evaluate({ weights, threads: 0, dataset, labels: false });
  const expected = await evaluate({ weights, threads: 0, dataset: inMemory });
  t.false(result.labelled);
  t.deepEqual(predictions, expected.predictions);
});

interface Damage {
  readonly what: string;
  readonly code: string;
  of(bytes: Buffer): Buffer;
}

const DAMAGES: readonly Damage[] = [
  { what: "cut short", code: "ERR_GZIP_CORRUPT", of: (bytes) => bytes.subarray(0, -40) },
  { what: "cut within its trailer", code: "ERR_GZIP_CORRUPT", of: (bytes) => bytes.subarray(0, -3) },
  { what: "of a wrong CRC", code: "ERR_GZIP_CORRUPT", of: (bytes) => withByte(bytes, bytes.length - 8) },
  {
    what: "of a wrong length field",
    code: "ERR_GZIP_CORRUPT",
    of: (bytes) => withByte(bytes, bytes.length - 1),
  },
  { what: "with another behind it", code: "ERR_GZIP_TRAILING", of: (bytes) => Buffer.concat([bytes, bytes]) },
];

function withByte(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[at]! ^= 0xff;
  return changed;
}

async function damaged(t: ExecutionContext, damage: (bytes: Buffer) => Buffer): Promise<Shards> {
  const shards = await writeShards(await temporaryFolder(t), {
    counts: [100, 100, 100, 100],
    isGzipped: () => true,
  });
  const [, , { imagesPath }] = atLeast(shards.pairs, 3);
  await writeFile(imagesPath, damage(await readFile(imagesPath)));
  return shards;
}

test("reports a damaged third file, and keeps what was done before it", async (t) => {
  for (const { what, code, of } of DAMAGES) {
    for (const threads of [0, 2]) {
      await inCase(
        t,
        `a third file ${what} is told, and what was done before it is partial, with ${threads} threads`,
        async () => {
          const { pairs } = await damaged(t, of);
          const dataset = await openIdxSet(pairs, FACTS, SMALL);
          const run = evaluate({ weights, dataset, threads, batchSize: 5 });
          const error = await t.throwsAsync(run, { instanceOf: IncompleteError, code });
          t.is(error?.exitStatus, 3);
          t.true(error?.message.startsWith(pairs[2]!.imagesPath));
          const { result } = error?.partial ?? {};
          t.false(result?.complete);
          t.true((result?.total ?? 0) >= 200 && (result?.total ?? 0) < 300, `${result?.total}`);
        },
      );
    }
  }
});

test("content longer or shorter than its header says is told as it is of a file in memory", async (t) => {
  const { gzipSync, gunzipSync } = await import("node:zlib");
  for (const [code, change] of [
    ["ERR_IDX_TRAILING", (content: Buffer) => Buffer.concat([content, Buffer.of(0)])],
    ["ERR_IDX_TRUNCATED", (content: Buffer) => content.subarray(0, -1)],
  ] as const) {
    const { pairs } = await damaged(t, (bytes) => gzipSync(change(gunzipSync(bytes))));
    const dataset = await openIdxSet(pairs, FACTS, SMALL);
    await t.throwsAsync(evaluate({ weights, dataset, threads: 0 }), { instanceOf: IncompleteError, code });
  }
});

test("a damaged file behind the range, or whose images before the damage suffice, is not looked at", async (t) => {
  const { pairs } = await damaged(t, (bytes) => withByte(bytes, bytes.length - 8));
  const dataset = await openIdxSet(pairs, FACTS, SMALL);
  for (const limit of [150, 290]) {
    const { result } = await evaluate({ weights, dataset, threads: 0, limit });
    t.is(result.total, limit);
  }
});

test("a plain file is begun at the first image asked for", async (t) => {
  const { pairs, inMemory } = await writeShards(await temporaryFolder(t), {
    counts: [500],
    isGzipped: () => false,
  });
  const dataset = await openIdxSet(pairs, FACTS, SMALL);
  // What lies before it is nobody's image any more.
  const [{ imagesPath: path }] = atLeast(pairs, 1);
  const bytes = await readFile(path);
  await writeFile(path, Buffer.from(bytes).fill(0, 16, 16 + 300 * INPUTS));
  const range = { offset: 300, limit: 200 };
  const plan = { multiple: 10, lanes: 2 };
  const { pixels } = await bytesOf(dataset, range, plan);
  t.true(pixels.equals((await bytesOf(inMemory, range, plan)).pixels));
});

test("a file too long to be held in memory that was cut since it was opened is told", async (t) => {
  const sizes = { rows: 70, columns: 70 };
  const { pairs } = await writeShards(await temporaryFolder(t), {
    counts: [500],
    isGzipped: () => false,
    ...sizes,
  });
  const dataset = await openIdxSet(pairs, FACTS, SMALL);
  const [{ imagesPath: path }] = atLeast(pairs, 1);
  await writeFile(path, (await readFile(path)).subarray(0, 4000));
  const all = bytesOf(dataset, { offset: 0, limit: 500 }, { multiple: 5, lanes: 1 });
  const error = await t.throwsAsync(all, { instanceOf: FileError, code: "ERR_DATASET_CHANGED" });
  t.true(error?.message.startsWith(path));
});

test("refuses labels of another count, and images of another shape", async (t) => {
  const one = await writeShards(await temporaryFolder(t), { counts: [10, 20] });
  const [a, b] = atLeast(one.pairs, 2);
  const crossed = [{ ...a, labelsPath: b.labelsPath }];
  await t.throwsAsync(openIdxSet(crossed, FACTS), {
    instanceOf: DatasetError,
    code: "ERR_COUNT_MISMATCH",
  });
  const other = await writeShards(await temporaryFolder(t), { counts: [10], rows: 3, columns: 4 });
  const error = await t.throwsAsync(openIdxSet([a, ...other.pairs], FACTS), {
    instanceOf: DatasetError,
    code: "ERR_DATASET_SHAPE",
  });
  t.regex(error?.message ?? "", /expected images of 4 × 3 pixels as in .+, found 3 × 4; /);
});

test("a label beyond the classes is told with its index within the set", async (t) => {
  const { pairs } = await writeShards(await temporaryFolder(t), { counts: [100, 100], classes: 10 });
  const [, { labelsPath: path }] = atLeast(pairs, 2);
  const bytes = await readFile(path);
  bytes[8 + 60] = 77;
  await writeFile(path, bytes);
  const dataset = await openIdxSet(pairs, FACTS, SMALL);
  const error = await t.throwsAsync(evaluate({ weights, dataset, threads: 0, batchSize: 5 }), {
    instanceOf: IncompleteError,
    code: "ERR_LABEL_RANGE",
  });
  t.regex(error?.message ?? "", /found 77 at index 160$/);
});

test("the SHA-256 of short files is that of their bytes, and of several pairs that of their digests", async (t) => {
  const { pairs } = await writeShards(await temporaryFolder(t), { counts: [10, 20] });
  const own = await Promise.all(pairs.map(pairHash));
  const [[first], [firstHash]] = [atLeast(pairs, 1), atLeast(own, 1)];
  t.is(await (await openIdxSet([first], FACTS)).sha256(), firstHash);
  const listed = Buffer.from(own.map((digest) => `${digest}\n`).join(""));
  t.is(await (await openIdxSet(pairs, FACTS)).sha256(), await sha256Of([listed]));
});

test("the SHA-256 of long files tells of their length, and of pieces from their beginning to their end", async (t) => {
  const { pairs } = await writeShards(await temporaryFolder(t), {
    counts: [3000],
    rows: 28,
    columns: 28,
    isGzipped: () => false,
  });
  const [{ imagesPath: path }] = atLeast(pairs, 1);
  const bytes = await readFile(path);
  const sha256 = async () => (await openIdxSet(pairs, FACTS, { isListed: true })).sha256();
  const whole = await sha256();
  for (const at of [16, Math.floor((8 * (bytes.length - 2 ** 16)) / 15) + 5, bytes.length - 1]) {
    await writeFile(path, withByte(bytes, at));
    t.not(await sha256(), whole, `byte ${at}`);
  }
  await writeFile(path, bytes);
  t.is(await sha256(), whole);
});

test("a SHA-256 that was told is held against files that are read whole", async (t) => {
  const { pairs } = await writeShards(await temporaryFolder(t), { counts: [60, 70, 80] });
  const told: PairPaths[] = await Promise.all(
    pairs.map(async (pair) => ({ ...pair, sha256: await pairHash(pair) })),
  );
  const input = { weights, threads: 0, batchSize: 5 };
  const right = await openIdxSet(told, FACTS, SMALL);
  t.is((await evaluate({ ...input, dataset: right })).result.total, 210);

  const lies = told.map((pair, n) => (n === 1 ? { ...pair, sha256: "ab".repeat(32) } : pair));
  const wrong = await openIdxSet(lies, FACTS, SMALL);
  const error = await t.throwsAsync(evaluate({ ...input, dataset: wrong }), {
    instanceOf: IncompleteError,
    code: "ERR_DATASET_HASH",
  });
  t.true(error?.message.startsWith(pairs[1]!.imagesPath));
  // Its second file, plain, is not read from its beginning here.
  t.is((await evaluate({ ...input, dataset: wrong, offset: 61 })).result.total, 149);
});

async function pairHash({ imagesPath, labelsPath }: Shards["pairs"][number]): Promise<string> {
  return sha256Of([await readFile(imagesPath), await readFile(labelsPath)]);
}
