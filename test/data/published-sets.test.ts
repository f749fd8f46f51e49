/** Sets by name: EMNIST and CIFAR-10 from their archives, QMNIST, class names. Small archives of the published layout. */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { env } from "node:process";
import { constants, crc32, deflateRawSync, gunzipSync, gzipSync } from "node:zlib";
import test, { type ExecutionContext } from "ava";
import { zipSync } from "fflate";
import { unpackedSet } from "#src/data/published-sets.js";
import { type CatalogEntry, DATASET_CATALOG } from "#src/files/catalog.js";
import { diagnose, evaluate, openDataset } from "#src/index.js";
import { copiesOf, ONE_BY_ONE } from "../helpers/all-of.js";
import { changedSet, same, transposed } from "../helpers/changed-set.js";
import { CIFAR_NAMES, cifarFolder, cifarRecords } from "../helpers/cifar.js";
import { runCli } from "../helpers/cli.js";
import { forgetEnvironment, QUICK, remoteFile, serve, startMirror, status } from "../helpers/mirror.js";
import { tarOf } from "../helpers/tar.js";
import { temporaryFolder } from "../helpers/temporary.js";
import { codedAsync } from "../networks/coded.js";

test.before(forgetEnvironment);

const IMAGES = 600;

/** A cache of the test's own. Tests of this file run one after the other, since the variable is the process's. */
async function ownCache(t: ExecutionContext): Promise<string> {
  const cache = await temporaryFolder(t);
  env.BATCHWISE_CACHE_DIR = cache;
  t.teardown(() => delete env.BATCHWISE_CACHE_DIR);
  return cache;
}

/** The catalog's entry with the hash of the test's archive, and its mirror: nothing else of it is replaced. */
async function servedEntry(t: ExecutionContext, name: string, archive: Uint8Array) {
  const entry = DATASET_CATALOG.get(name);
  const [file] = entry?.files ?? [];
  if (entry === undefined || file === undefined) throw new Error(`no entry ${name}`);
  const mirror = await startMirror(t, serve(archive));
  const served: CatalogEntry = {
    ...entry,
    mirrors: [mirror.url.href],
    files: [remoteFile(archive, file.name)],
  };
  return { entry: served, mirror };
}

/** Members of EMNIST's layout: the first bundled digits transposed, labels shifted. */
async function emnistMembers(t: ExecutionContext, split: string, shift: number) {
  const set = await changedSet(t, IMAGES, [transposed], shift);
  return {
    [`emnist-${split}-test-images-idx3-ubyte.gz`]: new Uint8Array(await readFile(set.dataset)),
    [`emnist-${split}-test-labels-idx1-ubyte.gz`]: new Uint8Array(gzipSync(await readFile(set.labels))),
  };
}

async function writeMembers(folder: string, members: Readonly<Record<string, Uint8Array>>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(members)) await writeFile(join(folder, name), bytes);
}

test.serial(
  "unpacks only the wanted members of EMNIST's archive, once, under names of its own",
  async (t) => {
    const cache = await ownCache(t);
    const letters = await emnistMembers(t, "letters", 1);
    const archive = zipSync({
      "gzip/": new Uint8Array(),
      ...Object.fromEntries(Object.entries(letters).map(([name, bytes]) => [`gzip/${name}`, bytes])),
      "gzip/emnist-letters-mapping.txt": Buffer.from("1 65 97\n"),
      "gzip/emnist-digits-test-images-idx3-ubyte.gz": gzipSync("other"),
    });
    const { entry, mirror } = await servedEntry(t, "emnist-letters", archive);
    const paths = await unpackedSet(entry, "test", { limits: QUICK });
    const names = Object.keys(letters);
    const [imagesPath, labelsPath] = names.map((name) => join(cache, "emnist", name));
    t.deepEqual(paths, { imagesPath, labelsPath });
    t.deepEqual((await readdir(join(cache, "emnist"))).sort(), [...names, "gzip.zip"].sort());
    t.deepEqual(await readFile(join(cache, "emnist", names[0]!)), Buffer.from(letters[names[0]!]!));
    await unpackedSet(entry, "test", { offline: true });
    t.is(mirror.seen.length, 1);

    const error = await codedAsync(t, unpackedSet(entry, "train", { offline: true }), "ERR_ZIP_STRUCTURE");
    t.regex(
      error.message,
      /expected an entry "gzip\/emnist-letters-train-images-idx3-ubyte\.gz", found none/,
    );
    await codedAsync(t, unpackedSet(entry, "val", {}), "ERR_DATASET_SPLIT");
  },
);

test.serial("turns EMNIST by name upright, and counts its letters from 0", async (t) => {
  const cache = await ownCache(t);
  await writeMembers(join(cache, "emnist"), await emnistMembers(t, "digits", 0));
  await writeMembers(join(cache, "emnist"), await emnistMembers(t, "letters", 1));
  const expected = await evaluate({ dataset: "bundled", weights: "bundled", limit: IMAGES });
  const digits = await evaluate({ dataset: "emnist-digits", weights: "bundled" });
  t.is(digits.result.correct, expected.result.correct);
  const { facts } = await openDataset({ dataset: "emnist-digits", split: "test" });
  t.deepEqual([facts.classNames, facts.assumptions], [undefined, []]);

  const set = await openDataset({ dataset: "emnist-letters", split: "test" });
  const bundled = await openDataset({ dataset: "bundled", split: "test" });
  const [slabs, upright] = await Promise.all(
    [set, bundled].map((one) => copiesOf(one.slabs({ offset: 0, limit: 20 }, ONE_BY_ONE))),
  );
  t.deepEqual(slabs?.[0]?.labels, upright?.[0]?.labels);
  t.deepEqual(slabs?.[0]?.pixels, upright?.[0]?.pixels);
  t.deepEqual(set.facts.classNames, [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"]);
  t.true(set.facts.view === undefined || !set.facts.view.transpose);

  for (const option of [{ transpose: true }, { labelOffset: -1 }]) {
    const refused = openDataset({ dataset: "emnist-letters", split: "test", ...option });
    const { message } = await codedAsync(t, refused, "ERR_USAGE");
    t.regex(
      message,
      /expected none, since "emnist-letters" by its name has upright pictures and labels from 0/,
    );
  }
  await codedAsync(t, evaluate({ dataset: "emnist-letters", weights: "bundled" }), "ERR_CLASSES_FILE");
});

test.serial(
  "EMNIST's own files are read as stored; the options correct them, and diagnose finds both",
  async (t) => {
    const folder = await temporaryFolder(t);
    await writeMembers(folder, await emnistMembers(t, "digits", 0));
    const given = {
      dataset: join(folder, "emnist-digits-test-images-idx3-ubyte.gz"),
      labels: join(folder, "emnist-digits-test-labels-idx1-ubyte.gz"),
      weights: "bundled",
    };
    const stored = await evaluate(given);
    const turned = await evaluate({ ...given, transpose: true });
    const upright = await evaluate({ dataset: "bundled", weights: "bundled", limit: IMAGES });
    t.true(stored.result.accuracy < 0.6, `${stored.result.accuracy}`);
    t.is(turned.result.correct, upright.result.correct);
    const { facts } = await openDataset({ dataset: given.dataset, labels: given.labels, split: "test" });
    t.deepEqual(
      facts.assumptions?.map(({ option }) => option),
      ["--transpose"],
    );
    t.deepEqual((await diagnose({ ...given, limit: 300 })).options, ["--transpose"]);

    await writeMembers(folder, await emnistMembers(t, "letters", 1));
    const letters = {
      ...given,
      dataset: given.dataset.replace("digits", "letters"),
      labels: given.labels.replace("digits", "letters"),
    };
    const { options } = await diagnose({ ...letters, limit: 300 });
    t.deepEqual(options, ["--transpose", "--label-offset", "-1"]);
  },
);

test.serial("opens CIFAR-10 from its archive, with the names of its classes", async (t) => {
  const cache = await ownCache(t);
  const source = await cifarFolder(t, 7);
  const members = await Promise.all(
    (await readdir(source)).map(async (name) => ({
      name: `cifar-10-batches-bin/${name}`,
      content: await readFile(join(source, name)),
    })),
  );
  const folderOfAll = { name: "cifar-10-batches-bin/", type: "5" };
  const { entry, mirror } = await servedEntry(t, "cifar10", gzipSync(tarOf([folderOfAll, ...members])));
  t.deepEqual(await unpackedSet(entry, "test", { limits: QUICK }), {
    folder: join(cache, "cifar10", "cifar-10-batches-bin"),
  });
  const set = await openDataset({ dataset: "cifar10", split: "train", offline: true });
  t.like(set.facts, { name: "cifar10", total: 35, classNames: CIFAR_NAMES });
  const [slab] = await copiesOf(set.slabs({ offset: 7, limit: 7 }, { multiple: 7, lanes: 1 }));
  t.deepEqual(slab?.pixels, cifarRecords(7, 2).pixels);
  t.is(mirror.seen.length, 1);
});

test.serial("keeps nothing of an archive with another hash, or without what it should have", async (t) => {
  const cache = await ownCache(t);
  const archive = gzipSync(tarOf([{ name: "cifar-10-batches-bin/data_batch_1.bin", type: "2" }]));
  const { entry } = await servedEntry(t, "cifar10", archive);
  const damaged = { ...entry, files: entry.files.map((file) => ({ ...file, sha256: "0".repeat(64) })) };
  await codedAsync(t, unpackedSet(damaged, "test", { limits: QUICK }), "ERR_TRANSFER_FAILED");
  t.deepEqual(await readdir(join(cache, "cifar10")), []);
  await codedAsync(t, unpackedSet(entry, "test", { limits: QUICK }), "ERR_DATASET_FORMAT");
  t.deepEqual(await readdir(join(cache, "cifar10")), ["cifar-10-binary.tar.gz"]);

  await writeFile(join(await ownCache(t), "cifar10"), "a file");
  await codedAsync(t, unpackedSet(entry, "test", { limits: QUICK }), "ERR_CACHE_WRITE");
});

test.serial(
  "reads QMNIST's labels of eight columns, and names the classes of Fashion-MNIST and KMNIST",
  async (t) => {
    const cache = await ownCache(t);
    const { dataset, labels } = await changedSet(t, IMAGES, [same]);
    const [images, digits] = [await readFile(dataset), (await readFile(labels)).subarray(8)];
    const table = Buffer.alloc(12 + digits.length * 32);
    for (const [n, value] of [0x0c02, digits.length, 8].entries()) table.writeInt32BE(value, n * 4);
    for (const [n, digit] of digits.entries()) table.writeInt32BE(digit, 12 + n * 32);
    /** A cached file is taken by its size: the test's files get the published ones. */
    const padded = async (name: string, files: readonly Uint8Array[]) => {
      const wanted = (DATASET_CATALOG.get(name)?.files ?? []).filter((file) =>
        /^(t10k|qmnist-test)/.test(file.name),
      );
      await mkdir(join(cache, name));
      for (const [n, { name: file, bytes }] of wanted.entries()) {
        await writeFile(join(cache, name, file), gzipOfLength(files[n]!, bytes));
      }
    };
    await padded("qmnist", [gunzipSync(images), table]);
    const qmnist = await evaluate({ dataset: "qmnist", weights: "bundled", offline: true });
    const expected = await evaluate({ dataset: "bundled", weights: "bundled", limit: IMAGES });
    t.is(qmnist.result.correct, expected.result.correct);
    await padded("fashion-mnist", [gunzipSync(images), await readFile(labels)]);
    await padded("kmnist", [gunzipSync(images), await readFile(labels)]);
    for (const [name, first, last] of [
      ["fashion-mnist", "T-shirt/top", "Ankle boot"],
      ["kmnist", "お", "を"],
    ] as const) {
      const run = ["--quiet", "--offline", "--dataset", name, "--format", "json"];
      const { stdout, stderr } = await runCli(run, { env: { BATCHWISE_CACHE_DIR: cache } });
      t.not(stdout, "", stderr);
      const { classNames } = JSON.parse(stdout).dataset;
      t.deepEqual([classNames?.length, classNames?.[0], classNames?.[9]], [10, first, last]);
    }
    const classes = join(cache, "classes.txt");
    await writeFile(classes, [..."abcdefghij"].join("\n"));
    const own = await openDataset({ dataset: "kmnist", split: "test", offline: true, classes });
    t.is(own.facts.classNames?.[0], "a");
  },
);

/** A gzip file of exactly `bytes` bytes: filled with empty blocks (RFC 1951, 3.2.4), and a short name in its header. */
function gzipOfLength(content: Uint8Array, bytes: number): Buffer {
  const deflate = deflateRawSync(content, { finishFlush: constants.Z_SYNC_FLUSH });
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(content));
  trailer.writeUInt32LE(content.length, 4);
  const left = bytes - 10 - deflate.length - trailer.length;
  const filled = Buffer.alloc(5 * Math.floor((left - 1) / 5), Buffer.of(0, 0, 0, 0xff, 0xff));
  filled[filled.length - 5] = 1;
  const header = Buffer.of(0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3);
  const name = Buffer.alloc(left - filled.length, "x");
  name[name.length - 1] = 0;
  return Buffer.concat([header, name, deflate, filled, trailer]);
}

test.serial("lists the six splits for EMNIST alone, and suggests one for a misspelt name", async (t) => {
  const { stderr } = await runCli(["--quiet", "--dataset", "emnist"]);
  t.regex(
    stderr,
    /did you mean one of emnist-digits, emnist-letters, emnist-balanced, emnist-byclass, emnist-bymerge, emnist-mnist\?/,
  );
  const { stderr: near } = await runCli(["--quiet", "--dataset", "emnist-leters"]);
  t.regex(near, /did you mean "emnist-letters"\?/);
  const mirror = await startMirror(t, status(404));
  const cache = await temporaryFolder(t);
  const offline = await runCli(["--quiet", "--offline", "--dataset", "emnist-letters"], {
    env: { BATCHWISE_CACHE_DIR: cache, BATCHWISE_MIRROR: mirror.url.href },
  });
  t.regex(offline.stderr, /ERR_TRANSFER_OFFLINE.*batchwise fetch emnist-letters/);
  t.is(mirror.seen.length, 0);
});
