/** What of a folder could be meant, where it does not hold what was looked for. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { savedModelStep } from "./keras-files.js";
import { exportedSet, shellQuoted } from "./known-file.js";

const WEIGHTS = /\.(pkl|pickle|npz|safetensors|onnx|pt|pth|h5|hdf5|keras|tflite|joblib|ckpt)$|^model\.json$/i;
const IMAGES = /\.(csv|tsv|npz|parquet|arrow|mat|bin|h5|hdf5|pkl|pkl\.gz)$|-ubyte(\.gz)?$/i;
const PICTURE = /\.(png|jpe?g|bmp|gif)$/i;
const SHOWN = 4;

/** The next step of a folder given to `--weights`; undefined where nothing in it is known. */
export async function weightsInFolder(folder: string): Promise<string | undefined> {
  const names = await namesIn(folder);
  if (names.includes("saved_model.pb")) return `this is a TensorFlow SavedModel: ${savedModelStep(folder)}`;
  const files = names.filter((name) => WEIGHTS.test(name));
  if (files.length > 0) return `give one of its files: ${listed("--weights", folder, files)}`;
  const below = await filesBelow(folder, names, WEIGHTS);
  return below.length > 0 ? `give a file below it: ${listed("--weights", folder, below)}` : undefined;
}

/** The next step of a folder given to `--dataset`; undefined where nothing in it is known. */
export async function imagesInFolder(folder: string): Promise<string | undefined> {
  const names = await namesIn(folder);
  if (names.includes("saved_model.pb")) return "this is a TensorFlow SavedModel, a network: see --weights";
  const pictures = await filesBelow(folder, names, PICTURE);
  if (pictures.length > 0) return picturesStep(folder);
  if (names.includes("test_images.npy") && names.includes("test_labels.npy")) {
    const code =
      "import os,numpy as np; r=lambda n:np.load(os.path.join(FILE,'test_'+n+'.npy')); x=r('images'); np.savez('out.npz',x_test=x.reshape(len(x),*[n for n in x.shape[1:] if n>1]).astype('u1'),y_test=r('labels').ravel())";
    return exportedSet(folder, code);
  }
  const files = names.filter((name) => IMAGES.test(name) || name.endsWith(".npy"));
  if (files.length > 0) return `give one of its files: ${listed("--dataset", folder, files)}`;
  return undefined;
}

/** Folders named after classes, in the order of their names, as torchvision's ImageFolder has them. */
function picturesStep(folder: string): string {
  const code =
    "F=FILE; import glob,os,numpy as np; from PIL import Image; c=sorted(d for d in os.listdir(F) if os.path.isdir(os.path.join(F,d))); p=[(f,i) for i,d in enumerate(c) for f in sorted(glob.glob(os.path.join(glob.escape(F),d,'*.*')))]; np.savez('out.npz',x_test=np.stack([np.asarray(Image.open(f).convert('L')) for f,_ in p]),y_test=[i for _,i in p])";
  return `its folders hold pictures, one folder a class: ${exportedSet(folder, code)}`;
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
