/** Reads the arrays of a file of weights alone, whatever its format, for an architecture in a file of its own. */
import { basename } from "node:path";
import type { Assumption } from "#src/base/assumptions.js";
import type { Activations } from "#src/base/contracts/network.js";
import { FileError, NetworkError, UsageError } from "#src/base/errors.js";
import { NETWORK_OPTIONS } from "#src/base/options/network.js";
import { assertTogether } from "#src/base/options/table.js";
import { isErrorNamed } from "#src/base/realm.js";
import { syntaxReason } from "#src/files/read-document.js";
import { pathKind, readWholeFile } from "#src/files/read-file.js";
import { jsonBloat, scanJson } from "#src/files/scan-json.js";
import type { DecodedChain } from "#src/networks/chain-facts.js";
import { type WeightsFormat, weightsFormat } from "#src/networks/format.js";
import { readWeights } from "#src/networks/source.js";
import { chainOfArchitecture } from "./chain.js";
import type { DraftSource } from "./draft.js";
import { type Architecture, parseArchitecture } from "./schema.js";

/** Most bytes of an architecture. One layer takes a few hundred. */
const MAX_BYTES = 2 ** 24;
/** Document, layers, layer, setting. */
const MAX_DEPTH = 4;
/** Arrays, with what shows their roles, and what was chosen of several networks. */
type FoundArrays = Pick<DraftSource, "arrays"> &
  Partial<DraftSource> & { readonly chosen?: readonly Assumption[] };
interface LayersRequest {
  readonly decodeAfter?: Promise<unknown> | undefined;
  readonly architecture?: string | undefined;
  readonly activation?: Activations | undefined;
}

type WithFiles = { readonly files: readonly Uint8Array[] };

/**
 * Reads an architecture.
 *
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_JSON_SYNTAX, ERR_JSON_SHAPE; NetworkError ERR_NETWORK_LAYER
 */
async function readArchitecture(path: string): Promise<{ architecture: Architecture; bytes: Uint8Array }> {
  const bytes = await readWholeFile(path, MAX_BYTES);
  // PowerShell 5 writes UTF-16 where an output is redirected.
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : "utf-8";
  return { architecture: decodeArchitecture(path, new TextDecoder(encoding).decode(bytes)), bytes };
}

/** Decodes the JSON of an architecture. `path` is for messages. Throws as `readArchitecture`. */
export function decodeArchitecture(path: string, text: string): Architecture {
  const bloat = jsonBloat(text);
  const fault = scanJson(text, { depth: MAX_DEPTH, eachKeyOnce: true });
  if (bloat !== undefined || fault !== undefined) {
    const [expected, found] = [fault?.expected ?? "a shorter document", fault?.found ?? "more"];
    const next = "correct it: see schemas/architecture.schema.json";
    throw new NetworkError("ERR_NETWORK_LAYER", { path, layer: "the architecture", expected, found, next });
  }
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    if (!isErrorNamed("SyntaxError", cause)) throw cause;
    throw new FileError("ERR_JSON_SYNTAX", { path, reason: syntaxReason(cause) }, { cause });
  }
  return parseArchitecture(path, document);
}

/**
 * Reads the arrays of a file or a folder, and the layers from the file that the option `architecture` names.
 *
 * @throws UsageError ERR_USAGE beside an activation; FileError and NetworkError as `decodeArchitecture` and `chainOfArchitecture`
 */
export async function readWithLayers(
  source: string,
  path: string,
  { decodeAfter, architecture: layersPath = "", activation }: LayersRequest,
): Promise<DecodedChain & WithFiles> {
  assertTogether(NETWORK_OPTIONS, { architecture: layersPath, activation });
  const found = await arraysAt(source, path, decodeAfter);
  const { architecture, bytes } = await readArchitecture(layersPath);
  const chain = chainOfArchitecture(path, architecture, found.arrays, basename(layersPath));
  const assumptions = [...(found.chosen ?? []), ...chain.assumptions];
  return { ...chain, assumptions, files: [...found.files, bytes] };
}

/** The arrays of a file or a folder. Throws as `arraysAlone`. */
export async function arraysAt(
  source: string,
  path: string,
  decodeAfter?: Promise<unknown> | undefined,
): Promise<FoundArrays & WithFiles> {
  if ((await pathKind(path)) === "folder") {
    return (await import("#src/networks/folder.js")).readArrayFolder(path);
  }
  const bytes = await readWeights(source, path);
  await decodeAfter;
  return arraysAlone(path, bytes);
}

/**
 * Returns all arrays of a file by their names in it, with the files in which they are.
 *
 * @throws UsageError ERR_OPTION_VALUE if the file states its own layers
 * @throws FileError and NetworkError as the format's reader
 */
async function arraysAlone(path: string, bytes: Uint8Array): Promise<FoundArrays & WithFiles> {
  const format = await weightsFormat(path, bytes);
  return { files: [bytes], ...(await decodeArrays(path, bytes, format)) };
}

async function decodeArrays(
  path: string,
  bytes: Uint8Array,
  format: WeightsFormat,
): Promise<FoundArrays & Partial<WithFiles>> {
  switch (format) {
    case "pickle":
    case "npy":
    case "json":
      return (await import("#src/networks/content.js")).decodeContent(path, bytes, format);
    case "torch": {
      const found = await (await import("#src/networks/torch/decode.js")).torchArrays(path, bytes);
      if (found === undefined) throw statesLayers(path, "a whole nn.Sequential");
      return { ...found, isOrdered: true };
    }
    case "npz":
      return { arrays: await (await import("#src/networks/numpy.js")).decodeNpz(path, bytes, true) };
    case "keras": {
      if (bytes[0] === "P".charCodeAt(0)) throw statesLayers(path, "a whole model of Keras");
      const { openHdf5 } = await import("#src/files/formats/hdf5/group.js");
      const root = openHdf5(path, bytes);
      if (root.texts("model_config") !== undefined) throw statesLayers(path, "a whole model of Keras");
      const { hdf5Arrays, kerasDraft } = await import("./keras.js");
      const arrays = hdf5Arrays(path, root);
      return { arrays, ...kerasDraft(root, arrays) };
    }
    case "tfjs":
      throw statesLayers(path, "a model of TensorFlow.js");
    case "sklearn":
      throw statesLayers(path, "a classifier of scikit-learn");
    case "onnx":
      throw statesLayers(path, "an ONNX model");
    case "safetensors": {
      const { decodeSafetensors, FORMAT, OUR_FORMAT } = await import("#src/networks/safetensors.js");
      const { arrays, metadata } = decodeSafetensors(path, bytes);
      if (metadata.get(FORMAT) === OUR_FORMAT) throw statesLayers(path, "a file of Batchwise");
      return { arrays };
    }
  }
}

/** Refuses the option for a file that states its own layers. */
export function statesLayers(path: string, what: string): UsageError {
  const problem = `--architecture and its template: expected a file of arrays alone, found ${path}, ${what}, which states its layers`;
  return new UsageError("ERR_USAGE", { problem });
}
