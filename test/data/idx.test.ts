/** IDX files that are whole: every dtype, ranks 1 to 255, plain and gzipped. */

import { gzipSync } from "node:zlib";
import test from "ava";
import { readIdx } from "#src/data/idx.js";
import { type IdxDtype, MAX_HEADER_BYTES, parseIdxHeader } from "#src/data/idx-header.js";
import { idxBytes, imageBytes, pixelsOf } from "../helpers/idx.js";
import { inCase } from "../helpers/in-case.js";
import { temporaryFile } from "../helpers/temporary.js";

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
          t.deepEqual(read.fileBytes, new Uint8Array(fileBytes));
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
