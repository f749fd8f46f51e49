/** Reads safetensors as strictly as its reference reader: a JSON header, then tensors without holes or overlaps. */

import { shapeText } from "#src/base/errors/define.js";
import { NetworkError } from "#src/base/errors.js";
import { printable } from "#src/base/printable.js";
import {
  checkedElements,
  decodeElements,
  ELEMENT_BYTES,
  type ElementType,
  type NamedArray,
} from "#src/files/formats/arrays.js";
import { parseHeader } from "./safetensors-header.js";

const DTYPES: ReadonlyMap<string, ElementType> = new Map([
  ["F16", "float16"],
  ["BF16", "bfloat16"],
  ["F32", "float32"],
  ["F64", "float64"],
]);

export interface SafetensorsFile {
  /** In the order in which the data stand. */
  readonly arrays: Map<string, NamedArray>;
  readonly metadata: Map<string, string>;
}

interface TensorRange {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * The tensors of a safetensors file, row-major float64, and its metadata (github.com/huggingface/safetensors#format).
 * `path` is for messages.
 *
 * @throws NetworkError ERR_SAFETENSORS_HEADER, ERR_ARRAY_DTYPE, ERR_ARRAY_LAYOUT, ERR_WEIGHTS_SIZE.
 */
export function decodeSafetensors(path: string, bytes: Uint8Array): SafetensorsFile {
  const { tensors, metadata, dataBegin } = parseHeader(path, bytes);
  const ranges = tensors.map(({ name, dtype, shape, begin, end }): TensorRange => {
    const layer = printable(name);
    const type = DTYPES.get(dtype);
    if (type === undefined) {
      const expected = [...DTYPES.keys()].join(", ");
      throw new NetworkError("ERR_ARRAY_DTYPE", { path, layer, expected, found: printable(dtype) });
    }
    const expectedBytes = checkedElements(path, shape) * ELEMENT_BYTES[type];
    if (end - begin !== expectedBytes) {
      throw new NetworkError("ERR_ARRAY_LAYOUT", {
        path,
        layer,
        expected: `${expectedBytes} bytes for shape ${shapeText(shape)} of ${dtype}`,
        found: `data_offsets ${begin} to ${end}`,
      });
    }
    return { name, type, shape, begin, end };
  });
  ranges.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkCover(path, ranges, bytes.length - dataBegin);

  const data = bytes.subarray(dataBegin);
  const arrays = new Map<string, NamedArray>();
  for (const { name, type, shape, begin, end } of ranges) {
    arrays.set(name, { shape, data: decodeElements(data.subarray(begin, end), type, true) });
  }
  return { arrays, metadata };
}

/** Each tensor begins where the one before it ends, and the last ends with the file. */
function checkCover(path: string, ranges: readonly TensorRange[], dataBytes: number): void {
  let at = 0;
  for (const { name, begin, end } of ranges) {
    if (begin !== at) {
      throw new NetworkError("ERR_ARRAY_LAYOUT", {
        path,
        layer: printable(name),
        expected: `data without holes or overlaps, from byte ${at}`,
        found: `data_offsets ${begin} to ${end}`,
      });
    }
    at = end;
  }
  if (at !== dataBytes) {
    throw new NetworkError("ERR_SAFETENSORS_HEADER", {
      path,
      expected: `tensors of the ${dataBytes} bytes behind it`,
      found: `tensors of ${at} bytes`,
    });
  }
}
