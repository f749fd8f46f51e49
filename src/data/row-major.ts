/** Arrays whose elements lie in another order than that of the rows: NumPy's Fortran order, and tensors with strides. */

import { grouped, shapeText } from "#src/base/errors/define.js";
import { DatasetError } from "#src/base/errors.js";
import type { StoredArray } from "./stored-array.js";
import type { Elements } from "./stream/elements.js";

/** Most bytes of an array in another order. They are held in memory, because each image has elements from the whole array. */
const LIMIT_BYTES = 2 ** 30;

/** The array in row-major order. Nothing is read before it is opened. */
export function inRowMajor(array: StoredArray): StoredArray {
  // The order does not depend on dimensions of size 1.
  if (!array.fortranOrder || array.shape.filter((size) => size !== 1).length < 2) return array;
  let step = 1;
  const strides = array.shape.map((size) => {
    const stride = step;
    step *= size;
    return stride;
  });
  return gathered({ ...array, fortranOrder: false }, strides);
}

/**
 * The array whose elements along each axis lie `strides` elements apart.
 *
 * @throws DatasetError ERR_NPZ_ARRAY for an array of more than `LIMIT_BYTES`, when it is opened
 */
export function gathered(array: StoredArray, strides: readonly number[]): StoredArray {
  let held: Promise<Uint8Array> | undefined;
  return {
    ...array,
    async open(first) {
      held ??= wholeOf(array, strides);
      return gatheredElements(await held, array, strides, first);
    },
  };
}

const elementBytesOf = ({ type }: StoredArray) => Number(type.slice(1));

async function wholeOf(array: StoredArray, strides: readonly number[]): Promise<Uint8Array> {
  const { path, type, shape } = array;
  const span = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis]!, 1);
  const bytes = shape.includes(0) ? 0 : span * elementBytesOf(array);
  if (bytes > LIMIT_BYTES) {
    throw new DatasetError("ERR_NPZ_ARRAY", {
      path,
      expected: `at most ${grouped(LIMIT_BYTES)} bytes in Fortran order`,
      found: `${type} of shape ${shapeText(shape)}`,
      next: "save np.ascontiguousarray(x), or tensor.contiguous()",
    });
  }
  const whole = new Uint8Array(bytes);
  const elements = await array.open(0);
  try {
    await elements.read(whole);
    await elements.finish();
    elements.check?.();
  } finally {
    await elements.close();
  }
  return whole;
}

/** out (…, row-major) = whole (strides). */
function gatheredElements(
  whole: Uint8Array,
  array: StoredArray,
  strides: readonly number[],
  first: number,
): Elements {
  const { shape } = array;
  const elementBytes = elementBytesOf(array);
  const place = shape.map(() => 0);
  let from = 0;
  for (let axis = shape.length - 1, left = first / elementBytes; axis >= 0; axis--) {
    place[axis] = left % shape[axis]!;
    left = Math.floor(left / shape[axis]!);
    from += place[axis]! * strides[axis]!;
  }
  const last = shape.length - 1;

  function next(): void {
    for (let axis = last; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++place[axis]! < shape[axis]!) return;
      from -= place[axis]! * strides[axis]!;
      place[axis] = 0;
    }
  }

  return {
    async read(into) {
      for (let at = 0; at < into.length; next()) {
        const begin = from * elementBytes;
        for (let byte = 0; byte < elementBytes; byte++) into[at++] = whole[begin + byte]!;
      }
    },
    async finish() {},
    async close() {},
  };
}
