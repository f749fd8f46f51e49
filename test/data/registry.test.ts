/** Data sets opened by name, folder and file. */
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import test, { type ExecutionContext } from "ava";
import { atLeast, DatasetError, FileError, UsageError } from "#src/base/errors.js";
import { findInFolder } from "#src/data/folder.js";
import { openDataset } from "#src/data/registry.js";
import { ONE_BY_ONE } from "../helpers/all-of.js";
import { imageBytes, labelBytes, labelsOf, pixelsOf, writeSplit } from "../helpers/idx.js";
import { inCase } from "../helpers/in-case.js";
import { temporaryFile, temporaryFolder } from "../helpers/temporary.js";

/** A folder with both files of these bytes, as `images` and `labels`. */
async function pair(t: ExecutionContext, imageFile: Uint8Array, labelFile: Uint8Array) {
  const folder = await temporaryFolder(t);
  const paths = { dataset: join(folder, "images"), labels: join(folder, "labels") };
  await writeFile(paths.dataset, imageFile);
  await writeFile(paths.labels, labelFile);
  return paths;
}

test("opens an image file and its label file", async (t) => {
  const paths = await pair(t, gzipSync(imageBytes(10)), labelBytes(10));
  const { facts, sha256, slabs } = await openDataset({ ...paths, split: "test" });
  const files = Buffer.concat([await readFile(paths.dataset), await readFile(paths.labels)]);
  t.deepEqual(facts, {
    name: "images",
    split: "test",
    shape: { rows: 3, columns: 2, channels: 1 },
    total: 10,
    labelsPath: paths.labels,
    classNames: undefined,
    isDeflated: true,
    view: { invert: false, transpose: false, grayscale: false, labelOffset: 0 },
    assumptions: [],
  });
  t.is(await sha256(), createHash("sha256").update(files).digest("hex"));
  for await (const slab of slabs({ offset: 0, limit: 10 }, ONE_BY_ONE)) {
    t.deepEqual(new Uint8Array(slab.pixels), pixelsOf(60));
    t.deepEqual(new Uint8Array(slab.labels), labelsOf(10));
  }
  t.plan(4);
});

test("opens either split of a folder", async (t) => {
  const folder = await temporaryFolder(t);
  await writeSplit(folder, "t10k", 4);
  await writeSplit(folder, "train", 7);
  const testSet = await openDataset({ dataset: folder, split: "test" });
  const trainSet = await openDataset({ dataset: `${folder}/`, split: "train" });
  t.deepEqual([testSet.facts.total, testSet.facts.split, testSet.facts.name], [4, "test", basename(folder)]);
  t.deepEqual(
    [trainSet.facts.total, trainSet.facts.split, trainSet.facts.name],
    [7, "train", basename(folder)],
  );
});

test("gives the class names of a file", async (t) => {
  const paths = await pair(t, imageBytes(2), labelBytes(2));
  const classes = await temporaryFile(t, "shirt\nboot\n");
  t.deepEqual((await openDataset({ ...paths, classes, split: "test" })).facts.classNames, ["shirt", "boot"]);
});

test("refuses a class file that is not there", async (t) => {
  const paths = await pair(t, imageBytes(2), labelBytes(2));
  const classes = join(await temporaryFolder(t), "absent");
  await t.throwsAsync(openDataset({ ...paths, classes, split: "test" }), {
    instanceOf: FileError,
    code: "ERR_FILE_READ",
  });
});

test("refuses the training split of the bundled set", async (t) => {
  const error = await t.throwsAsync(openDataset({ dataset: "bundled", split: "train" }), {
    instanceOf: DatasetError,
    code: "ERR_DATASET_SPLIT",
  });
  t.is(error.message, 'data set "bundled": expected the split test, found "train"; set --split');
  t.is(error.exitStatus, 3);
});

test("refuses names and paths where no data set is", async (t) => {
  await inCase(t, "refuses a name that nothing has, and suggests one that is close", async () => {
    const error = await t.throwsAsync(openDataset({ dataset: "bundeld", split: "test" }), {
      instanceOf: DatasetError,
      code: "ERR_DATASET_UNKNOWN",
    });
    t.is(error.message, 'unknown data set "bundeld": did you mean "bundled"?');
  });

  await inCase(t, "refuses a path where nothing is, and lists what could be", async () => {
    const dataset = join(await temporaryFolder(t), "absent");
    await t.throwsAsync(openDataset({ dataset, split: "test" }), {
      code: "ERR_DATASET_UNKNOWN",
      message:
        /expected one of bundled, mnist, fashion-mnist, kmnist, qmnist, emnist-digits, .+, cifar10, or an existing folder, IDX file, \.npz file or manifest$/,
    });
  });

  await inCase(t, "refuses a path below a file as unknown", async () => {
    const dataset = join(await temporaryFile(t, "x"), "below");
    await t.throwsAsync(openDataset({ dataset, split: "test" }), { code: "ERR_DATASET_UNKNOWN" });
  });

  await inCase(t, "refuses a path that the system cannot take", async () => {
    for (const dataset of ["a\0b", "x".repeat(5000)]) {
      await t.throwsAsync(openDataset({ dataset, split: "test" }), {
        instanceOf: FileError,
        code: "ERR_FILE_READ",
      });
    }
  });

  await inCase(t, "refuses a folder without the files", async () => {
    const dataset = await temporaryFolder(t);
    await t.throwsAsync(openDataset({ dataset, split: "test" }), { code: "ERR_DATASET_FILES" });
  });
});

test("finds the labels beside an image file by its name", async (t) => {
  const { dataset } = await pair(t, imageBytes(2), labelBytes(2));
  t.is((await openDataset({ dataset, split: "test" })).facts.total, 2);
  const fewer = await pair(t, imageBytes(2), labelBytes(1));
  await t.throwsAsync(openDataset({ dataset: fewer.dataset, split: "test" }), { code: "ERR_COUNT_MISMATCH" });
});

test("refuses labels that are missing, doubled or swapped", async (t) => {
  await inCase(t, "refuses an image file without labels", async () => {
    for (const [name, words] of [
      ["digits", /expected labels for an IDX file of images, found none; set --labels FILE$/],
      [
        "digits-images-idx3-ubyte",
        /expected labels for an IDX file of images in digits-labels-idx1-ubyte, found none/,
      ],
    ] as const) {
      const dataset = await temporaryFile(t, imageBytes(2), name);
      const error = await t.throwsAsync(openDataset({ dataset, split: "test" }), {
        instanceOf: DatasetError,
        code: "ERR_DATASET_LABELS",
      });
      t.regex(error?.message ?? "", words);
    }
  });

  await inCase(t, "refuses labels of an empty name, as of a variable that is not set", async () => {
    const { dataset: images } = await pair(t, imageBytes(2), labelBytes(2));
    for (const dataset of ["bundled", images]) {
      await t.throwsAsync(openDataset({ dataset, labels: "", split: "test" }), {
        instanceOf: UsageError,
        code: "ERR_OPTION_VALUE",
      });
    }
  });

  await inCase(t, "refuses labels beside a set that brings its own", async () => {
    const { labels } = await pair(t, imageBytes(2), labelBytes(2));
    for (const dataset of ["bundled", await temporaryFolder(t)]) {
      await t.throwsAsync(openDataset({ dataset, labels, split: "test" }), {
        instanceOf: UsageError,
        code: "ERR_USAGE",
      });
    }
  });

  await inCase(t, "refuses labels given as images, and images as labels", async () => {
    const { dataset, labels } = await pair(t, imageBytes(2), labelBytes(2));
    const swapped = openDataset({ dataset: labels, labels: dataset, split: "test" });
    await t.throwsAsync(swapped, {
      code: "ERR_IDX_RANK",
      message: /expected rank 3, found rank 1;.*swapped/,
    });
    const twice = openDataset({ dataset, labels: dataset, split: "test" });
    await t.throwsAsync(twice, { code: "ERR_IDX_RANK", message: /expected rank 1, found rank 3;.*swapped/ });
  });

  await inCase(t, "refuses a folder given as labels", async () => {
    const { dataset } = await pair(t, imageBytes(2), labelBytes(2));
    const labels = await temporaryFolder(t);
    await t.throwsAsync(openDataset({ dataset, labels, split: "test" }), {
      code: "ERR_FILE_READ",
      message: /it is a folder/,
    });
  });
});

test("refuses counts that differ", async (t) => {
  const paths = await pair(t, imageBytes(10), labelBytes(9));
  const error = await t.throwsAsync(openDataset({ ...paths, split: "test" }), {
    instanceOf: DatasetError,
    code: "ERR_COUNT_MISMATCH",
  });
  t.is(
    error.message,
    `${paths.labels}: expected 10 labels for the images of ${paths.dataset}, found 9; do the files belong together?`,
  );
});

test("tells the images' fault when both files are at fault", async (t) => {
  const images = gzipSync(labelBytes(5));
  const paths = await pair(t, images, Buffer.of(0));
  await t.throwsAsync(openDataset({ ...paths, split: "test" }), { code: "ERR_IDX_RANK" });
});

// MNIST's file names in a folder.

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
      const [images, labels] = atLeast(names, 2);
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

test("names the files that are missing in a folder", async (t) => {
  await inCase(t, "names both files when neither is there", async () => {
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

  await inCase(t, "says which one is there when the other is not", async () => {
    const folder = await temporaryFolder(t);
    await writeFile(join(folder, "t10k-images-idx3-ubyte.gz"), "");
    await t.throwsAsync(findInFolder(folder, "test"), {
      code: "ERR_DATASET_FILES",
      message: /found only t10k-images-idx3-ubyte;/,
    });
  });
});
