/** Reads the arrays of a file of weights alone, whatever its format, for an architecture in a file of its own. */
import { basename } from "node:path";
import { FileError, NetworkError, UsageError } from "#src/base/errors.js";
import { isErrorNamed } from "#src/base/realm.js";
import { printable } from "#src/base/text.js";
import type { NamedArray, NamedArrays } from "#src/files/formats/arrays.js";
import type { Hdf5Group } from "#src/files/formats/hdf5/group.js";
import { syntaxReason } from "#src/files/read-document.js";
import { readWholeFile } from "#src/files/read-file.js";
import { jsonBloat, scanJson } from "#src/files/scan-json.js";
import type { DecodedChain } from "#src/networks/chain-facts.js";
import { type WeightsFormat, weightsFormat } from "#src/networks/format.js";
import { chainOfArchitecture, parseArchitecture } from "./chain.js";
import type { Architecture } from "./schema.js";

/** Most bytes of an architecture. A layer takes some hundred. */
const MAX_BYTES = 2 ** 24;
/** Document, layers, layer, setting. */
const MAX_DEPTH = 4;
/** Most groups of an HDF5 file around an array, and most of its arrays. */
const MAX_GROUPS = 16;
const MAX_ARRAYS = 10_000;
/** Numbers of the training in files of Keras: states of optimizers, and of generators of random numbers. */
const TRAINING = /(^|\/)(seed_generator|optimizer|optimizer_weights|metrics)$/;

type WithFiles = { readonly files: readonly Uint8Array[] };

/**
 * Reads an architecture.
 *
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_JSON_SYNTAX, ERR_JSON_SHAPE; NetworkError ERR_NETWORK_LAYER
 */
async function readArchitecture(path: string): Promise<{ architecture: Architecture; bytes: Uint8Array }> {
  const bytes = await readWholeFile(path, MAX_BYTES);
  return { architecture: decodeArchitecture(path, Buffer.from(bytes).toString("utf8")), bytes };
}

/** Decodes the JSON of an architecture. `path` is for messages. Throws as `readArchitecture`. */
export function decodeArchitecture(path: string, text: string): Architecture {
  const bloat = jsonBloat(text);
  const fault = scanJson(text, { depth: MAX_DEPTH });
  if (bloat !== undefined || fault !== undefined) {
    const [expected, found] = [fault?.expected ?? "a shorter document", fault?.found ?? "more"];
    const next = "see schemas/architecture.schema.json";
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
 * Reads a network whose architecture is in a file of its own.
 *
 * @throws FileError and NetworkError as `decodeArchitecture` and `chainOfArchitecture`
 */
export async function chainByArchitecture(
  path: string,
  architecturePath: string,
  weights: { readonly arrays: NamedArrays; readonly files: readonly Uint8Array[] },
): Promise<DecodedChain & WithFiles> {
  const { architecture, bytes } = await readArchitecture(architecturePath);
  const chain = chainOfArchitecture(path, architecture, weights.arrays, basename(architecturePath));
  return { ...chain, files: [...weights.files, bytes] };
}

/**
 * Returns all arrays of a file by their names in it, with the files in which they are.
 *
 * @throws UsageError ERR_OPTION_VALUE if the file states its own layers
 * @throws FileError and NetworkError as the format's reader
 */
export async function arraysAlone(
  path: string,
  bytes: Uint8Array,
): Promise<{ readonly arrays: NamedArrays } & WithFiles> {
  const format = await weightsFormat(path, bytes);
  return { files: [bytes], ...(await decodeArrays(path, bytes, format)) };
}

async function decodeArrays(
  path: string,
  bytes: Uint8Array,
  format: WeightsFormat,
): Promise<{ readonly arrays: NamedArrays } & Partial<WithFiles>> {
  switch (format) {
    case "pickle":
    case "npy":
    case "json":
      return (await import("#src/networks/content.js")).decodeContent(path, bytes, format);
    case "torch": {
      const arrays = await (await import("#src/networks/torch/decode.js")).torchArrays(path, bytes);
      if (arrays === undefined) throw statesLayers(path, "a whole nn.Sequential");
      return { arrays };
    }
    case "npz":
      return { arrays: await (await import("#src/networks/numpy.js")).decodeNpz(path, bytes, true) };
    case "keras": {
      if (bytes[0] === "P".charCodeAt(0)) throw statesLayers(path, "a whole model of Keras");
      const { openHdf5 } = await import("#src/files/formats/hdf5/group.js");
      const root = openHdf5(path, bytes);
      if (root.texts("model_config") !== undefined) throw statesLayers(path, "a whole model of Keras");
      return { arrays: hdf5Arrays(path, root) };
    }
    case "tfjs":
      throw statesLayers(path, "a model of TensorFlow.js");
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
  const expected = `no architecture for ${path}, which is ${what} and states its own`;
  return new UsageError("ERR_OPTION_VALUE", { option: "--architecture", expected, found: "one" });
}

/** All arrays of an HDF5 file by their paths: `layers/dense/vars/0`, `dense/dense/kernel:0`. */
function hdf5Arrays(path: string, root: Hdf5Group): Map<string, NamedArray> {
  const arrays = new Map<string, NamedArray>();
  const visit = (group: Hdf5Group, prefix: string, depth: number): void => {
    for (const name of group.names()) {
      const full = `${prefix}${name}`;
      if (TRAINING.test(full)) continue;
      if (depth > MAX_GROUPS || arrays.size >= MAX_ARRAYS) {
        const expected = `at most ${MAX_ARRAYS} arrays, ${MAX_GROUPS} groups deep`;
        throw new NetworkError("ERR_NETWORK_FORMAT", { path, expected, found: `more at ${printable(full)}` });
      }
      const inner = group.group(name);
      const array = inner === undefined ? group.dataset(name)?.array() : undefined;
      if (inner !== undefined) visit(inner, `${full}/`, depth + 1);
      if (array !== undefined) arrays.set(full, array);
    }
  };
  visit(root, "", 0);
  return arrays;
}
