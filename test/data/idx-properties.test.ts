/** Whatever an IDX file holds, it is read as it was written, gzipped or not. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import test from "ava";
import fc from "fast-check";
import { readIdx } from "#src/data/idx.js";
import { idxBytes, type WrittenDtype } from "../helpers/idx.js";
import { temporaryFolder } from "../helpers/temporary.js";

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
