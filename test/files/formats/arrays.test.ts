import test from "ava";
import { checkedElements, decodeElements, type ElementType, rowMajor } from "#src/files/formats/arrays.js";
import { coded } from "../../networks/coded.js";

function u16s(values: readonly number[], littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(values.length * 2);
  values.forEach((value, index) => {
    new DataView(bytes.buffer).setUint16(index * 2, value, littleEndian);
  });
  return bytes;
}

test("decodes float16 as IEEE 754 binary16, in either byte order", (t) => {
  const bits = [
    0x0000, 0x8000, 0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x83ff, 0x3555, 0x7c00, 0xfc00, 0x7e00,
  ];
  const values = [
    0,
    -0,
    1,
    -2,
    65504,
    2 ** -14,
    2 ** -24,
    -1023 * 2 ** -24,
    0.333251953125,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.NaN,
  ];
  for (const littleEndian of [true, false]) {
    t.deepEqual([...decodeElements(u16s(bits, littleEndian), "float16", littleEndian)], values);
  }
});

test("decodes bfloat16 as the upper half of a float32", (t) => {
  const decoded = decodeElements(u16s([0x3f80, 0xc049, 0x7f80, 0x0001], true), "bfloat16", true);
  t.deepEqual([...decoded], [1, -3.140625, Number.POSITIVE_INFINITY, 2 ** -133]);
});

test("decodes float32 and float64 from any offset", (t) => {
  const bytes = new Uint8Array(1 + 8);
  new DataView(bytes.buffer).setFloat64(1, Math.PI, false);
  t.deepEqual([...decodeElements(bytes.subarray(1), "float64", false)], [Math.PI]);
  new DataView(bytes.buffer).setFloat32(1, Math.PI, true);
  t.deepEqual([...decodeElements(bytes.subarray(1, 5), "float32", true)], [Math.fround(Math.PI)]);
});

test("decodes no bytes to no elements", (t) => {
  for (const type of ["float16", "bfloat16", "float32", "float64"] satisfies ElementType[]) {
    t.is(decodeElements(new Uint8Array(0), type, true).length, 0);
  }
});

test("turns Fortran order into row-major order in one, two and three dimensions", (t) => {
  t.deepEqual([...rowMajor(Float64Array.of(1, 2, 3), [3])], [1, 2, 3]);
  t.deepEqual([...rowMajor(Float64Array.of(11, 21, 12, 22, 13, 23), [2, 3])], [11, 12, 13, 21, 22, 23]);
  // np.arange(12).reshape(2, 3, 2).ravel("F")
  const fortran = Float64Array.of(0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11);
  t.deepEqual([...rowMajor(fortran, [2, 3, 2])], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

test("counts the elements of a shape, and refuses to count more than an array may have", (t) => {
  t.is(checkedElements("w", []), 1);
  t.is(checkedElements("w", [784, 50]), 39200);
  t.is(checkedElements("w", [0, 5]), 0);
  t.is(checkedElements("w", [2 ** 28]), 2 ** 28);
  coded(t, () => checkedElements("w", [2 ** 28, 2]), "ERR_WEIGHTS_SIZE");
  coded(t, () => checkedElements("w", [2 ** 53 - 1, 2 ** 53 - 1, 0]), "ERR_WEIGHTS_SIZE");
});
