/** Slabs of a set in memory: every image once, in order, in the lengths that the contract allows. */
import test from "ava";
import type { Dataset, ImageRange } from "#src/base/contracts/dataset.js";
import type { Slab } from "#src/base/slab.js";
import { memoryDataset } from "#src/data/view.js";
import { labelsOf, pixelsOf } from "../helpers/idx.js";
import { inCase } from "../helpers/in-case.js";

function datasetOf(total: number, rows = 1, columns = 1): Dataset {
  return memoryDataset({
    name: "made",
    split: "test",
    shape: { rows, columns },
    total,
    sha256: "",
    labelsPath: "labels",
    classNames: undefined,
    pixels: pixelsOf(total * rows * columns),
    labels: labelsOf(total),
  });
}

async function slabsOf(dataset: Dataset, range: ImageRange, multiple: number): Promise<Slab[]> {
  const slabs: Slab[] = [];
  for await (const slab of dataset.slabs(range, multiple)) slabs.push(slab);
  return slabs;
}

const all = (total: number): ImageRange => ({ offset: 0, limit: total });

test("copies pixels and labels into shared memory", async (t) => {
  const [slab, ...more] = await slabsOf(datasetOf(10, 3, 2), all(10), 4);
  t.is(more.length, 0);
  t.true(slab.buffer instanceof SharedArrayBuffer);
  t.is(slab.pixels.buffer, slab.buffer);
  t.deepEqual([slab.firstImage, slab.count, slab.inputs], [0, 10, 6]);
  t.deepEqual(new Uint8Array(slab.pixels), pixelsOf(60));
  t.deepEqual(new Uint8Array(slab.labels), labelsOf(10));
});

test("gives the images of a range, and their index within the set", async (t) => {
  const [slab] = await slabsOf(datasetOf(10, 3, 2), { offset: 7, limit: 2 }, 100);
  t.deepEqual([slab.firstImage, slab.count], [7, 2]);
  t.deepEqual(new Uint8Array(slab.pixels), pixelsOf(60).slice(42, 54));
  t.deepEqual(new Uint8Array(slab.labels), Uint8Array.of(7, 8));
});

test("ends with the set where the range reaches beyond it", async (t) => {
  const [slab] = await slabsOf(datasetOf(10), { offset: 8, limit: Number.MAX_SAFE_INTEGER }, 100);
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
  const [first] = await slabsOf(dataset, all(10), 5);
  first.pixels.fill(0);
  const [second] = await slabsOf(dataset, all(10), 5);
  t.deepEqual(new Uint8Array(second.pixels), pixelsOf(10));
});
