/** The list of files that people have in hand, and what a file is by it. Loaded where a reader has refused a file. */
import { BatchwiseError } from "#src/base/errors.js";
import { ARRAY_FILES } from "./array-files.js";
import { type FileHead, readFileHead } from "./file-head.js";
import { IDX_FILE, IMAGE_FILES, WEAK_IMAGE_FILES } from "./image-files.js";
import { JSON_FILES, OTHER_JSON } from "./json-files.js";
import { KERAS_FILES } from "./keras-files.js";
import type { KnownFile, Purpose } from "./known-file.js";
import { PICKLE_FILES } from "./pickle-files.js";
import { LAST_RESORTS, MISPLACED_NETWORKS, STAND_INS } from "./stray-files.js";
import { TORCH_FILES } from "./torch-files.js";

/** The first that recognizes a file is what it is: the surest marks stand first. */
export const KNOWN_FILES: readonly KnownFile[] = [
  ...STAND_INS,
  ...IMAGE_FILES,
  ...TORCH_FILES,
  ...KERAS_FILES,
  ...PICKLE_FILES,
  ...ARRAY_FILES,
  ...JSON_FILES,
  ...WEAK_IMAGE_FILES,
];

/** As images it is what was asked for. */
const IDX = IDX_FILE.name;
const UNCERTAIN: ReadonlySet<KnownFile> = new Set([...WEAK_IMAGE_FILES, ...LAST_RESORTS, OTHER_JSON]);

export interface Recognized {
  /** `a PyTorch state dict, with convolutions`. */
  readonly found: string;
  readonly nextStep: string;
  /** False for text, tables and archives, which are told where nothing else fits. */
  readonly isCertain: boolean;
}

/**
 * What a file that a reader refused is, and what to do; undefined where the list does not know it, or where it is what was
 * asked for and only damaged.
 */
export async function recognizeFile(path: string, purpose: Purpose): Promise<Recognized | undefined> {
  let head: FileHead;
  try {
    head = await readFileHead(path);
  } catch (error) {
    if (error instanceof BatchwiseError) return undefined;
    throw error;
  }
  const list =
    purpose.use === "images"
      ? [...MISPLACED_NETWORKS.slice(0, 1), ...KNOWN_FILES, ...MISPLACED_NETWORKS.slice(1), ...LAST_RESORTS]
      : [...KNOWN_FILES, OTHER_JSON, ...LAST_RESORTS];
  const known = list.find(
    (one) => one.recognizes(head, path) && !(purpose.use === "images" && one.name === IDX),
  );
  if (known === undefined) return undefined;
  const file = { ...purpose, path, head };
  return {
    found: known.describe?.(file) ?? known.name,
    nextStep: known.nextStep(file),
    isCertain: !UNCERTAIN.has(known),
  };
}
