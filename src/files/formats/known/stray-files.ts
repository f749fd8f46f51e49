/** Known files in place of others: pointers, web pages, archives, documents; and networks given as images. */

import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import type { FileHead } from "./file-head.js";
import { savedModelStep } from "./keras-files.js";
import { exportedSet, type KnownFile, networkFile, shellQuoted } from "./known-file.js";

const opening = ({ text }: FileHead) =>
  text
    .replace(/^\xef\xbb\xbf/, "")
    .trimStart()
    .slice(0, 200);
const starts =
  (magic: string) =>
  ({ text }: FileHead) =>
    text.startsWith(magic);

/** joblib compresses too, under names that the programs of these formats refuse. */
const packed =
  (magic: string): KnownFile["recognizes"] =>
  (head, path) =>
    starts(magic)(head) && !/\.(joblib|pkl|pickle|sav)$/i.test(path);

const lfs: KnownFile = {
  name: "a Git LFS pointer, not the file itself",
  // git-lfs/git-lfs, docs/spec.md.
  recognizes: (head) =>
    opening(head).startsWith("version https://git-lfs.github.com/spec/") ||
    opening(head).startsWith("version https://hawser.github.com/"),
  nextStep: () => "run git lfs pull in its repository (git lfs install first), or download the file itself",
};

const html: KnownFile = {
  name: "a web page, not the file",
  recognizes: (head) =>
    /^<(!doctype html|html|head|body|\?xml[^>]*>\s*<(!doctype )?html)/i.test(opening(head)),
  nextStep: () =>
    "download the raw file: on GitHub by the button Download raw file, by curl -L from the address of the file itself",
};

const xmlAnswer: KnownFile = {
  name: "an XML response of a server, not the file",
  recognizes: (head) => /^(<\?xml[^>]*>\s*)?<Error>/i.test(opening(head)),
  nextStep: () => "the server refused it: download it again from an address that you may read",
};

const notFound: KnownFile = {
  name: 'the text "404: Not Found", not the file',
  recognizes: (head) => /^(404: Not Found|Not Found|\{"message":\s*"Not Found")/.test(opening(head)),
  nextStep: () => "check its address, and download it again",
};

const plural = (
  name: string,
  magic: KnownFile["recognizes"],
  unpack: (path: string) => string,
): KnownFile => ({
  name,
  recognizes: magic,
  nextStep: ({ path, use }) =>
    `unpack it: ${unpack(shellQuoted(path))}, and give what is in it to ${use === "weights" ? "--weights" : "--dataset"}`,
});

const isTar = ({ text }: FileHead) => text.startsWith("ustar", 257);
const isOffice = ({ names }: FileHead) => names.includes("[Content_Types].xml");

const ARCHIVES: readonly KnownFile[] = [
  plural("a tar archive", isTar, (path) => `tar -xf ${path}`),
  plural(
    "a gzipped tar archive",
    ({ inflated }) => inflated !== undefined && isTar(inflated),
    (path) => `tar -xzf ${path}`,
  ),
  plural("a 7z archive", starts("7z\xbc\xaf\x27\x1c"), (path) => `7z x ${path}`),
  plural("a RAR archive", starts("Rar!\x1a\x07"), (path) => `unrar x ${path}`),
  plural("an xz file", packed("\xfd7zXZ\0"), (path) => `xz -dk ${path}`),
  plural("a bzip2 file", packed("BZh"), (path) => `bzip2 -dk ${path}`),
  plural("a Zstandard file", starts("\x28\xb5\x2f\xfd"), (path) => `zstd -dk ${path}`),
];

const office: KnownFile = {
  name: "an Office document",
  recognizes: isOffice,
  describe: ({ head }) =>
    head.names.some((name) => name.startsWith("xl/"))
      ? "an Excel workbook (.xlsx)"
      : head.names.some((name) => name.startsWith("word/"))
        ? "a Word document (.docx)"
        : "an Office document",
  nextStep: ({ use }) =>
    use === "weights" ? "give the file of the weights" : "save its table as CSV, and give that file",
};

const pdf: KnownFile = {
  name: "a PDF document",
  recognizes: starts("%PDF-"),
  nextStep: ({ use }) => `give the ${use === "weights" ? "file of the weights" : "image files"} instead`,
};

/** Tried after every ZIP with a name of its own. */
const zip: KnownFile = {
  name: "a ZIP archive",
  recognizes: ({ names, arrays }) => names.length > 0 && arrays.size === 0,
  describe: ({ head }) =>
    `a ZIP archive of ${head.names.length === 1 ? "one file" : `${head.names.length} files`}`,
  nextStep: ({ path, use }) =>
    `unpack it: unzip ${shellQuoted(path)}, and give what is in it to ${use === "weights" ? "--weights" : "--dataset"}`,
};

/** Tried after everything that is read or known gzipped. */
const gzip: KnownFile = {
  name: "a gzip file",
  recognizes: ({ text }) => text.startsWith("\x1f\x8b"),
  nextStep: ({ path, use }) =>
    `unpack it: gzip -dk ${shellQuoted(path)}, and give what is in it to ${use === "weights" ? "--weights" : "--dataset"}`,
};

/** True for text without control characters except those of lines. The last character may be cut. */
function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
  } catch {
    return false;
  }
  return bytes.every((byte) => byte >= 32 || (byte >= 9 && byte <= 13));
}

const text: KnownFile = {
  name: "text",
  recognizes: ({ bytes, text: head }) =>
    /^(\xff\xfe|\xfe\xff|\xef\xbb\xbf)/.test(head) || (bytes.length > 0 && isUtf8(bytes)),
  describe: ({ head }) => (/^(\xff\xfe|\xfe\xff)/.test(head.text) ? "text in UTF-16" : "text"),
  nextStep: ({ use }) =>
    use === "weights"
      ? "weights are a file of PyTorch, Keras or ONNX, safetensors, .npz, JSON or a pickle"
      : "images are IDX files or a .npz",
};

const READ_NETWORKS: readonly KnownFile[] = [
  {
    name: "a safetensors file",
    recognizes: ({ text: head }: FileHead) => head.startsWith("\0\0\0\0{", 4),
    nextStep: () => "",
  },
  {
    name: "an ONNX model",
    // `ir_version`, then the producer's name, its version, or the graph (onnx/onnx.proto).
    recognizes: ({ hex }: FileHead, path: string) =>
      /^08(0[1-9a-f]|1[0-4])(12|1a|22|3a|42)/.test(hex) || /\.onnx$/.test(path),
    nextStep: () => "",
  },
].map(networkFile);

/** Tried first: files that stand for others. */
export const STAND_INS: readonly KnownFile[] = [lfs, html, xmlAnswer, notFound, office, pdf, ...ARCHIVES];
/** Networks of formats that are read. They are in the wrong place only as images. */
export const MISPLACED_NETWORKS: readonly KnownFile[] = READ_NETWORKS;
/** Tried last. */
export const LAST_RESORTS: readonly KnownFile[] = [zip, gzip, text];

const WEIGHTS = /\.(pkl|pickle|npz|safetensors|onnx|pt|pth|h5|hdf5|keras|tflite|joblib|ckpt)$|^model\.json$/i;
const IMAGES =
  /\.((csv|tsv|pkl|pickle|idx)(\.gz)?|npz|npy|parquet|arrow|mat|bin|h5|hdf5|pt)$|-ubyte(\.gz)?$/i;
/** Files of images with a next step of their own. */
const UNREAD = /\.(arrow|mat|h5|hdf5)$/i;
/** Names of files with labels alone, which lie beside their images. */
const LABELS = /(labels?(?![a-z])|(^|[^a-z])y(?![a-z])).*(\.npy|\.idx|ubyte)(\.gz)?$/i;
const PICTURE = /\.(png|jpe?g|bmp|gif)$/i;
const SHOWN = 4;

/** Next step for a folder given to `--weights`; undefined if no file in it is known. */
export async function weightsInFolder(folder: string): Promise<string | undefined> {
  const names = await namesIn(folder);
  if (names.includes("saved_model.pb")) return `this is a TensorFlow SavedModel: ${savedModelStep(folder)}`;
  const files = names.filter((name) => WEIGHTS.test(name));
  if (files.length > 0) return `give one of its files: ${listed("--weights", folder, files)}`;
  const below = await filesBelow(folder, names, WEIGHTS);
  return below.length > 0 ? `give a file below it: ${listed("--weights", folder, below)}` : undefined;
}

/** Next step for a folder given to `--dataset`; undefined if no file in it is known. */
export async function imagesInFolder(folder: string): Promise<string | undefined> {
  const names = await namesIn(folder);
  if (names.includes("saved_model.pb")) return "this is a TensorFlow SavedModel, a network: see --weights";
  const pictures = await filesBelow(folder, names, PICTURE);
  if (pictures.length > 0) return picturesStep(folder);
  const files = imagesAmong(names);
  if (files.length > 0) return `give one of its files: ${listed("--dataset", folder, files)}`;
  const below = imagesAmong(await filesBelow(folder, names, IMAGES));
  if (below.length > 0) return `give a file below it: ${listed("--dataset", folder, below)}`;
  return undefined;
}

/** Files of images: those that are read, or else those that have a next step of their own. Files of labels are left out. */
function imagesAmong(names: readonly string[]): string[] {
  const files = names.filter((name) => IMAGES.test(name) && !LABELS.test(basename(name)));
  const read = files.filter((name) => !UNREAD.test(name));
  return read.length > 0 ? read : files;
}

/** Folders named after classes, in the order of their names, as in torchvision's ImageFolder. */
function picturesStep(folder: string): string {
  const code =
    "F=FILE; import glob,os,numpy as np; from PIL import Image; c=sorted(d for d in os.listdir(F) if os.path.isdir(os.path.join(F,d))); assert not all(d.isdigit() for d in c) or sorted(map(int,c))==list(range(len(c))),'a class has no folder'; p=[(f,i) for i,d in enumerate(c) for f in sorted(glob.glob(os.path.join(glob.escape(F),d,'*.*')))]; np.savez('out.npz',x_test=np.stack([np.asarray(Image.open(f).convert('L')) for f,_ in p]),y_test=[i for _,i in p])";
  return `its folders hold pictures, one folder per class: ${exportedSet(folder, code)}`;
}

async function filesBelow(folder: string, names: readonly string[], pattern: RegExp): Promise<string[]> {
  const found: string[] = [];
  for (const name of names.slice(0, 200)) {
    const inner = await namesIn(join(folder, name));
    found.push(...inner.filter((one) => pattern.test(one)).map((one) => join(name, one)));
    if (found.length >= SHOWN) break;
  }
  return found;
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}

function listed(option: string, folder: string, names: readonly string[]): string {
  const shown = names.slice(0, SHOWN).map((name) => `${option} ${shellQuoted(join(folder, name))}`);
  return `${shown.join(" or ")}${names.length > SHOWN ? ` (and ${names.length - SHOWN} more)` : ""}`;
}
