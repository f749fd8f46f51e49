/** Data sets in one .npz file, as Keras keeps MNIST. */

import { createHash } from "node:crypto";
import test, { type ExecutionContext } from "ava";
import type { Dataset } from "#src/base/contracts/dataset.js";
import type { ErrorCode } from "#src/base/errors.js";
import { openDataset } from "#src/data/registry.js";
import { copiesOf, ONE_BY_ONE } from "../helpers/all-of.js";
import { labelsOf, pixelsOf } from "../helpers/idx.js";
import { inCase } from "../helpers/in-case.js";
import { npyBytes, npyDict, npyFile, npyFloats } from "../helpers/npy.js";
import { temporaryFile } from "../helpers/temporary.js";
import { zipFile } from "../helpers/zip.js";
import { codedAsync } from "../networks/coded.js";

const x = npyBytes([5, 3, 2], pixelsOf(30));
const y = npyBytes([5], labelsOf(5));
const WHOLE = {
  x_train: npyBytes([2, 3, 2], pixelsOf(12)),
  y_train: npyBytes([2], labelsOf(2)),
  x_test: x,
  y_test: y,
};

function npz(arrays: Readonly<Record<string, Uint8Array>>, deflated = false): Buffer {
  return zipFile(
    Object.entries(arrays).map(([name, content]) => ({ name: `${name}.npy`, content, deflated })),
  );
}

async function open(t: ExecutionContext, bytes: Uint8Array, split: "test" | "train" = "test") {
  return openDataset({ dataset: await temporaryFile(t, bytes, "mnist.npz"), split });
}

test("opens either split of an archive, deflated or stored", async (t) => {
  for (const deflated of [false, true]) {
    await inCase(
      t,
      `opens either split of an archive that is ${deflated ? "deflated" : "stored"}`,
      async () => {
        const bytes = npz(WHOLE, deflated);
        const set = await open(t, bytes);
        t.like(set.facts, { name: "mnist.npz", split: "test", total: 5, shape: { rows: 3, columns: 2 } });
        t.is(await set.sha256(), createHash("sha256").update(bytes).digest("hex"));
        t.regex(set.facts.labelsPath ?? "", /mnist\.npz:y_test\.npy$/);
        for await (const slab of set.slabs({ offset: 1, limit: 3 }, ONE_BY_ONE)) {
          t.deepEqual(slab.pixels, pixelsOf(30).subarray(6, 24));
          t.deepEqual(slab.labels, labelsOf(5).subarray(1, 4));
        }
        t.is((await open(t, bytes, "train")).facts.total, 2);
      },
    );
  }
});

test("reads labels of every integer type, in either byte order", async (t) => {
  const values = [0, 9, 255, 3, 4];
  const integers = (descr: string, bytes: number, littleEndian: boolean) => {
    const data = Buffer.alloc(5 * bytes);
    values.forEach((value, index) => {
      data.writeUInt8(value, index * bytes + (littleEndian ? 0 : bytes - 1));
    });
    return npyFile(npyDict(descr, [5]), data);
  };
  const small = npyFile(npyDict("|i1", [5]), Buffer.from([0, 9, 127, 3, 4]));
  for (const [labels, expected] of [
    [integers("|u1", 1, true), values],
    [small, [0, 9, 127, 3, 4]],
    ...[2, 4, 8].flatMap((bytes) =>
      ["u", "i"].flatMap((kind) => [
        [integers(`<${kind}${bytes}`, bytes, true), values] as const,
        [integers(`>${kind}${bytes}`, bytes, false), values] as const,
      ]),
    ),
  ] as const) {
    const set = await open(t, npz({ x_test: x, y_test: labels }));
    for await (const slab of set.slabs({ offset: 0, limit: 5 }, ONE_BY_ONE))
      t.deepEqual([...slab.labels], [...expected]);
  }
});

const wide = (value: bigint) => {
  const data = Buffer.alloc(40);
  data.writeBigInt64LE(value, 16);
  return npyFile(npyDict("<i8", [5]), data);
};

const REFUSED: readonly (readonly [
  title: string,
  arrays: Readonly<Record<string, Uint8Array>>,
  code: ErrorCode,
  found: RegExp,
])[] = [
  ["an archive of weights", { W1: npyFloats([1], [1]) }, "ERR_NPZ_ARRAYS", /x_test and y_test, found W1/],
  [
    "an archive of long names",
    { ["a".repeat(2_000)]: x, ["b".repeat(2_000)]: y, c: y },
    "ERR_NPZ_ARRAYS",
    /found a{80}… \(5, 3, 2\), b{80}… \(5,\), c \(5,\); run /,
  ],
  [
    "an archive of the other split",
    { x_train: x, y_train: y },
    "ERR_NPZ_ARRAYS",
    /found x_train \(5, 3, 2\), y_train \(5,\); it has no arrays of this split/,
  ],
  [
    "images of other numbers",
    { x_test: npyFloats([5, 3, 2], [-0.42, ...pixelsOf(29)]), y_test: y },
    "ERR_PIXEL_VALUE",
    /image 0: expected whole pixels from 0 to 255, found -0\.4.*normalized or resampled/,
  ],
  [
    "flat images that are not square",
    { x_test: npyBytes([5, 6], pixelsOf(30)), y_test: y },
    "ERR_DATASET_FORMAT",
    /a square image.*found 6; set --image-shape/,
  ],
  ["images of no pixels", { x_test: npyBytes([5, 0, 2], []), y_test: y }, "ERR_NPZ_ARRAY", /\(5, 0, 2\)/],
  [
    "labels of many columns",
    { x_test: x, y_test: npyBytes([5, 10], new Uint8Array(50)) },
    "ERR_DATASET_FORMAT",
    /a single 1 in each row of labels.*look at row 0/,
  ],
  [
    "labels of fractions",
    { x_test: x, y_test: npyFloats([5], [0, 1, 2.5, 3, 4]) },
    "ERR_LABEL_RANGE",
    /found 2\.5 at index 2/,
  ],
  [
    "another number of labels",
    { x_test: x, y_test: npyBytes([4], labelsOf(4)) },
    "ERR_COUNT_MISMATCH",
    /y_test\.npy.*found 4/,
  ],
  ["a label of 256", { x_test: x, y_test: wide(256n) }, "ERR_LABEL_RANGE", /found 256 at index 2$/],
  [
    "a negative label",
    { x_test: x, y_test: wide(-1n) },
    "ERR_LABEL_RANGE",
    /found -1 at index 2; .*only on labels from 0 to 255/,
  ],
];

/** Labels are looked at when they are read. */
function readAll(set: Dataset): Promise<unknown> {
  return copiesOf(set.slabs({ offset: 0, limit: set.facts.total }, ONE_BY_ONE));
}

async function openAndRead(...given: Parameters<typeof open>): Promise<unknown> {
  return readAll(await open(...given));
}

test("refuses arrays that are no set of images, and names what it found", async (t) => {
  for (const [title, arrays, code, found] of REFUSED) {
    await inCase(t, `refuses ${title}`, async () => {
      t.regex((await codedAsync(t, openAndRead(t, npz(arrays)), code)).message, found);
    });
  }
});

test("an offset does not mend negative labels, and the message does not advise one", async (t) => {
  const dataset = await temporaryFile(t, npz({ x_test: x, y_test: wide(-1n) }), "mnist.npz");
  for (const labelOffset of [0, 1]) {
    const error = await codedAsync(
      t,
      openDataset({ dataset, split: "test", labelOffset }).then(readAll),
      "ERR_LABEL_RANGE",
    );
    t.regex(
      error.message,
      /found -1 at index 2; .*remove images without a label, or save labels that start at 0$/,
    );
  }
});

test("refuses other files in the archive, and labels from elsewhere", async (t) => {
  const other = zipFile([{ name: "readme.txt", content: y }]);
  await codedAsync(t, open(t, other), "ERR_NPZ_ARRAYS");
  const dataset = await temporaryFile(t, npz(WHOLE), "mnist.npz");
  await codedAsync(t, openDataset({ dataset, labels: "labels", split: "test" }), "ERR_USAGE");
});
