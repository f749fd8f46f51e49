/** IDX files whose type or rank is another than that of images or labels: the NumPy line that makes one of them. */
import { readFileHead } from "./file-head.js";
import { pixelsCheck, python } from "./known-file.js";

/** NumPy's types by the third byte (yann.lecun.com/exdb/mnist). */
const TYPES: ReadonlyMap<number, string> = new Map([
  [0x08, "u1"],
  [0x09, "i1"],
  [0x0b, ">i2"],
  [0x0c, ">i4"],
  [0x0d, ">f4"],
  [0x0e, ">f8"],
]);

/** What makes images, u8 of rank 3, or labels, u8 of rank 1, of the file; undefined where no line can. */
export async function idxStep(path: string, as: "images" | "labels"): Promise<string | undefined> {
  const { bytes, inflated } = await readFileHead(path);
  const start = Buffer.from(inflated?.bytes ?? bytes);
  const type = TYPES.get(start[2]);
  const rank = start[3];
  if (type === undefined || start.length < 4 + 4 * rank) return undefined;
  const shape = Array.from({ length: rank }, (_, axis) => start.readUInt32BE(4 + 4 * axis));
  const open = `import ${inflated ? "gzip," : ""}numpy as np; b=${inflated ? "gzip.open" : "open"}(FILE,'rb').read(); a=np.frombuffer(b,'${type}',offset=${4 + 4 * rank})`;
  if (as === "labels") {
    // QMNIST's labels have eight columns, of which the first is the class (facebookresearch/qmnist, README).
    const columns = shape.length === 2 && shape[1] <= 16 ? shape[1] : 1;
    if (rank > 2 || (rank === 2 && columns !== shape[1])) return undefined;
    const code = `${open}.reshape(-1,${columns})[:,0].astype('u1'); open('out-labels-idx1-ubyte','wb').write(bytes([0,0,8,1])+len(a).to_bytes(4,'big')+a.tobytes())`;
    const what = columns > 1 ? `the class is the first of its ${columns} columns: ` : "";
    return `${what}run ${python(path, code)} and give --labels out-labels-idx1-ubyte`;
  }
  const sides = sidesOf(shape);
  if (sides === undefined) {
    return shape.length === 2
      ? "images of one row each cannot be told their rows and columns: write them as (images, rows, columns)"
      : undefined;
  }
  const bytesOf =
    type === "u1"
      ? ""
      : type.includes("f")
        ? `${pixelsCheck("a")}; a=(a*(255 if a.max()<=1 else 1)).round().astype('u1')`
        : `${pixelsCheck("a")}; a=a.astype('u1')`;
  const code = `${open}${bytesOf}; n=len(a)//${sides[0] * sides[1]}; open('out-images-idx3-ubyte','wb').write(bytes([0,0,8,3])+np.array([n,${sides.join(",")}],'>u4').tobytes()+a.tobytes())`;
  return `run ${python(path, code)} and give --dataset out-images-idx3-ubyte --labels FILE`;
}

/** Rows and columns of (N, R, C), (N, 1, R, C), (N, R, C, 1) and (N, R²). */
function sidesOf([, a, b, c]: readonly number[]): readonly [number, number] | undefined {
  if (b === undefined) {
    const side = Math.sqrt(a);
    return a > 1 && Number.isInteger(side) ? [side, side] : undefined;
  }
  if (c === undefined) return [a, b];
  if (c === 1) return [a, b];
  return a === 1 ? [b, c] : undefined;
}
