/** Writes IDX files for tests, by the format's description and not by the code under test. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** Code, bytes an element, and how DataView writes one, big-endian. */
const WRITERS = {
  u8: [0x08, 1, (view: DataView, at: number, value: number) => view.setUint8(at, value)],
  i8: [0x09, 1, (view: DataView, at: number, value: number) => view.setInt8(at, value)],
  i16: [0x0b, 2, (view: DataView, at: number, value: number) => view.setInt16(at, value)],
  i32: [0x0c, 4, (view: DataView, at: number, value: number) => view.setInt32(at, value)],
  f32: [0x0d, 4, (view: DataView, at: number, value: number) => view.setFloat32(at, value)],
  f64: [0x0e, 8, (view: DataView, at: number, value: number) => view.setFloat64(at, value)],
} as const;
export type WrittenDtype = keyof typeof WRITERS;

/** Magic and dimensions alone; any codes and numbers, also wrong ones. */
export function idxHeader(dtypeCode: number, shape: readonly number[]): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.set([0, 0, dtypeCode, shape.length]);
  for (const [i, dimension] of shape.entries()) header.writeUInt32BE(dimension, 4 + 4 * i);
  return header;
}

export function idxBytes(dtype: WrittenDtype, shape: readonly number[], values: ArrayLike<number>): Buffer {
  const [code, elementBytes, write] = WRITERS[dtype];
  const elements = Buffer.alloc(values.length * elementBytes);
  const view = new DataView(elements.buffer, elements.byteOffset, elements.length);
  for (let i = 0; i < values.length; i++) write(view, i * elementBytes, values[i]!);
  return Buffer.concat([idxHeader(code, shape), elements]);
}

/** `count` images of rows × columns: byte k of the file's pixels is (7·k + 3) mod 256. */
export function imageBytes(count: number, rows = 3, columns = 2): Buffer {
  return idxBytes("u8", [count, rows, columns], pixelsOf(count * rows * columns));
}

export function pixelsOf(length: number): Uint8Array {
  const pixels = new Uint8Array(length);
  for (let k = 0; k < length; k++) pixels[k] = (7 * k + 3) % 256;
  return pixels;
}

/** `count` labels 0, 1, … 9, 0, 1, … */
export function labelBytes(count: number): Buffer {
  return idxBytes("u8", [count], labelsOf(count));
}

export function labelsOf(count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => i % 10);
}

/** Both files of a split, gzipped, under MNIST's names. */
export async function writeSplit(folder: string, prefix: "t10k" | "train", count: number): Promise<void> {
  await writeFile(join(folder, `${prefix}-images-idx3-ubyte.gz`), gzipSync(imageBytes(count)));
  await writeFile(join(folder, `${prefix}-labels-idx1-ubyte.gz`), gzipSync(labelBytes(count)));
}
