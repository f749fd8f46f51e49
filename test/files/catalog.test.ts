/** The catalog's entries, and real files held against it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { CATALOG, DATASET_CATALOG } from "#src/files/catalog.js";
import { remoteFile } from "../helpers/mirror.js";
import { mnist, needs } from "../helpers/require.js";

test("every mirror is a folder, and every file has a size and a hash of its own", (t) => {
  const hashes: string[] = [];
  for (const { mirrors, files } of CATALOG.values()) {
    for (const mirror of mirrors) t.regex(new URL(mirror).href, /^https?:\/\/[^?#]+\/$/);
    t.is(new Set(mirrors).size, mirrors.length);
    for (const { bytes, sha256 } of files) {
      t.true(Number.isSafeInteger(bytes) && bytes > 0);
      t.regex(sha256, /^[0-9a-f]{64}$/);
      hashes.push(sha256);
    }
  }
  t.is(new Set(hashes).size, 13);
});

test("data sets list a split's images before its labels", (t) => {
  for (const { files } of DATASET_CATALOG.values()) {
    t.deepEqual(
      files.map(({ name }) => name),
      ["t10k-images", "t10k-labels", "train-images", "train-labels"].map(
        (stem) => `${stem}-idx${stem.endsWith("images") ? 3 : 1}-ubyte.gz`,
      ),
    );
  }
});

needs("mnist", mnist !== undefined)(
  "MNIST's files and the book's network are what the catalog says",
  async (t) => {
    // The training images at hand are the official bytes packed anew.
    const official = [...(CATALOG.get("mnist")?.files ?? []), ...(CATALOG.get("book")?.files ?? [])].filter(
      ({ name }) => name !== "train-images-idx3-ubyte.gz",
    );
    t.is(official.length, 4);
    for (const file of official) {
      t.deepEqual(remoteFile(await readFile(join(mnist ?? "", file.name)), file.name), file);
    }
  },
);
