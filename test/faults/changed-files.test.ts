/** Files that are written, replaced or removed between the opening of a set and the last read. */

import { createHash, randomFillSync } from "node:crypto";
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  openSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import test, { type ExecutionContext } from "ava";
import { FIXTURES } from "#src/base/package.js";
import { evaluate, FileError, IncompleteError, openDataset } from "#src/index.js";
import { idxBytes, idxHeader } from "../helpers/idx.js";
import { inCase } from "../helpers/in-case.js";
import { npyBytes } from "../helpers/npy.js";
import { pairsOf } from "../helpers/require.js";
import { sparseSet } from "../helpers/sparse-set.js";
import { temporaryFolder } from "../helpers/temporary.js";
import { zipFile } from "../helpers/zip.js";

type Change = (path: string) => void;

interface FilePair {
  readonly dataset: string;
  readonly labels: string;
}

const CHANGES: Readonly<Record<string, Change>> = {
  "written in place": (path) => {
    const file = openSync(path, "r+");
    writeSync(file, Buffer.of(1), 0, 1, 30_000_000);
    closeSync(file);
  },
  truncated: (path) => truncateSync(path, 1_000_000),
  grown: (path) => appendFileSync(path, "more"),
  "replaced by an equal file": (path) => {
    copyFileSync(path, `${path}.new`);
    renameSync(`${path}.new`, path);
  },
  removed: (path) => rmSync(path),
  "given another time": (path) => utimesSync(path, 1, 1),
};

const IMAGES = 60_000;

for (const kind of ["plain", "gzipped"]) {
  test(`a ${kind} file that changes during a run ends it, with the batches before the change`, async (t) => {
    const noisy = kind === "plain" ? undefined : await noisySet(t);
    for (const [name, change] of Object.entries(CHANGES)) {
      await inCase(t, name, async () => {
        const { dataset, labels } = noisy === undefined ? await sparseSet(t, IMAGES) : await copyOf(t, noisy);
        let isChanged = false;
        const error = await t.throwsAsync<IncompleteError>(
          evaluate(
            { dataset, labels, engine: "simd", threads: 0 },
            {
              async onSlab() {
                if (!isChanged) change(dataset);
                isChanged = true;
              },
            },
          ),
          { instanceOf: IncompleteError, code: "ERR_DATASET_CHANGED" },
        );
        t.true(error?.message.startsWith(dataset), error?.message);
        if (error === undefined) return;
        const { result, dataset: facts } = error.partial;
        t.false(result.complete);
        t.true(result.total > 0 && result.total < IMAGES && result.total % 100 === 0, `${result.total}`);
        t.true(facts.sha256 === null || facts.sha256.length === 64);
      });
    }
  });
}

async function copyOf(t: ExecutionContext, { dataset, labels }: FilePair): Promise<FilePair> {
  const copy = join(await temporaryFolder(t), "images.gz");
  copyFileSync(dataset, copy);
  return { dataset: copy, labels };
}

/** Random pixels that deflate cannot shorten: the file is as long as its images. */
async function noisySet(t: ExecutionContext): Promise<FilePair> {
  const { labels } = await sparseSet(t, IMAGES);
  const pixels = randomFillSync(new Uint8Array(IMAGES * 784));
  const dataset = join(await temporaryFolder(t), "images.gz");
  await writeFile(dataset, gzipSync(idxBytes("u8", [IMAGES, 28, 28], pixels), { level: 1 }));
  return { dataset, labels };
}

test("a long file of labels that changes, and a file that changes before it is hashed, are found", async (t) => {
  for (const [name, change] of Object.entries(CHANGES)) {
    await inCase(t, `labels ${name}`, async () => {
      const { dataset, labels } = await tinySet(t);
      const set = await openDataset({ dataset, labels, split: "test" });
      const slabs = set.slabs({ offset: 0, limit: set.facts.total }, { multiple: 1, lanes: 1 });
      const read = async () => {
        let isChanged = false;
        for await (const slab of slabs) {
          if (!isChanged) change(labels);
          isChanged = true;
          slabs.release(slab);
        }
      };
      await t.throwsAsync(read(), { instanceOf: FileError, code: "ERR_DATASET_CHANGED" });
    });
  }
  for (const verify of [false, true]) {
    await inCase(t, `hashed with verify ${verify}`, async () => {
      const { dataset, labels } = await tinySet(t);
      const set = await openDataset({ dataset, labels, verify, split: "test" });
      appendFileSync(dataset, "x");
      await t.throwsAsync(set.sha256(), { instanceOf: FileError, code: "ERR_DATASET_CHANGED" });
    });
  }
});

/** Images of one pixel each: both files are far longer than what is read with a head. */
async function tinySet(t: ExecutionContext): Promise<FilePair> {
  const count = 40_000_000;
  const folder = await temporaryFolder(t);
  const [dataset, labels] = [join(folder, "images"), join(folder, "labels")];
  const write = async (path: string, shape: readonly number[]) => {
    await writeFile(path, idxHeader(0x08, shape));
    await truncate(path, 4 + 4 * shape.length + count);
  };
  await write(dataset, [count, 1, 1]);
  await write(labels, [count]);
  return { dataset, labels };
}

test("a short file is hashed as it was read, whatever is at its path later", async (t) => {
  const folder = await temporaryFolder(t);
  const [dataset, labels] = [join(folder, "images"), join(folder, "labels")];
  await writeFile(dataset, idxBytes("u8", [2, 1, 1], Uint8Array.of(7, 8)));
  await writeFile(labels, idxBytes("u8", [2], Uint8Array.of(0, 1)));
  const whole = createHash("sha256")
    .update(await readFile(dataset))
    .update(await readFile(labels));
  const set = await openDataset({ dataset, labels, split: "test" });
  await writeFile(dataset, idxBytes("u8", [2, 1, 1], Uint8Array.of(9, 9)));
  t.is(await set.sha256(), whole.digest("hex"));
  for await (const { pixels } of set.slabs({ offset: 0, limit: 2 }, { multiple: 1, lanes: 1 })) {
    t.deepEqual([...pixels].slice(0, 2), [7, 8]);
  }
});

test("a sampled hash has its own name in the result, and verify hashes every byte", async (t) => {
  const { dataset, labels } = await sparseSet(t, 30_000);
  const whole = createHash("sha256")
    .update(await readFile(dataset))
    .update(await readFile(labels))
    .digest("hex");
  const input = { dataset, labels, limit: 100, threads: 0 };
  const sampled = (await evaluate(input)).dataset;
  t.is(sampled.sha256, null);
  t.regex(sampled["sampled-sha256"] ?? "", /^[0-9a-f]{64}$/);
  const verified = (await evaluate({ ...input, verify: true })).dataset;
  t.is(verified.sha256, whole);
  t.false("sampled-sha256" in verified);
  t.is((await evaluate({ limit: 100, threads: 0 })).dataset["sampled-sha256"], undefined);
});

test("files that are read before the run do not change its result, whatever becomes of them", async (t) => {
  const folder = await temporaryFolder(t);
  const count = 2000;
  const pixels = randomFillSync(new Uint8Array(count * 784));
  const classes = Uint8Array.from({ length: count }, (_, n) => n % 10);
  const arrays = [
    { name: "x_test.npy", content: npyBytes([count, 28, 28], pixels) },
    { name: "y_test.npy", content: npyBytes([count], classes) },
  ];
  const files = {
    images: idxBytes("u8", [count, 28, 28], pixels),
    "images.gz": gzipSync(idxBytes("u8", [count, 28, 28], pixels)),
    "labels.gz": gzipSync(idxBytes("u8", [count], classes)),
    "set.npz": zipFile(arrays),
    weights: await readFile(new URL("bundled.safetensors", FIXTURES)),
    classes: Array.from({ length: 10 }, (_, n) => `class ${n}`).join("\n"),
  };
  const at = (name: keyof typeof files) => join(folder, name);
  const names = (["images", "images.gz", "labels.gz", "set.npz", "weights", "classes"] as const).map(at);
  const write = async () => {
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  };
  const common = { weights: at("weights"), classes: at("classes"), batchSize: 10 };
  const inputs = [
    { dataset: at("images"), labels: at("labels.gz") },
    { dataset: at("images.gz"), labels: at("labels.gz") },
    { dataset: at("set.npz") },
  ];
  for (const [input, threads] of pairsOf(inputs, [0, 2])) {
    await write();
    const clean = await evaluate({ ...common, ...input, threads });
    for (const change of [(path: string) => truncateSync(path, 100), (path: string) => rmSync(path)]) {
      await write();
      let isChanged = false;
      const found = await evaluate(
        { ...common, ...input, threads },
        {
          onProgress() {
            if (!isChanged) names.forEach(change);
            isChanged = true;
          },
        },
      );
      t.true(isChanged);
      t.deepEqual(found.result, clean.result, `${input.dataset}, ${threads} threads`);
      t.is(found.dataset.sha256, clean.dataset.sha256);
    }
  }
});
