/** Why a file of images or labels was refused, when it is another kind of file: its name, and the way to one that is read. */
import type { Split } from "#src/base/contracts/dataset.js";
import { BatchwiseError, DatasetError } from "#src/base/errors.js";

const FORMAT_CODES =
  /^ERR_(DATASET_LABELS|IDX_MAGIC|GZIP_CORRUPT|NPZ_ARRAYS?|NPY_(DTYPE|HEADER)|ZIP_(UNSUPPORTED|STRUCTURE)|JSON_(SYNTAX|SHAPE))$/;
const EXPECTED = "an IDX file, or a .npz with x_test and y_test";

interface Request {
  readonly dataset: string;
  readonly labels?: string | false | undefined;
  readonly split: Split;
}

/** The error to throw instead of `error`: itself where nothing more is known. */
export async function explainedImages({ dataset, labels, split }: Request, error: unknown): Promise<unknown> {
  if (!(error instanceof BatchwiseError)) return error;
  const { code } = error;
  const named = (error.facts as { readonly path?: string }).path ?? dataset;
  const path = fileOf(named);
  if (error instanceof DatasetError && (code === "ERR_IDX_RANK" || code === "ERR_IDX_DTYPE")) {
    return explainedIdx(path, path === labels ? "labels" : "images", error);
  }
  const areLabelsRefused = code === "ERR_USAGE" && labels;
  if (!FORMAT_CODES.test(code) && !areLabelsRefused) return error;
  const { recognizeFile } = await import("#src/files/formats/known/recognize.js");
  const purpose = { use: "images", split, labels: path !== labels && labels ? labels : undefined } as const;
  const known = await recognizeFile(path, purpose);
  // Labels beside an archive are right where it has none of its own: then the next step names them.
  if (known === undefined || (areLabelsRefused && !known.nextStep.includes(labels))) return error;
  const { found, nextStep: next, isCertain } = known;
  // A manifest with a fault is text too, and a damaged gzip file one of gzip.
  if ((code.startsWith("ERR_JSON_") || code === "ERR_GZIP_CORRUPT") && !isCertain) return error;
  if (code === "ERR_NPZ_ARRAYS" && isArchive(found)) {
    const facts = error.facts as DatasetError<"ERR_NPZ_ARRAYS">["facts"];
    return new DatasetError(code, { ...facts, next }, { cause: error });
  }
  if (code === "ERR_NPZ_ARRAY") {
    const facts = error.facts as DatasetError<"ERR_NPZ_ARRAY">["facts"];
    return new DatasetError(code, { ...facts, next }, { cause: error });
  }
  const expected = path === labels ? "an IDX file of labels" : EXPECTED;
  return new DatasetError("ERR_DATASET_FORMAT", { path, expected, found, next }, { cause: error });
}

/** The format is right, and the names in it are not; an archive of other formats is another file. */
function isArchive(found: string): boolean {
  return found.startsWith("a .npz") || found.startsWith("a ZIP archive") || found.startsWith("a state dict");
}

/** An array of an archive is named with it: `set.npz:x_test.npy`. */
function fileOf(path: string): string {
  return path.replace(/(\.npz):[^:]*\.npy$/, "$1");
}

/** Images that were given for labels, or labels for images, are told by their ranks, and need no other words. */
async function explainedIdx(path: string, as: "images" | "labels", error: DatasetError): Promise<unknown> {
  const { idxStep } = await import("#src/files/formats/known/idx-lines.js");
  const next = await idxStep(path, as).catch(() => undefined);
  if (next === undefined) return error;
  if (error.code === "ERR_IDX_RANK") {
    const facts = error.facts as DatasetError<"ERR_IDX_RANK">["facts"];
    const isSwapped = as === "images" ? facts.found === 1 : facts.found >= 3;
    return isSwapped || facts.found === 0
      ? error
      : new DatasetError("ERR_IDX_RANK", { ...facts, next }, { cause: error });
  }
  const facts = error.facts as DatasetError<"ERR_IDX_DTYPE">["facts"];
  return new DatasetError("ERR_IDX_DTYPE", { ...facts, next }, { cause: error });
}
