/** A set as large as a test needs, of our own images over and over. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ExecutionContext } from "ava";
import { FIXTURES } from "#src/base/package.js";
import { openIdxSet } from "#src/data/stream/idx-set.js";
import { collectSlab } from "#src/data/stream/slab-reader.js";
import { idxBytes } from "./idx.js";
import { FACTS } from "./shards.js";
import { temporaryFolder } from "./temporary.js";

/** The options that name it: 10,000 images, `times` times, in two plain IDX files. */
export async function repeatedSet(t: ExecutionContext, times: number): Promise<readonly string[]> {
  const paths = {
    imagesPath: fileURLToPath(new URL("digits-images-idx3-ubyte.gz", FIXTURES)),
    labelsPath: fileURLToPath(new URL("digits-labels-idx1-ubyte.gz", FIXTURES)),
  };
  const set = await openIdxSet([paths], FACTS);
  const { total, shape } = set.facts;
  const { pixels, labels } = await collectSlab(set, { offset: 0, limit: total });
  const folder = await temporaryFolder(t);
  const [images, names] = [join(folder, "images"), join(folder, "labels")];
  const manyPixels = new Uint8Array(times * pixels.length);
  const manyLabels = new Uint8Array(times * labels.length);
  for (let n = 0; n < times; n++) {
    manyPixels.set(pixels, n * pixels.length);
    manyLabels.set(labels, n * labels.length);
  }
  await writeFile(images, idxBytes("u8", [times * total, shape.rows, shape.columns], manyPixels));
  await writeFile(names, idxBytes("u8", [times * total], manyLabels));
  return ["--dataset", images, "--labels", names];
}
