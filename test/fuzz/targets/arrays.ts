/** Readers of sets in arrays: .npz, .npy, IDX of any type, pickles, PyTorch files, CIFAR's binary records. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Dataset, imageBytes } from "#src/base/contracts/dataset.js";
import { openCifarSet } from "#src/data/cifar-set.js";
import { openIdxArrays } from "#src/data/idx-arrays.js";
import { openNpySet, openNpzSet } from "#src/data/npz-set.js";
import { openBatches, openPickleSet } from "#src/data/pickle-set.js";
import { collectSlab } from "#src/data/stream/slab-reader.js";
import { CIFAR_INPUTS, cifarRecords } from "../../helpers/cifar.js";
import { idxBytes } from "../../helpers/idx.js";
import { npyBytes, npyDict, npyFile, npyFloats } from "../../helpers/npy.js";
import { dict, encoded, latin1, list, numpy, tensor, text, whole } from "../../helpers/pickle.js";
import type { Target } from "../target.js";
import { gzipped, IDX_WORDS } from "./idx.js";
import { malformed } from "./malformed.js";
import { archive } from "./npz.js";

export const GIVEN = { name: "set", split: "test", classNames: undefined } as const;

async function allOf(set: Dataset) {
  return collectSlab(set, { offset: 0, limit: set.facts.total });
}

/** Every byte of a set, which must be as many as it says. */
export async function readSet(opening: Promise<Dataset>): Promise<string | undefined> {
  const set = await opening;
  const { shape, total } = set.facts;
  const { pixels, labels } = await allOf(set);
  const isWhole = pixels.length === total * imageBytes(shape) && labels.length === total && total > 0;
  return isWhole ? undefined : `read ${pixels.length} pixels and ${labels.length} labels for ${total} images`;
}

const IMAGES = 4;
/** (4, 14, 14): most damage lands in pixels, and leaves the file readable. */
const SIDE = 14;
const PIXELS = Array.from({ length: IMAGES * SIDE * SIDE }, (_, n) => (n * 37) % 256);
const PARTS = PIXELS.map((pixel) => pixel / 255);
const CLASSES = [7, 3, 0, 9];
const wide = (values: readonly number[]) => Buffer.from(BigInt64Array.from(values, BigInt).buffer);
const floats = (values: readonly number[]) => Buffer.from(Float32Array.from(values).buffer);

const npz: Target = {
  name: "npz-set",
  seeds: [
    archive("images", {
      "x_test.npy": npyBytes([4, 3, 2], Array(24).fill(7)),
      "y_test.npy": npyBytes([4], [1, 2, 3, 0]),
    }),
    archive(
      "wide labels",
      {
        "x_test.npy": npyBytes([2, 3, 2], Array(12).fill(9)),
        "y_test.npy": npyFile(npyDict("<i8", [2]), wide([1, 2])),
      },
      true,
    ),
    archive("parts of 1, one-hot labels", {
      "test_images.npy": npyFloats([IMAGES, SIDE, SIDE, 1], PARTS),
      "test_labels.npy": npyFloats([IMAGES, 2], [0, 1, 1, 0, 0, 1, 1, 0]),
    }),
    archive("colours", {
      "X.npy": npyBytes(
        [2, SIDE, SIDE, 3],
        PIXELS.slice(0, 2 * 3).flatMap((n) => Array(SIDE * SIDE).fill(n)),
      ),
      "y.npy": npyBytes([2, 1], [4, 5]),
    }),
    archive("beside other arrays", {
      "images.npy": npyBytes([IMAGES, SIDE, SIDE], PIXELS),
      "labels.npy": npyBytes([IMAGES], CLASSES),
      "ids.npy": npyBytes([IMAGES], CLASSES),
      "weights.npy": npyFloats([IMAGES], CLASSES),
      "thumbnails.npy": npyBytes([IMAGES, 2, 2], PIXELS.slice(0, 4 * IMAGES)),
    }),
    archive("Fortran order, beside another split", {
      "x_train.npy": npyBytes([1, 2, 2], [1, 2, 3, 4]),
      "y_train.npy": npyBytes([1], [5]),
      "x_test.npy": npyFile(npyDict("|u1", [IMAGES, SIDE, SIDE], true), Uint8Array.from(PIXELS)),
      "y_test.npy": npyFile(npyDict("|u1", [IMAGES, 2], true), Uint8Array.of(1, 0, 1, 0, 0, 1, 0, 1)),
    }),
    archive("truths", {
      "x_test.npy": npyFile(
        npyDict("|b1", [IMAGES, SIDE, SIDE]),
        Uint8Array.from(PIXELS, (n) => n & 1),
      ),
      "y_test.npy": npyFloats([IMAGES], CLASSES),
    }),
    archive(
      "first channels, deflated",
      {
        "arr_0.npy": npyBytes([1, 3, SIDE, SIDE], PIXELS.slice(0, 3 * SIDE * SIDE)),
        "arr_1.npy": npyBytes([1], [2]),
      },
      true,
    ),
    ...malformed(".set.npz"),
  ],
  words: ["x_test.npy\0", "y_test.npy\0", "'<i8'", "'|u1'", "(0,)", "(4294967296, 1)", "PK\x05\x06"],
  codes:
    /^ERR_(FILE_READ|FILE_EMPTY|ZIP_\w+|NPY_\w+|NPZ_ARRAYS|NPZ_ARRAY|COUNT_MISMATCH|LABEL_RANGE|PIXEL_VALUE|DATASET_FORMAT)$/,
  onDisk: true,
  read: (_, path) => readSet(openNpzSet(path, GIVEN, true)),
};

/** A file beside the mutants. */
function laid(path: string, bytes: Uint8Array): string {
  if (!existsSync(path)) writeFileSync(path, bytes);
  return path;
}

/** A mutant of one dimension, or of a few columns, is the labels of the images beside it. */
const npy: Target = {
  name: "npy-set",
  seeds: [
    { name: "bytes", bytes: npyBytes([IMAGES, SIDE, SIDE], PIXELS) },
    { name: "a last channel", bytes: npyBytes([IMAGES, SIDE, SIDE, 1], PIXELS) },
    { name: "flat bytes", bytes: npyBytes([IMAGES, SIDE * SIDE], PIXELS) },
    { name: "flat parts of 1", bytes: npyFloats([IMAGES, SIDE * SIDE], PARTS) },
    { name: "colours", bytes: npyBytes([1, 3, SIDE, SIDE], PIXELS.slice(0, 3 * SIDE * SIDE)) },
    {
      name: "Fortran order",
      bytes: npyFile(npyDict("|u1", [IMAGES, SIDE, SIDE], true), Uint8Array.from(PIXELS)),
    },
    {
      name: "big-endian integers",
      bytes: npyFile(
        npyDict(">i2", [IMAGES, SIDE, SIDE]),
        Buffer.from(Int16Array.from(PIXELS).buffer).swap16(),
      ),
    },
    { name: "labels", bytes: npyFile(npyDict("<i8", [IMAGES]), wide(CLASSES)) },
    { name: "one-hot labels", bytes: npyBytes([IMAGES, 2], [0, 1, 1, 0, 0, 1, 1, 0]) },
    {
      name: "truths",
      bytes: npyFile(npyDict("|b1", [IMAGES, SIDE, SIDE]), new Uint8Array(IMAGES * SIDE * SIDE)),
    },
    ...malformed("truncated.npy"),
    ...malformed("objects.npy"),
    ...malformed(".set.npy"),
  ],
  words: ["'<f4'", "'|b1'", "'<i8'", "'>f8'", "(4, 196)", "(4294967296, 1)", "(4, 0)", "True"],
  codes:
    /^ERR_(FILE_READ|FILE_EMPTY|NPY_\w+|NPZ_ARRAY|DATASET_FORMAT|PIXEL_VALUE|LABEL_RANGE|COUNT_MISMATCH)$/,
  onDisk: true,
  read(bytes, path) {
    if (!/'shape': \(\d+, ?2?\)/.test(Buffer.from(bytes).toString("latin1"))) {
      return readSet(openNpySet(path, GIVEN, false));
    }
    const images = laid(`${path}-pictures.npy`, npyBytes([IMAGES, SIDE, SIDE], PIXELS));
    return readSet(openNpySet(images, GIVEN, true, undefined, path));
  },
};

const doubles = idxBytes("f64", [IMAGES, SIDE, SIDE], PARTS);
const QMNIST = CLASSES.flatMap((label) => [label, 4, 100, 12, 3, 1, 0, 0]);

/** A mutant of 32-bit numbers, or of one dimension, is the labels of the images beside it. */
const idx: Target = {
  name: "idx-arrays",
  seeds: [
    { name: "doubles", bytes: doubles },
    { name: "flat", bytes: idxBytes("u8", [IMAGES, SIDE * SIDE], PIXELS) },
    {
      name: "signed bytes",
      bytes: idxBytes(
        "i8",
        [IMAGES, SIDE, SIDE],
        PIXELS.map((n) => n >> 1),
      ),
    },
    { name: "short integers", bytes: idxBytes("i16", [IMAGES, SIDE, SIDE], PIXELS) },
    { name: "floats", bytes: idxBytes("f32", [IMAGES, SIDE, SIDE, 1], PARTS) },
    { name: "colours", bytes: idxBytes("u8", [1, SIDE, SIDE, 3], PIXELS.slice(0, 3 * SIDE * SIDE)) },
    { name: "labels of QMNIST", bytes: idxBytes("i32", [IMAGES, 8], QMNIST) },
    { name: "labels as floats", bytes: idxBytes("f32", [IMAGES], CLASSES) },
    gzipped("gzipped", doubles),
    ...malformed(".idx"),
  ],
  words: [...IDX_WORDS, Buffer.of(0, 0, 0x0d, 4), Buffer.of(0, 0, 0x0e, 2)],
  codes:
    /^ERR_(FILE_READ|FILE_EMPTY|IDX_\w+|GZIP_\w+|NPZ_ARRAY|DATASET_FORMAT|PIXEL_VALUE|LABEL_RANGE|COUNT_MISMATCH)$/,
  onDisk: true,
  read(bytes, path) {
    if (bytes[2] !== 0x0c && bytes[3] !== 1) {
      return readSet(openIdxArrays({ imagesPath: path }, { ...GIVEN, labelsPath: undefined }, undefined));
    }
    const imagesPath = laid(`${path}-images`, idxBytes("u8", [IMAGES, SIDE, SIDE], PIXELS));
    return readSet(
      openIdxArrays({ imagesPath, labelsPath: path }, { ...GIVEN, labelsPath: path }, undefined),
    );
  },
};

const FLAT = [IMAGES, SIDE * SIDE];
const book = latin1(
  `\x80\x03${dict({
    train_img: numpy("u1", [1, 4], Uint8Array.of(1, 2, 3, 4)),
    train_label: numpy("u1", [1], Uint8Array.of(5)),
    test_img: numpy("u1", FLAT, Uint8Array.from(PIXELS)),
    test_label: numpy("u1", [IMAGES], Uint8Array.from(CLASSES)),
  })}.`,
);
const pair = `${numpy("f4", FLAT, floats(PARTS), encoded)}${numpy("i8", [IMAGES], wide(CLASSES), encoded)}\x86`;
const nielsen = latin1(`\x80\x02${pair.repeat(3)}\x87.`);
const keras = latin1(
  `\x80\x03(${numpy("u1", [IMAGES, SIDE, SIDE], Uint8Array.from(PIXELS))}${list(CLASSES.map(whole))}t.`,
);
const batch = latin1(
  `\x80\x03${dict({
    batch_label: text("testing batch 1 of 1"),
    labels: list([whole(6)]),
    data: numpy("u1", [1, CIFAR_INPUTS], cifarRecords(1).pixels),
    filenames: list([text("domestic_cat_s_000907.png")]),
  })}.`,
);
const MANY = 340;
const long = latin1(
  `\x80\x03${dict({
    x: numpy("u1", [MANY, SIDE, SIDE], new Uint8Array(MANY * SIDE * SIDE).fill(9)),
    y: list(Array.from({ length: MANY }, (_, n) => whole(n % 10))),
  })}.`,
);
const PICKLE_WORDS = [
  ..."()0QRXb}q\x80\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x93\x94",
  ...["data", "labels", "filenames", "test_img", "test_label", "u1", "f4", "i8", "O8"],
  "cposix\nsystem\n",
  "K\0",
  "M\xff\xff",
  "J\xff\xff\xff\x7f",
  "J\xff\xff\xff\xff",
  "G\x7f\xf0\0\0\0\0\0\0",
  "N",
];
const PICKLE_CODES =
  /^ERR_(FILE_READ|FILE_EMPTY|DATASET_FORMAT|NPZ_ARRAYS?|COUNT_MISMATCH|LABEL_RANGE|PIXEL_VALUE|GZIP_\w+|PICKLE_\w+)$/;

const pickle: Target = {
  name: "pickle-set",
  seeds: [
    { name: "the book's", bytes: book },
    { name: "Nielsen's", bytes: nielsen },
    gzipped("the book's, gzipped", book),
    { name: "a pair", bytes: keras },
    { name: "a batch of CIFAR", bytes: batch },
    { name: "an array that stays in the file", bytes: long },
    ...malformed("objects.pkl"),
    ...malformed("os-system.pkl"),
    ...malformed(".set.pkl"),
  ],
  words: PICKLE_WORDS,
  codes: PICKLE_CODES,
  onDisk: true,
  read: (_, path) => readSet(openPickleSet(path, GIVEN, true)),
};

/** Long names: damage in them leaves a pickle that can be read. */
const NAMES = ["cat", "dog", "ship"].map((name) => text(name.repeat(20)));

/** The file of class names in a folder of CIFAR's batches. Names are texts that can be printed, each once. */
const meta: Target = {
  name: "cifar-meta",
  seeds: [
    {
      name: "names",
      bytes: latin1(
        `\x80\x02${dict({ ["note".repeat(20)]: text("n".repeat(200)), label_names: list(NAMES) })}.`,
      ),
    },
  ],
  words: [...PICKLE_WORDS, text("label_names"), text("\u001b[31m\n"), text("cat"), text("")],
  codes: /^ERR_(FILE_READ|FILE_EMPTY|GZIP_\w+|PICKLE_\w+|DATASET_FORMAT|CLASSES_FILE)$/,
  onDisk: false,
  async read(bytes, path) {
    const folder = `${path}-batches`;
    mkdirSync(folder, { recursive: true });
    laid(join(folder, "test_batch"), batch);
    writeFileSync(join(folder, "batches.meta"), bytes);
    const { classNames = [] } = (await openBatches(folder, GIVEN, true)).facts;
    const isWrong = new Set(classNames).size < classNames.length || classNames.some(isUnprintable);
    return isWrong ? `read the names ${JSON.stringify(classNames)}` : undefined;
  },
};

function isUnprintable(name: string): boolean {
  return name.trim() === "" || /\p{Cc}/u.test(name);
}

const torchPair = (legacy: boolean) =>
  `\x80\x02${tensor("Byte", "0", [IMAGES, SIDE, SIDE], legacy)}${tensor("Long", "1", [IMAGES], legacy)}\x86.`;
/** Before PyTorch 1.6: magic number, version, machine, the value, the keys of the storages, and the storages. */
const legacy = Buffer.concat([
  latin1("\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."),
  latin1(`\x80\x02${dict({ protocol_version: whole(1_001), little_endian: "\x88", type_sizes: "}" })}.`),
  latin1(`${torchPair(true)}\x80\x02${list([text("0"), text("1")])}.`),
  wide([PIXELS.length]),
  Uint8Array.from(PIXELS),
  wide([IMAGES]),
  wide(CLASSES),
]);

const torch: Target = {
  name: "torch-set",
  seeds: [
    archive("processed/test.pt", {
      "archive/data.pkl": latin1(torchPair(false)),
      "archive/data/0": Uint8Array.from(PIXELS),
      "archive/data/1": wide(CLASSES),
      "archive/version": latin1("3\n"),
    }),
    { name: "before PyTorch 1.6", bytes: legacy },
    ...malformed("without-storage.pt"),
  ],
  words: [...PICKLE_WORDS, "ctorch\nFloatStorage\n", "ctorch\nHalfStorage\n", "archive/data/0\0"],
  codes:
    /^ERR_(FILE_READ|FILE_EMPTY|DATASET_FORMAT|NPZ_ARRAYS?|COUNT_MISMATCH|LABEL_RANGE|PIXEL_VALUE|PICKLE_\w+|ZIP_\w+|NETWORK_FORMAT|ARRAY_LAYOUT|GZIP_\w+)$/,
  onDisk: true,
  read: (_, path) => readSet(openPickleSet(path, GIVEN, true)),
};

const cifar: Target = {
  name: "cifar-set",
  seeds: [
    { name: "CIFAR-10", bytes: cifarRecords(3).bytes },
    { name: "CIFAR-100", bytes: cifarRecords(2, 1, 2).bytes },
    { name: "gzipped", bytes: gzipSync(cifarRecords(1).bytes), isMalformed: true },
    ...malformed(".set.bin"),
  ],
  words: [Buffer.of(255), Buffer.alloc(1 + CIFAR_INPUTS, 9), Buffer.alloc(2 + CIFAR_INPUTS)],
  codes: /^ERR_(FILE_READ|FILE_EMPTY|DATASET_FORMAT)$/,
  onDisk: true,
  async read(bytes, path) {
    const { pixels, labels } = await allOf(await openCifarSet(path, GIVEN, true));
    // Files of both lengths are far longer than mutants.
    const before = bytes.length % (1 + CIFAR_INPUTS) === 0 ? 1 : 2;
    const at = (image: number) => image * (before + CIFAR_INPUTS) + before;
    const wrong = labels.findIndex((label, image) => label !== bytes[at(image) - 1]);
    const other = pixels.findIndex((pixel, n) => {
      const [image, inner] = [Math.floor(n / CIFAR_INPUTS), n % CIFAR_INPUTS];
      return pixel !== bytes[at(image) + (inner % 3) * 1_024 + Math.floor(inner / 3)];
    });
    const isWhole = labels.length > 0 && labels.length * (before + CIFAR_INPUTS) === bytes.length;
    return isWhole && wrong < 0 && other < 0 ? undefined : `label ${wrong} or pixel ${other} is wrong`;
  },
};

export const ARRAY_TARGETS: readonly Target[] = [npz, npy, idx, pickle, meta, torch, cifar];
