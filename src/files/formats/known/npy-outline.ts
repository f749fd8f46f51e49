/** The header of a .npy file for messages: any dtype, and no check of its elements. */

export interface NpyOutline {
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  readonly headerBytes: number;
}

/** Undefined where the bytes begin otherwise (numpy.lib.format). */
export function outlineNpy(bytes: Uint8Array): NpyOutline | undefined {
  const head = Buffer.from(bytes.subarray(0, 12));
  if (head.length < 12 || head.toString("latin1", 0, 6) !== "\x93NUMPY") return undefined;
  const isShort = head[6] === 1;
  const dictAt = isShort ? 10 : 12;
  const headerBytes = dictAt + (isShort ? head.readUInt16LE(8) : head.readUInt32LE(8));
  const dict = Buffer.from(bytes.subarray(dictAt, Math.min(headerBytes, dictAt + 10_000))).toString("utf8");
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(dict)?.[1] ?? "records";
  const shape = /'shape'\s*:\s*\(([\d\s,L]*)\)/.exec(dict)?.[1];
  if (shape === undefined) return undefined;
  return {
    descr,
    fortranOrder: /'fortran_order'\s*:\s*True/.test(dict),
    shape: Array.from(shape.matchAll(/\d+/g), ([digits]) => Number(digits)),
    headerBytes,
  };
}
