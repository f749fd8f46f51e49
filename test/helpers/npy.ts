/** Writes .npy files for tests, by the format's description and not by the code under test. */

/** Any dict, also a wrong one, in any version. */
export function npyFile(dict: string, elements: Uint8Array, version: 1 | 2 | 3 = 1): Buffer {
  const prefix = Buffer.from(`\x93NUMPY${String.fromCharCode(version)}\0`, "latin1");
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  const used = prefix.length + length.length + dict.length + 1;
  const text = `${dict}${" ".repeat((64 - (used % 64)) % 64)}\n`;
  length.writeUIntLE(text.length, 0, length.length);
  return Buffer.concat([prefix, length, Buffer.from(text, "latin1"), elements]);
}

export function npyDict(descr: string, shape: readonly number[], fortran = false): string {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  return `{'descr': '${descr}', 'fortran_order': ${fortran ? "True" : "False"}, 'shape': ${tuple}, }`;
}

/** Little-endian float32. */
export function npyFloats(shape: readonly number[], values: ArrayLike<number>): Buffer {
  return npyFile(npyDict("<f4", shape), new Uint8Array(Float32Array.from(values).buffer));
}

export function npyBytes(shape: readonly number[], values: ArrayLike<number>): Buffer {
  return npyFile(npyDict("|u1", shape), Uint8Array.from(values));
}
