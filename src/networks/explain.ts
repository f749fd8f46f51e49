/** Why a file of weights was refused, when it is another kind of file: its name, and the way to one that is read. */
import { BatchwiseError, type FactsOf, NetworkError } from "#src/base/errors.js";

/** The file is of a format that is read; its arrays, or their names, are not those of a network. */
const LAYOUT_CODES = new Set([
  "ERR_NETWORK_KEYS",
  "ERR_NETWORK_RANK",
  "ERR_NETWORK_ORDER",
  "ERR_NETWORK_CHAIN",
  "ERR_ARRAY_DTYPE",
  "ERR_ARRAY_LAYOUT",
]);
/** A reader that met another format than its own says one of these. */
const FORMAT_CODES =
  /^ERR_(NETWORK_FORMAT|PICKLE_MALFORMED|PICKLE_TRUNCATED|PICKLE_LIMIT|ZIP_UNSUPPORTED|ZIP_STRUCTURE|ONNX_[A-Z]+)$/;
const EXPECTED = "safetensors, .npz, ONNX, or a pickle of NumPy arrays";

/** The error to throw instead of `error`: itself where nothing more is known. */
export async function explainedWeights(path: string, error: unknown): Promise<unknown> {
  if (!(error instanceof BatchwiseError)) return error;
  const { code, facts } = error;
  const isLayout = LAYOUT_CODES.has(code);
  const isForbidden = code === "ERR_PICKLE_FORBIDDEN";
  if (!isLayout && !isForbidden && !FORMAT_CODES.test(code)) return error;
  const { recognizeFile } = await import("#src/files/formats/known/recognize.js");
  const known = await recognizeFile(path, { use: "weights", split: "test" });
  if (known === undefined) return error;
  // A pickle beyond the limits is one of arrays all the same; only PyTorch's old files pass them honestly.
  if (code === "ERR_PICKLE_LIMIT" && !known.found.includes("PyTorch")) return error;
  const { found, nextStep: next } = known;
  if (isLayout || isForbidden) {
    // Each of these codes takes `next`; one takes `what` too, and the others' words leave it out.
    const more = { ...(facts as FactsOf<"ERR_PICKLE_FORBIDDEN">), what: found, next };
    return new NetworkError(code as "ERR_PICKLE_FORBIDDEN", more, { cause: error });
  }
  return new NetworkError("ERR_NETWORK_FORMAT", { path, expected: EXPECTED, found, next }, { cause: error });
}
