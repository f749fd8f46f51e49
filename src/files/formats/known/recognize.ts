/** The list of known files, and the recognition of a file by it. Loaded after a reader has rejected a file. */
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

/** Known files, the surest marks first. The first entry that recognizes a file decides. */
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

/** Known files that are images: with `--dataset` they are in the right place. */
const IDX = IDX_FILE.name;
const UNCERTAIN: ReadonlySet<KnownFile> = new Set([...WEAK_IMAGE_FILES, ...LAST_RESORTS, OTHER_JSON]);

export interface Recognized {
  /** Description: `a PyTorch state dict, with convolutions`. */
  readonly found: string;
  readonly nextStep: string;
  /** False for text, tables and archives, which are reported only if nothing else fits. */
  readonly isCertain: boolean;
}

/**
 * Returns the kind of a rejected file, and the next step. Undefined if the list does not know it, or if it is in the right
 * place and only damaged.
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
