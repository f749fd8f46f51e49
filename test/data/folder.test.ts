/** MNIST's file names in a folder. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { DatasetError } from "#src/base/errors.js";
import { findInFolder } from "#src/data/folder.js";
import { inCase } from "../helpers/in-case.js";
import { temporaryFolder } from "../helpers/temporary.js";

const NAMINGS = {
  "as published": ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"],
  unpacked: ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"],
  "with a dot": ["t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"],
  "with a dot, gzipped": ["t10k-images.idx3-ubyte.gz", "t10k-labels.idx1-ubyte.gz"],
  mixed: ["t10k-images.idx3-ubyte", "t10k-labels-idx1-ubyte.gz"],
};

test("finds the test files under every spelling of their names", async (t) => {
  for (const [how, names] of Object.entries(NAMINGS)) {
    await inCase(t, `finds the test files, named ${how}`, async () => {
      const folder = await temporaryFolder(t);
      for (const name of names) await writeFile(join(folder, name), "");
      const [images, labels] = names;
      t.deepEqual(await findInFolder(folder, "test"), {
        imagesPath: join(folder, images),
        labelsPath: join(folder, labels),
      });
    });
  }
});

test("finds each split's own files", async (t) => {
  const folder = await temporaryFolder(t);
  for (const prefix of ["t10k", "train"]) {
    await writeFile(join(folder, `${prefix}-images-idx3-ubyte`), "");
    await writeFile(join(folder, `${prefix}-labels-idx1-ubyte`), "");
  }
  t.is((await findInFolder(folder, "train")).imagesPath, join(folder, "train-images-idx3-ubyte"));
  t.is((await findInFolder(folder, "test")).labelsPath, join(folder, "t10k-labels-idx1-ubyte"));
});

test("takes an unpacked file before its gzipped twin, and passes over folders", async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, "t10k-images-idx3-ubyte"));
  await writeFile(join(folder, "t10k-images-idx3-ubyte.gz"), "");
  await writeFile(join(folder, "t10k-labels-idx1-ubyte.gz"), "");
  await writeFile(join(folder, "t10k-labels-idx1-ubyte"), "");
  t.deepEqual(await findInFolder(folder, "test"), {
    imagesPath: join(folder, "t10k-images-idx3-ubyte.gz"),
    labelsPath: join(folder, "t10k-labels-idx1-ubyte"),
  });
});

test("names both files when neither is there", async (t) => {
  const folder = await temporaryFolder(t);
  const error = await t.throwsAsync(findInFolder(folder, "train"), {
    instanceOf: DatasetError,
    code: "ERR_DATASET_FILES",
  });
  t.is(
    error.message,
    `${folder}: expected train-images-idx3-ubyte and train-labels-idx1-ubyte (gzipped or not), found neither; is this the folder of the IDX files?`,
  );
});

test("says which one is there when the other is not", async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "t10k-images-idx3-ubyte.gz"), "");
  await t.throwsAsync(findInFolder(folder, "test"), {
    code: "ERR_DATASET_FILES",
    message: /found only t10k-images-idx3-ubyte;/,
  });
});
