/** IDX files that are whole: every element type and rank, as they are written by us, at random and by Python. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import test from "ava";
import fc from "fast-check";
import { readIdx } from "#src/data/idx.js";
import { type IdxDtype, MAX_HEADER_BYTES, parseIdxHeader } from "#src/data/idx-header.js";
import { openIdxSet } from "#src/data/stream/idx-set.js";
import { copiesOf, ONE_BY_ONE } from "../helpers/all-of.js";
import { idxBytes, imageBytes, pixelsOf, type WrittenDtype } from "../helpers/idx.js";
import { inCase } from "../helpers/in-case.js";
import { pythonWith, runPython } from "../helpers/python.js";
import { needs } from "../helpers/require.js";
import { FACTS } from "../helpers/shards.js";
import { temporaryFile, temporaryFolder } from "../helpers/temporary.js";

type AnyConstructor = abstract new (...args: never[]) => unknown;

/** What only comes out right when byte order, width and sign do. */
const VALUES: Record<IdxDtype, { array: ArrayLike<number>; type: AnyConstructor }> = {
  u8: { array: [0, 1, 127, 128, 254, 255], type: Uint8Array },
  i8: { array: [0, 1, 127, -128, -2, -1], type: Int8Array },
  i16: { array: [0, 1, 258, -258, 32767, -32768], type: Int16Array },
  i32: { array: [0, 1, 16909060, -16909060, 2147483647, -2147483648], type: Int32Array },
  f32: { array: [0, 1, -1.5, 0.10000000149011612, 3.4028234663852886e38, -Infinity], type: Float32Array },
  f64: { array: [0, 1, -1.5, 0.1, Number.MAX_VALUE, 5e-324], type: Float64Array },
};
const SHAPES = [
  [6],
  [2, 3],
  [1, 3, 2],
  [3, 1, 1, 2],
  Array.from({ length: 255 }, (_, i) => (i === 7 ? 6 : 1)),
];

test("reads every element type in ranks 1 to 255, plain and gzipped", async (t) => {
  for (const [dtype, { array, type }] of Object.entries(VALUES) as [IdxDtype, (typeof VALUES)[IdxDtype]][]) {
    for (const shape of SHAPES) {
      const bytes = idxBytes(dtype, shape, array);
      for (const [how, fileBytes] of [
        ["plain", bytes],
        ["gzipped", gzipSync(bytes)],
      ] as const) {
        await inCase(t, `reads ${dtype} of rank ${shape.length}, ${how}`, async () => {
          // The name says nothing: gzip is told by content.
          const read = await readIdx(await temporaryFile(t, fileBytes, "digits.bin"));
          t.is(read.dtype, dtype);
          t.deepEqual(read.shape, shape);
          t.is(Object.getPrototypeOf(read.data), type.prototype);
          t.deepEqual(Array.from(read.data), Array.from(array));
        });
      }
    }
  }
});

test("reads NaN, and keeps the sign of zero", async (t) => {
  const path = await temporaryFile(t, idxBytes("f64", [2], [Number.NaN, -0]));
  t.deepEqual((await readIdx(path, { dtype: "f64" })).data, Float64Array.of(Number.NaN, -0));
});

test("gives the array type of the dtype that is asked for", async (t) => {
  const path = await temporaryFile(t, imageBytes(4));
  const images = await readIdx(path, { dtype: "u8", rank: 3 });
  const data: Uint8Array = images.data;
  t.deepEqual(data, pixelsOf(4 * 3 * 2));
});

test("tells the array type apart by dtype", async (t) => {
  const file = await readIdx(await temporaryFile(t, idxBytes("i16", [1], [-5])));
  if (file.dtype !== "i16") return t.fail();
  const data: Int16Array = file.data;
  t.is(data[0], -5);
});

test("reads a file exactly as long as the limit", async (t) => {
  const bytes = imageBytes(4);
  const { shape } = await readIdx(await temporaryFile(t, bytes), { limitBytes: bytes.length });
  t.deepEqual(shape, [4, 3, 2]);
});

test("parses a header from its bytes alone", (t) => {
  const header = imageBytes(60_000, 1, 1).subarray(0, 16);
  t.deepEqual(parseIdxHeader(header, "f"), {
    dtype: "u8",
    shape: [60_000, 1, 1],
    headerBytes: 16,
    totalBytes: 60_016,
  });
});

test("needs at most 1,024 bytes for any header", (t) => {
  const longest = idxBytes("u8", Array(255).fill(1), [0]);
  t.is(MAX_HEADER_BYTES, 1024);
  t.is(parseIdxHeader(longest.subarray(0, MAX_HEADER_BYTES), "f").shape.length, 255);
});

// Whatever an IDX file holds, it is read as it was written, gzipped or not.

const ELEMENTS: Readonly<Record<WrittenDtype, fc.Arbitrary<number>>> = {
  u8: fc.integer({ min: 0, max: 255 }),
  i8: fc.integer({ min: -128, max: 127 }),
  i16: fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 }),
  i32: fc.integer(),
  f32: fc.float({ noNaN: true }),
  f64: fc.double({ noNaN: true }),
};

const file = fc
  .tuple(
    fc.constantFrom(...(Object.keys(ELEMENTS) as WrittenDtype[])),
    fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
  )
  .chain(([dtype, shape]) => {
    const length = shape.reduce((all, size) => all * size, 1);
    const values = fc.array(ELEMENTS[dtype], { minLength: length, maxLength: length });
    return fc.record({ dtype: fc.constant(dtype), shape: fc.constant(shape), values });
  });

test("an IDX file of any type and shape is read as it was written", async (t) => {
  const path = join(await temporaryFolder(t), "file");
  await fc.assert(
    fc.asyncProperty(file, fc.boolean(), async ({ dtype, shape, values }, gzipped) => {
      const bytes = idxBytes(dtype, shape, values);
      await writeFile(path, gzipped ? gzipSync(bytes) : bytes);
      const read = await readIdx(path);
      t.deepEqual([read.dtype, read.shape, Array.from(read.data)], [dtype, shape, values]);
    }),
    { numRuns: 150, seed: 7 },
  );
});

// IDX files as Python's own modules write them, read whole and read while they are evaluated.

const numpy = pythonWith("numpy");

/** gzip.open writes the file's name and time into the header; gzip.compress writes neither. */
const WRITE = `
import gzip, struct, sys, numpy as np
folder = sys.argv[1]
pixels = (np.arange(7 * 5 * 4) * 3 % 256).astype(np.uint8).reshape(7, 5, 4)
labels = np.arange(7, dtype=np.uint8)
def idx(array):
    return struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
for name, array in (("images", pixels), ("labels", labels)):
    with open(f"{folder}/{name}-plain", "wb") as file: file.write(idx(array))
    with gzip.open(f"{folder}/{name}-named.gz", "wb") as file: file.write(idx(array))
    with open(f"{folder}/{name}-bare.gz", "wb") as file: file.write(gzip.compress(idx(array), 1))
print(1)`;

needs("numpy", numpy !== undefined)("reads IDX files that NumPy and Python's gzip write", async (t) => {
  const folder = await temporaryFolder(t);
  runPython(numpy, WRITE, folder);
  const pixels = Array.from({ length: 7 * 5 * 4 }, (_, n) => (n * 3) % 256);
  for (const ending of ["plain", "named.gz", "bare.gz"]) {
    const paths = {
      imagesPath: join(folder, `images-${ending}`),
      labelsPath: join(folder, `labels-${ending}`),
    };
    const set = await openIdxSet([paths], FACTS);
    t.is(set.facts.total, 7, ending);
    const slabs = await copiesOf(set.slabs({ offset: 0, limit: 7 }, ONE_BY_ONE));
    t.deepEqual(
      slabs.flatMap((slab) => [...slab.pixels]),
      pixels,
      ending,
    );
    t.deepEqual(
      slabs.flatMap((slab) => [...slab.labels]),
      [0, 1, 2, 3, 4, 5, 6],
      ending,
    );
  }
});
