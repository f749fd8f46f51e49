/** The book's `load_mnist`, and slabs of a set in memory. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { env } from "node:process";
import test from "ava";
import type { Dataset, ImageRange } from "#src/base/contracts/dataset.js";
import { atLeast, DatasetError } from "#src/base/errors.js";
import type { Slab } from "#src/base/slab.js";
import { loadMnist } from "#src/data/named-sets.js";
import { openDataset } from "#src/data/registry.js";
import { memoryDataset } from "#src/data/stream/slab-reader.js";
import { copiesOf } from "../helpers/all-of.js";
import { idxBytes, imageBytes, labelsOf, pixelsOf, writeSplit } from "../helpers/idx.js";
import { inCase } from "../helpers/in-case.js";
import { mnist, needs } from "../helpers/require.js";
import { temporaryFolder } from "../helpers/temporary.js";

const withMnist = needs("mnist", mnist !== undefined);

test("reads both splits, training first", async (t) => {
  const directory = await temporaryFolder(t);
  await writeSplit(directory, "train", 20);
  await writeSplit(directory, "t10k", 5);
  const [[xTrain, tTrain], [xTest, tTest]] = await loadMnist({ directory, normalize: false });
  t.deepEqual(xTrain, { data: pixelsOf(120), shape: [20, 6] });
  t.deepEqual(tTrain, { data: labelsOf(20), shape: [20] });
  t.deepEqual(xTest, { data: pixelsOf(30), shape: [5, 6] });
  t.deepEqual(tTest, { data: labelsOf(5), shape: [5] });
});

test("scales every byte as a division of float32 by float32 does", async (t) => {
  const directory = await temporaryFolder(t);
  const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  await writeSplit(directory, "train", 1);
  await writeSplit(directory, "t10k", 1);
  await writeFile(join(directory, "train-images-idx3-ubyte"), idxBytes("u8", [1, 16, 16], everyByte));
  const [[xTrain]] = await loadMnist({ directory });
  const data: Float32Array = xTrain.data;
  t.deepEqual(
    Array.from(data),
    Array.from(everyByte, (byte) => Math.fround(byte / 255)),
  );
  t.is(data[0], 0);
  t.is(data[255], 1);
  // NumPy: float(np.float32(77) / np.float32(255)).
  t.is(data[77], 0.3019607961177826);
});

test("gives one-hot rows", async (t) => {
  const directory = await temporaryFolder(t);
  await writeSplit(directory, "train", 3);
  await writeSplit(directory, "t10k", 1);
  const [[, tTrain]] = await loadMnist({ directory, oneHotLabel: true });
  t.deepEqual(tTrain.shape, [3, 10]);
  t.deepEqual(
    Array.from(tTrain.data),
    [0, 1, 2].flatMap((label) => Array.from({ length: 10 }, (_, i) => Number(i === label))),
  );
});

test("refuses a label beyond ten classes", async (t) => {
  const directory = await temporaryFolder(t);
  await writeSplit(directory, "t10k", 1);
  await writeFile(join(directory, "train-images-idx3-ubyte"), imageBytes(3));
  await writeFile(join(directory, "train-labels-idx1-ubyte"), idxBytes("u8", [3], [9, 10, 11]));
  await t.throwsAsync(loadMnist({ directory, oneHotLabel: true }), {
    code: "ERR_LABEL_RANGE",
    message: /found 10 at index 1;/,
  });
});

test("refuses a folder without the training files", async (t) => {
  const directory = await temporaryFolder(t);
  await writeSplit(directory, "t10k", 1);
  await t.throwsAsync(loadMnist({ directory }), { code: "ERR_DATASET_FILES", message: /train-images/ });
});

test.serial(
  "reads the folder that BATCHWISE_MNIST_DIR names, and says so when nothing names one",
  async (t) => {
    const before = env.BATCHWISE_MNIST_DIR;
    t.teardown(() => {
      if (before !== undefined) env.BATCHWISE_MNIST_DIR = before;
    });
    const directory = await temporaryFolder(t);
    await writeSplit(directory, "train", 2);
    await writeSplit(directory, "t10k", 1);
    env.BATCHWISE_MNIST_DIR = directory;
    t.deepEqual((await loadMnist())[0][0].shape, [2, 6]);

    delete env.BATCHWISE_MNIST_DIR;
    const error = await t.throwsAsync(loadMnist(), { instanceOf: DatasetError, code: "ERR_MNIST_DIRECTORY" });
    t.regex(error.message, /pass \{ directory \} or set BATCHWISE_MNIST_DIR$/);
  },
);

const BOTH = [true, false];
const EVERY_SWITCHES = BOTH.flatMap((normalize) =>
  BOTH.flatMap((flatten) => BOTH.map((oneHotLabel) => ({ normalize, flatten, oneHotLabel }))),
);

test("has the book's shapes in every combination of the switches", async (t) => {
  const directory = await temporaryFolder(t);
  await writeSplit(directory, "train", 20);
  await writeSplit(directory, "t10k", 5);
  t.is(EVERY_SWITCHES.length, 8);
  for (const switches of EVERY_SWITCHES) {
    const { normalize, flatten, oneHotLabel } = switches;
    const splits = await loadMnist({ ...switches, directory });
    for (const [i, count] of [20, 5].entries()) {
      const [x, labels] = splits[i]!;
      const which = `split ${i} with ${JSON.stringify(switches)}`;
      t.is(Object.getPrototypeOf(x.data), (normalize ? Float32Array : Uint8Array).prototype, which);
      t.deepEqual(x.shape, flatten ? [count, 6] : [count, 1, 3, 2], which);
      t.is(x.data.length, count * 6, which);
      t.deepEqual(labels.shape, oneHotLabel ? [count, 10] : [count], which);
      t.is(labels.data.length, oneHotLabel ? count * 10 : count, which);
    }
  }
});

withMnist("has the book's shapes of MNIST", async (t) => {
  const splits = await loadMnist({ directory: mnist, flatten: false, oneHotLabel: true });
  for (const [i, count] of [60_000, 10_000].entries()) {
    t.deepEqual(
      [splits[i]?.[0].shape, splits[i]?.[1].shape],
      [
        [count, 1, 28, 28],
        [count, 10],
      ],
    );
  }
});

withMnist("has the pixel means that NumPy finds", async (t) => {
  const [[xTrain], [xTest]] = await loadMnist({ directory: mnist, normalize: false });
  for (const [{ data }, mean] of [
    [xTrain, 0.1306604762738429],
    [xTest, 0.13251460584233696],
  ] as const) {
    const found = data.reduce((sum, byte) => sum + byte, 0) / 255 / data.length;
    t.true(Math.abs(found / mean - 1) < 1e-12, `${found} instead of ${mean}`);
  }
});

withMnist("has the same labels as numbers and as one-hot rows", async (t) => {
  const [[, tTrain], [, tTest]] = await loadMnist({ directory: mnist, normalize: false });
  const [[, hotTrain]] = await loadMnist({ directory: mnist, normalize: false, oneHotLabel: true });
  t.is(tTest.data.filter((label) => label === 0).length, 980);
  t.is(
    hotTrain.data.reduce((sum, bit) => sum + bit, 0),
    60_000,
  );
  t.true(tTrain.data.every((label, i) => hotTrain.data[i * 10 + label] === 1));
});

withMnist("opens as a data set in either split", async (t) => {
  for (const [split, total] of [
    ["train", 60_000],
    ["test", 10_000],
  ] as const) {
    const dataset = await openDataset({ dataset: mnist ?? "", split });
    t.deepEqual([dataset.facts.total, dataset.facts.shape], [total, { rows: 28, columns: 28, channels: 1 }]);
  }
});

// Slabs of a set in memory: every image once, in order, in the lengths that the contract allows.

function datasetOf(total: number, rows = 1, columns = 1): Dataset {
  return memoryDataset({
    facts: {
      name: "made",
      split: "test",
      shape: { rows, columns, channels: 1 },
      total,
      labelsPath: "labels",
      classNames: undefined,
    },
    sha256: "",
    lanePixelBytes: 2 ** 30,
    pixels: pixelsOf(total * rows * columns),
    labels: labelsOf(total),
  });
}

function slabsOf(dataset: Dataset, range: ImageRange, multiple: number): Promise<Slab[]> {
  return copiesOf(dataset.slabs(range, { multiple, lanes: 1 }));
}

const all = (total: number): ImageRange => ({ offset: 0, limit: total });

test("copies pixels and labels into shared memory", async (t) => {
  const [slab, ...more] = atLeast(await slabsOf(datasetOf(10, 3, 2), all(10), 4), 1);
  t.is(more.length, 0);
  t.true(slab.buffer instanceof SharedArrayBuffer);
  t.is(slab.pixels.buffer, slab.buffer);
  t.deepEqual([slab.firstImage, slab.count, slab.inputs], [0, 10, 6]);
  t.deepEqual(new Uint8Array(slab.pixels), pixelsOf(60));
  t.deepEqual(new Uint8Array(slab.labels), labelsOf(10));
});

test("gives the images of a range, and their index within the set", async (t) => {
  const [slab] = atLeast(await slabsOf(datasetOf(10, 3, 2), { offset: 7, limit: 2 }, 100), 1);
  t.deepEqual([slab.firstImage, slab.count], [7, 2]);
  t.deepEqual(new Uint8Array(slab.pixels), pixelsOf(60).slice(42, 54));
  t.deepEqual(new Uint8Array(slab.labels), Uint8Array.of(7, 8));
});

test("ends with the set where the range reaches beyond it", async (t) => {
  const [slab] = atLeast(await slabsOf(datasetOf(10), { offset: 8, limit: Number.MAX_SAFE_INTEGER }, 100), 1);
  t.deepEqual([slab.firstImage, slab.count], [8, 2]);
  t.deepEqual(await slabsOf(datasetOf(10), { offset: 10, limit: 5 }, 100), []);
});

test("gives every image once, in slabs of whole batches", async (t) => {
  for (const [total, multiple, counts] of [
    [70_000, 100, [32_700, 32_700, 4_600]],
    [70_000, 1, [32_768, 32_768, 4_464]],
    [70_000, 32_768, [32_768, 32_768, 4_464]],
    [70_000, 20_000, [20_000, 20_000, 20_000, 10_000]],
    [70_000, 40_000, [40_000, 30_000]],
    [70_000, 1_000_000, [70_000]],
    [65_400, 100, [32_700, 32_700]],
  ] as const) {
    await inCase(
      t,
      `gives ${total} images in slabs of ${counts.join(", ")} for batches of ${multiple}`,
      async () => {
        const slabs = await slabsOf(datasetOf(total), all(total), multiple);
        t.deepEqual(
          slabs.map(({ count }) => count),
          [...counts],
        );
        const pixels = Buffer.concat(slabs.map((slab) => slab.pixels));
        t.true(pixels.equals(pixelsOf(total)));
        t.true(Buffer.concat(slabs.map((slab) => slab.labels)).equals(labelsOf(total)));
        let next = 0;
        for (const { firstImage, count } of slabs) {
          t.is(firstImage, next);
          next += count;
        }
      },
    );
  }
});

test("gives large images in shorter slabs, and never less than a batch", async (t) => {
  // 1,024 × 1,024 pixels: 64 of them are 64 MiB.
  const dataset = datasetOf(70, 1024, 1024);
  const counts = async (multiple: number) =>
    (await slabsOf(dataset, all(70), multiple)).map((slab) => slab.count);
  t.deepEqual(await counts(10), [60, 10]);
  t.deepEqual(await counts(65), [65, 5]);
});

test("gives the same images each time it is asked", async (t) => {
  const dataset = datasetOf(10);
  const [first] = atLeast(await slabsOf(dataset, all(10), 5), 1);
  first.pixels.fill(0);
  const [second] = atLeast(await slabsOf(dataset, all(10), 5), 1);
  t.deepEqual(new Uint8Array(second.pixels), pixelsOf(10));
});
