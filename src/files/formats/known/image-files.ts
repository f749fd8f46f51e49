/** Known files of images and tables: CSV, IDX, HDF5 of data, MATLAB, Parquet, Arrow, pictures, CIFAR-10. */

import type { FileHead } from "./file-head.js";
import { isHdf5 } from "./keras-files.js";
import {
  exportedSet,
  imageFile,
  type KnownFile,
  labelsCheck,
  pixelBytes,
  pixelsCheck,
  python,
  shellQuoted,
  WITH_ACTIVATION,
} from "./known-file.js";

const isText = ({ bytes }: FileHead) =>
  bytes.every((byte) => byte >= 32 || byte === 9 || byte === 10 || byte === 13);

interface Table {
  readonly delimiter: string;
  readonly columns: number;
  readonly header: readonly string[] | undefined;
  readonly encoding: string | undefined;
}

/** Table of numbers. Its first line may hold names. */
function tableOf(head: FileHead): Table | undefined {
  const { bytes, text } = head;
  const isWide = text.startsWith("\xff\xfe") || text.startsWith("\xfe\xff");
  const encoding = isWide ? "utf-16" : text.startsWith("\xef\xbb\xbf") ? "utf-8-sig" : undefined;
  if (!isWide && !isText(head)) return undefined;
  const decoded = new TextDecoder(
    text.startsWith("\xfe\xff") ? "utf-16be" : isWide ? "utf-16le" : "utf-8",
  ).decode(bytes);
  const [first = "", second] = decoded.split(/\r\n|\n|\r/);
  const delimiter = [",", ";", "\t", " "].find((one) => first.includes(one));
  if (delimiter === undefined) return undefined;
  const cells = first.split(delimiter).map((cell) => cell.trim().replace(/^"|"$/g, ""));
  const isNumbers = cells.every((cell) => /^[-+\d.eE]*$/.test(cell));
  // A first line of names is followed by one of numbers. A line may be longer than the bytes that were read.
  if (!isNumbers && !/^[-+\d."eE]/.test(second ?? "")) return undefined;
  return { delimiter, columns: cells.length, header: isNumbers ? undefined : cells, encoding };
}

const table: KnownFile = {
  name: "CSV",
  recognizes: (head) => tableOf(head) !== undefined,
  describe: ({ head }) => {
    const found = tableOf(head);
    const kind = found?.delimiter === "\t" ? "TSV" : "CSV";
    const encoding =
      found?.encoding === "utf-16"
        ? ", UTF-16"
        : found?.encoding === "utf-8-sig"
          ? ", UTF-8 with a byte order mark"
          : "";
    return `${kind} text of ${found?.columns ?? 0} columns${found?.header ? " under a line of names" : ""}${encoding}`;
  },
  nextStep: (file) => {
    const found = tableOf(file.head);
    if (found === undefined) return "";
    const options = `${found.delimiter === " " ? "" : `,delimiter='${found.delimiter === "\t" ? "\\t" : found.delimiter}'`}${found.header ? ",skiprows=1" : ""}${found.encoding === undefined ? "" : `,encoding='${found.encoding}'`}`;
    return file.use === "weights" ? textWeights(options) : tableStep(file.path, found);
  },
};

function textWeights(options: string): string {
  return `run python3 -c "import numpy as np; r=lambda f:np.loadtxt(f${options}); np.savez('out.npz',W1=r('W1.csv'),b1=r('b1.csv'))" with the names of your files, a W and a b for each layer, and give --weights out.npz${WITH_ACTIVATION}`;
}

/** Tables of pixels are read in UTF-8, with a delimiter that is no space. */
function tableStep(path: string, { delimiter, encoding }: Table): string {
  const file = shellQuoted(path);
  if (encoding === "utf-16")
    return `run iconv -f UTF-16 -t UTF-8 ${file} > out.csv and give --dataset out.csv`;
  if (delimiter === " ") return `run tr -s ' ' ',' < ${file} > out.csv and give --dataset out.csv`;
  return "give it to --dataset alone: its rows are images with their labels";
}

export const IDX_FILE: KnownFile = {
  name: "an IDX file, which holds images or labels",
  recognizes: ({ hex, inflated }) => isIdx(hex) || isIdx(inflated?.hex ?? ""),
  nextStep: () => "give it to --dataset or --labels, and the network to --weights",
};
/** IDX magic: 00 00, a type, a rank (yann.lecun.com/exdb/mnist). */
const isIdx = (hex: string) => /^0000(0[89b-e])0[1-8]/.test(hex);

const parquet: KnownFile = {
  name: "a Parquet file",
  recognizes: ({ text }) => text.startsWith("PAR1"),
  nextStep: () => "give it to --dataset alone: it has images and labels",
};

const arrow: KnownFile = {
  name: "an Arrow or Feather file",
  recognizes: ({ text }, path) =>
    text.startsWith("ARROW1") ||
    text.startsWith("FEA1") ||
    (text.startsWith("\xff\xff\xff\xff") && path.endsWith(".arrow")),
  nextStep: ({ path, split }) =>
    exportedSet(
      path,
      `import io,numpy as np,datasets; from PIL import Image; d=datasets.Dataset.from_file(FILE); np.savez('out.npz',x_${split}=np.stack([np.asarray(i['image'].convert('L')) for i in d]),y_${split}=d['label'])`,
    ),
};

const matlab73: KnownFile = {
  name: "a MATLAB 7.3 file (HDF5)",
  recognizes: (head) => isHdf5(head) && head.text.startsWith("MATLAB"),
  nextStep: ({ path, split }) =>
    `run ${python(path, `import h5py,numpy as np; f=h5py.File(FILE); print(list(f)); x=f['IMAGES'][()]${pixelsCheck("x")}; np.savez('out.npz',x_${split}=${pixelBytes("x")},y_${split}=f['LABELS'][()].ravel())`)} with its names for IMAGES and LABELS (MATLAB's dimensions come in reverse order), and give --dataset out.npz`,
};

const matlab: KnownFile = {
  name: "a MATLAB file (.mat)",
  recognizes: ({ text }) => /^MATLAB 5\.0 MAT-file/.test(text),
  nextStep: ({ path, split }) =>
    `${exportedSet(
      path,
      `import scipy.io,numpy as np; m=scipy.io.loadmat(FILE); x=m['data'].T; y=m['label'].ravel()${pixelsCheck("x")}${labelsCheck("y")}; np.savez('out.npz',x_${split}=${pixelBytes("x")}.reshape(-1,28,28),y_${split}=y.astype('u1'))`,
    )} (data and label are the names of mnist-original.mat; scipy.io.whosmat lists others)`,
};

const dataHdf5: KnownFile = {
  name: "an HDF5 file without a Keras model",
  recognizes: isHdf5,
  nextStep: ({ path, use, split }) =>
    use === "weights"
      ? `run ${python(path, "import h5py; h5py.File(FILE).visititems(print)")}, which lists its arrays, and save those of the layers by np.savez('out.npz', W1=…, b1=…), weights as (inputs, outputs)`
      : `run ${python(path, "import h5py; h5py.File(FILE).visititems(print)")}, which lists its arrays, and save images and labels by np.savez('out.npz', x_${split}=…, y_${split}=…), u1 (images, rows, columns) and (images,); give --dataset out.npz`,
};

const PICTURES: readonly (readonly [string, RegExp])[] = [
  ["a PNG picture", /^89504e470d0a1a0a/],
  ["a JPEG picture", /^ffd8ff/],
  ["a GIF picture", /^474946383[79]61/],
  ["a BMP picture", /^424d.{8}00000000/],
  ["a TIFF picture", /^(49492a00|4d4d002a)/],
  ["a WebP picture", /^52494646.{8}57454250/],
];

const pictures = PICTURES.map(
  ([name, magic]): KnownFile => ({
    name,
    recognizes: ({ hex }) => magic.test(hex),
    nextStep: ({ path, use }) =>
      name === "a PNG picture"
        ? `${use === "weights" ? "weights are another file; " : ""}a single picture is classified by: batchwise predict ${shellQuoted(path)}`
        : `convert it: ${python(path, "from PIL import Image; Image.open(FILE).convert('L').save('out.png')")}, then batchwise predict out.png`,
  }),
);

/** CIFAR-10: a label and 32 × 32 × 3 bytes per image, 10,000 images per file (cs.toronto.edu/~kriz/cifar.html). */
const CIFAR_RECORD_BYTES = 3_073;
const cifar: KnownFile = {
  name: "CIFAR-10 in its binary version",
  recognizes: ({ bytes, sizeBytes }, path) =>
    sizeBytes % CIFAR_RECORD_BYTES === 0 &&
    sizeBytes >= CIFAR_RECORD_BYTES &&
    bytes[0]! <= 9 &&
    /\.bin$/.test(path),
  nextStep: () => "give it to --dataset alone: it has images and labels",
};

/** Tried last, because only its name says what it is. */
const cutCifar: KnownFile = imageFile({
  name: "a .bin file that is none of CIFAR's",
  recognizes: (_, path) => /\.bin$/i.test(path),
  describe: ({ head }) => `a .bin file of ${head.sizeBytes} bytes, which is no number of CIFAR's records`,
  nextStep: () => "is it complete? an image of CIFAR-10 has 3,073 bytes, one of CIFAR-100 3,074",
});

export const IMAGE_FILES: readonly KnownFile[] = [
  ...[IDX_FILE, parquet, arrow, matlab73, matlab, cifar].map(imageFile),
  ...pictures,
];
/** Tried after all others, because their marks are weak. */
export const WEAK_IMAGE_FILES: readonly KnownFile[] = [dataHdf5, table, cutCifar];
