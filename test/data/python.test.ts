/** IDX files as Python's own modules write them, read whole and read while they are evaluated. */
import { join } from "node:path";
import { readLabelled } from "#src/data/labels.js";
import { streamedDataset } from "#src/data/stream/streamed-dataset.js";
import { allOf } from "../helpers/all-of.js";
import { pythonWith, runPython } from "../helpers/python.js";
import { needs } from "../helpers/require.js";
import { FACTS } from "../helpers/shards.js";
import { temporaryFolder } from "../helpers/temporary.js";

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
    const whole = await readLabelled(paths);
    t.deepEqual(
      [whole.total, [...whole.pixels], [...whole.labels]],
      [7, pixels, [0, 1, 2, 3, 4, 5, 6]],
      ending,
    );
    const streamed = await streamedDataset([paths], FACTS);
    const slabs = await allOf(streamed.slabs({ offset: 0, limit: 7 }, 1));
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
