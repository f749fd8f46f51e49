/** What a list of known files is made of, and the words that its next steps share. */
import type { FileHead } from "./file-head.js";

/** What a file was given for: `--weights`, or `--dataset` of a split. */
export interface Purpose {
  readonly use: "weights" | "images";
  readonly split: "test" | "train";
  /** What was given for `--labels`. */
  readonly labels?: string | undefined;
}

/** A file as an entry of the list sees it. */
export interface Candidate extends Purpose {
  readonly path: string;
  readonly head: FileHead;
}

/** One kind of file that people have in hand. A reader, where there will be one, is a further property. */
export interface KnownFile {
  /** What it is called: `a Git LFS pointer`. */
  readonly name: string;
  recognizes(head: FileHead, path: string): boolean;
  /** What was found, where the content tells more than the name does. */
  describe?(file: Candidate): string;
  /** What to do: an option, or a command that writes a file which can be read. */
  nextStep(file: Candidate): string;
}

/** Files that are weights whatever they were given for: as images they are in the wrong place. */
export function networkFile({ nextStep, ...file }: KnownFile): KnownFile {
  return {
    ...file,
    nextStep: (found) =>
      found.use === "weights"
        ? nextStep(found)
        : "this is a network, not images: give it to --weights, and the images to --dataset",
  };
}

/** Files of images whatever they were given for. */
export function imageFile({ nextStep, ...file }: KnownFile): KnownFile {
  return {
    ...file,
    nextStep: (found) =>
      found.use === "images"
        ? nextStep(found)
        : "these are images or labels, not weights: give them to --dataset, and the network to --weights",
  };
}

/** What can stand within the single quotes of Python within the double quotes of a shell, spaces included. */
const PLAIN = /^[\p{L}\p{M}\p{N} ./+@%=:,;_~^#()[\]{}&-]+$/u;
const HAS_CONTROL = /\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/u;
/** What no shell changes. */
const BARE = /^[\w./+@%=:,-]+$/;

/**
 * A command line that runs `code`, in which FILE stands for the path as Python writes it. A path that quotes cannot hold
 * becomes an argument; one with control characters, which must not reach a terminal, stays the word FILE.
 */
export function python(path: string, code: string): string {
  if (HAS_CONTROL.test(path)) return `python3 -c "${code.replaceAll("FILE", "'FILE'")}"`;
  if (PLAIN.test(path)) return `python3 -c "${code.replaceAll("FILE", `'${path}'`)}"`;
  return `python3 -c "import sys; ${code.replaceAll("FILE", "sys.argv[1]")}" ${shellQuoted(path)}`;
}

/** A path as a word of a POSIX shell. */
export function shellQuoted(path: string): string {
  if (HAS_CONTROL.test(path)) return "FILE";
  return BARE.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** The command that writes out.npz, and the option that takes it. */
export function exported(path: string, code: string, options = ""): string {
  return `run ${python(path, code)} and give --weights out.npz${options}`;
}

/** The same for a data set. */
export function exportedSet(path: string, code: string): string {
  return `run ${python(path, code)} and give --dataset out.npz`;
}

/** Hidden layers' activation is in none of the files that are made so. */
export const WITH_ACTIVATION = " --activation NAME (sigmoid, relu, tanh or identity, as it was trained)";

export const TRUSTED = " (it runs code of the file: only for one that you trust)";

/** A statement for pixels that are no bytes: standardized ones would become others without a word. */
export function pixelsCheck(expression: string): string {
  const [x, whole] = [expression, `(${expression}%1==0).all()`];
  return `; assert ${x}.min()>=0 and ${x}.max()<=255 and (${x}.max()<=1 or ${whole}),'pixels are not 0 to 1 or 0 to 255'`;
}
