/** CIFAR-10 and CIFAR-100 in their binary versions, and colours that become grey. */
import { createHash } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { AS_STORED } from "#src/base/contracts/dataset.js";
import { viewedDataset } from "#src/data/view.js";
import { evaluate, openDataset } from "#src/index.js";
import { copiesOf, ONE_BY_ONE } from "../helpers/all-of.js";
import { CIFAR_INPUTS, CIFAR_NAMES, cifarFolder, cifarRecords } from "../helpers/cifar.js";
import { randomNetwork } from "../helpers/random.js";
import { temporaryFile, temporaryFolder } from "../helpers/temporary.js";
import { codedAsync } from "../networks/coded.js";

const SHAPE = { rows: 32, columns: 32, channels: 3 };

test("opens the folder of CIFAR-10: its split, its class names, its pixels channels last", async (t) => {
  const folder = await cifarFolder(t, 9);
  const set = await openDataset({ dataset: folder, split: "test" });
  t.like(set.facts, { name: "cifar-10-batches-bin", total: 9, shape: SHAPE, classNames: CIFAR_NAMES });
  const { bytes, labels, pixels } = cifarRecords(9, 100);
  t.is(await set.sha256(), createHash("sha256").update(bytes).digest("hex"));
  const [slab] = await copiesOf(set.slabs({ offset: 2, limit: 6 }, { multiple: 6, lanes: 1 }));
  t.deepEqual(slab?.pixels, pixels.subarray(2 * CIFAR_INPUTS, 8 * CIFAR_INPUTS));
  t.deepEqual(slab?.labels, labels.subarray(2, 8));

  const train = await openDataset({ dataset: folder, split: "train" });
  t.is(train.facts.total, 45);
  const slabs = await copiesOf(train.slabs({ offset: 17, limit: 3 }, ONE_BY_ONE));
  const [second, third] = [cifarRecords(9, 2), cifarRecords(9, 3)];
  t.deepEqual(
    slabs.flatMap((one) => [...one.labels]),
    [second.labels[8], third.labels[0], third.labels[1]],
  );
  t.deepEqual(
    slabs.flatMap((one) => [...one.pixels]),
    [...second.pixels.subarray(8 * CIFAR_INPUTS), ...third.pixels.subarray(0, 2 * CIFAR_INPUTS)],
  );
});

test("opens one file, with or without its labels, and the fine labels of CIFAR-100", async (t) => {
  const { bytes, labels } = cifarRecords(700, 3);
  const path = await temporaryFile(t, bytes, "data_batch_4.bin");
  const set = await openDataset({ dataset: path, split: "test" });
  t.like(set.facts, { name: "data_batch_4.bin", total: 700, shape: SHAPE, classNames: undefined });
  const slabs = await copiesOf(set.slabs({ offset: 0, limit: 700 }, { multiple: 700, lanes: 1 }));
  t.deepEqual(slabs[0]?.labels, labels);
  const bare = await openDataset({ dataset: path, split: "test", labels: false });
  t.is(bare.facts.labelsPath, undefined);
  await codedAsync(t, openDataset({ dataset: path, split: "test", labels: path }), "ERR_USAGE");

  const folder = join(await temporaryFolder(t), "cifar-100-binary");
  await mkdir(folder);
  const fine = cifarRecords(4, 5, 2);
  await writeFile(join(folder, "test.bin"), fine.bytes);
  await writeFile(join(folder, "fine_label_names.txt"), "apple\nbeaver\n");
  const hundred = await openDataset({ dataset: folder, split: "test" });
  t.like(hundred.facts, { total: 4, classNames: ["apple", "beaver"] });
  const [one] = await copiesOf(hundred.slabs({ offset: 0, limit: 4 }, { multiple: 4, lanes: 1 }));
  t.deepEqual([one?.labels, one?.pixels], [fine.labels, fine.pixels]);
});

test("names a file that is missing, one that is cut, and one that changed", async (t) => {
  const folder = await cifarFolder(t, 3);
  await rm(join(folder, "data_batch_3.bin"));
  const missing = await codedAsync(t, openDataset({ dataset: folder, split: "train" }), "ERR_DATASET_FILES");
  t.regex(missing.message, /data_batch_3\.bin/);
  const path = join(folder, "test_batch.bin");
  await writeFile(path, cifarRecords(3).bytes.subarray(0, 3 * 3_073 - 1));
  const cut = await codedAsync(t, openDataset({ dataset: folder, split: "test" }), "ERR_DATASET_FORMAT");
  t.regex(cut.message, /test_batch\.bin: expected records of 3073 bytes.*found 9218 bytes/);
  await writeFile(path, cifarRecords(3).bytes);
  const set = await openDataset({ dataset: folder, split: "test" });
  await writeFile(path, cifarRecords(4).bytes);
  await codedAsync(t, copiesOf(set.slabs({ offset: 0, limit: 3 }, ONE_BY_ONE)), "ERR_DATASET_CHANGED");
});

test("--grayscale makes colours grey as Pillow does, and slabs smaller", async (t) => {
  // Colours and their greys by convert("L") of Pillow 9.4.
  const colours = [
    0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255, 1, 2, 3, 200, 17, 99, 12, 250, 131,
  ];
  const greys = [0, 255, 76, 150, 29, 2, 81, 165];
  const { bytes, labels } = cifarRecords(20);
  for (let n = 0; n < colours.length; n++) bytes[1 + (n % 3) * 1_024 + Math.floor(n / 3)] = colours[n]!;
  const dataset = await temporaryFile(t, bytes, "test_batch.bin");
  const grey = await openDataset({ dataset, split: "test", grayscale: true });
  t.like(grey.facts, { shape: { ...SHAPE, channels: 1 }, view: { grayscale: true, invert: false } });
  const [slab] = await copiesOf(grey.slabs({ offset: 0, limit: 20 }, { multiple: 20, lanes: 1 }));
  t.deepEqual([...(slab?.pixels.subarray(0, 8) ?? [])], greys);
  t.deepEqual([slab?.labels, slab?.inputs], [labels, 1_024]);
  t.true(slab?.predictions.every((one) => one === 0xffff));

  const weights = randomNetwork([1_024, 10]);
  for (const threads of [0, 2]) {
    const { result, dataset: facts } = await evaluate({
      dataset,
      weights,
      grayscale: true,
      threads,
      batchSize: 3,
    });
    t.like(facts.view, { grayscale: true });
    const opened = await evaluate({ dataset: grey, weights, threads: 0, engine: "reference" });
    t.deepEqual(result.confusionMatrix, opened.result.confusionMatrix);
  }
  await codedAsync(t, evaluate({ dataset, weights, threads: 0 }), "ERR_NETWORK_INPUTS");
});

test("--grayscale and --invert give the same pixels in one view and in two, in either order", async (t) => {
  // The grey of red 0, green 52 and blue 184 is 51.5, rounded up. Inverted first, it would be 204.
  const INVERTED_GREY = 255 - 52;
  const { bytes } = cifarRecords(1);
  for (const [channel, colour] of [0, 52, 184].entries()) bytes[1 + channel * 1_024] = colour;
  const dataset = await temporaryFile(t, bytes, "test_batch.bin");
  const GREY = { ...AS_STORED, grayscale: true };
  const INVERTED = { ...AS_STORED, invert: true };
  const stored = await openDataset({ dataset, split: "test" });
  const both = await openDataset({ dataset, split: "test", grayscale: true, invert: true });
  const [expected] = await copiesOf(both.slabs({ offset: 0, limit: 1 }, ONE_BY_ONE));
  t.is(expected?.pixels[0], INVERTED_GREY);
  const [grey, inverted] = [viewedDataset(stored, GREY), viewedDataset(stored, INVERTED)];
  for (const set of [viewedDataset(grey, INVERTED), viewedDataset(inverted, GREY)]) {
    const [seen] = await copiesOf(set.slabs({ offset: 0, limit: 1 }, ONE_BY_ONE));
    t.deepEqual(seen?.pixels, expected?.pixels);
    t.deepEqual(set.facts.view, both.facts.view);
  }
});

test("--grayscale leaves grey images as they are", async (t) => {
  const { dataset, result } = await evaluate({ limit: 50, grayscale: true, threads: 0 });
  const expected = await evaluate({ limit: 50, threads: 0 });
  t.false(dataset.view.grayscale);
  t.deepEqual(result.confusionMatrix, expected.result.confusionMatrix);
});
