/** Entry of the list of known files, and the words that next steps share. */
import type { Split } from "#src/base/contracts/dataset.js";
import type { FileHead } from "./file-head.js";

/** Option that the file was given for: `--weights`, or `--dataset` with a split. */
export interface Purpose {
  readonly use: "weights" | "images";
  readonly split: Split;
  /** Value of `--labels`. */
  readonly labels?: string | undefined;
}

/** File as an entry of the list sees it. */
export interface Candidate extends Purpose {
  readonly path: string;
  readonly head: FileHead;
}

/** Kind of file that users have, but that no reader reads. */
export interface KnownFile {
  /** Name of the kind: `a Git LFS pointer`. */
  readonly name: string;
  recognizes(head: FileHead, path: string): boolean;
  /** Description of the file, if its content says more than `name`. */
  describe?(file: Candidate): string;
  /** What to do next: an option, or a command that writes a file which can be read. */
  nextStep(file: Candidate): string;
}

/** Marks files that are weights: given as images, they are in the wrong place. */
export function networkFile({ nextStep, ...file }: KnownFile): KnownFile {
  return {
    ...file,
    nextStep: (found) =>
      found.use === "weights"
        ? nextStep(found)
        : "this is a network, not images: give it to --weights, and the images to --dataset",
  };
}

/** Marks files of images: given as weights, they are in the wrong place. */
export function imageFile({ nextStep, ...file }: KnownFile): KnownFile {
  return {
    ...file,
    nextStep: (found) =>
      found.use === "images"
        ? nextStep(found)
        : "these are images or labels, not weights: give them to --dataset, and the network to --weights",
  };
}

/** Characters, spaces included, that are safe in single quotes of Python within double quotes of a shell. */
const PLAIN = /^[\p{L}\p{M}\p{N} ./+@%=:,;_~^#()[\]{}&-]+$/u;
const HAS_CONTROL = /\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/u;
/** Characters that no shell changes. */
const BARE = /^[\w./+@%=:,-]+$/;

/**
 * Command line that runs `code`. FILE in it becomes the path as a Python string. A path that does not fit into quotes becomes
 * an argument. For a path with control characters, which must not reach a terminal, the word FILE stays.
 */
export function python(path: string, code: string): string {
  if (HAS_CONTROL.test(path)) return `python3 -c "${code.replaceAll("FILE", "'FILE'")}"`;
  if (PLAIN.test(path)) return `python3 -c "${code.replaceAll("FILE", `'${path}'`)}"`;
  return `python3 -c "import sys; ${code.replaceAll("FILE", "sys.argv[1]")}" ${shellQuoted(path)}`;
}

/** Path as a word of a POSIX shell. */
export function shellQuoted(path: string): string {
  if (HAS_CONTROL.test(path)) return "FILE";
  return BARE.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** Command that writes out.npz, and the option that reads it. */
export function exported(path: string, code: string, options = ""): string {
  return `run ${python(path, code)} and give --weights out.npz${options}`;
}

/** Command that writes a data set, and the option that reads it. */
export function exportedSet(path: string, code: string): string {
  return `run ${python(path, code)} and give --dataset out.npz`;
}

/**
 * Python expression for one image as the network takes it, by the shapes of its arrays: (outputs, inputs) of a dense layer,
 * (outputs, channels, …) of a convolution. The file does not state rows and columns.
 */
export function exampleInput(shapes: Iterable<readonly number[]> = []): string {
  const [first] = [...shapes].filter(({ length }) => length > 1);
  if (first?.length === 2) return `torch.zeros(1, ${first[1]})`;
  return `torch.zeros(1, ${first?.[1] ?? "CHANNELS"}, ROWS, COLUMNS)`;
}

/** Next step: the file has only names and shapes, so the user must state the layers, or the program that has them export them. */
export function exportOnnx(shapes: Iterable<readonly number[]>): string {
  return `state its layers with --architecture, if it has their kinds; or, in the program that made it, call torch.onnx.export(model.eval(), ${exampleInput(shapes)}, 'out.onnx'), and give --weights out.onnx --engine onnx`;
}

/** Files that these commands write do not state the activation of hidden layers. */
export const WITH_ACTIVATION = " --activation NAME (sigmoid, relu, tanh or identity, as it was trained)";

export const TRUSTED = " (it runs code of the file: only for one that you trust)";

/** Python expression for checked pixels as bytes: pixels of 0 to 1 are multiplied by 255. */
export function pixelBytes(expression: string): string {
  return `(${expression}*(255 if ${expression}.max()<=1 else 1)).round().astype('u1')`;
}

/** Python statement that stops at labels that no byte holds, because `astype` would change them silently. */
export function labelsCheck(expression: string): string {
  const y = expression;
  return `; assert ((${y}%1==0)&(${y}>=0)&(${y}<=255)).all(),'labels are not whole numbers from 0 to 255'`;
}

/** Python statement that stops at pixels that are not bytes, because standardized pixels would be changed silently. */
export function pixelsCheck(expression: string): string {
  const [x, whole] = [expression, `(${expression}%1==0).all()`];
  return `; assert ${x}.min()>=0 and ${x}.max()<=255 and (${x}.max()<=1 or ${whole}),'pixels are not 0 to 1 or 0 to 255'`;
}
