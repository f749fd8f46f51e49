/** Reads networks of Keras: .h5 and .hdf5 of Keras 2.2 to 3, .keras, and files of weights alone. Nothing is run. */
import { inTurns } from "#src/base/abort.js";
import type { Activation, Activations } from "#src/base/contracts/network.js";
import { FileError, NetworkError } from "#src/base/errors.js";
import { listed, printable } from "#src/base/text.js";
import type { NamedArray } from "#src/files/formats/arrays.js";
import { type Hdf5Group, openHdf5 } from "#src/files/formats/hdf5/group.js";
import { KERAS_PROGRAM, kerasToOnnx } from "#src/files/formats/known/keras-files.js";
import { readZipDirectory, wholeEntry } from "#src/files/formats/zip.js";
import type { DecodedChain } from "#src/networks/chain-facts.js";
import {
  assertAssumable,
  type FindArrays,
  namedArrays,
  namesIn,
  numberedArrays,
  variablesIn,
} from "./chain.js";
import { type KerasLayer, parseModel } from "./config.js";
import { buildChain } from "./layers.js";

/** Limit for everything that a .keras file may claim to hold, in bytes. */
const LIMIT_BYTES = 2 ** 31;
/** Limit for `config.json` and `metadata.json`, in bytes. A model of 1,000 layers takes about 1 MB. */
const MAX_JSON_BYTES = 2 ** 26;

/** Dense layers of a file that states nothing else. */
export interface WeightsAlone {
  /** `W1`, `b1` and so on. */
  readonly arrays: ReadonlyMap<string, NamedArray>;
  /** The activation that nearly all public files have. */
  readonly activation: Activation;
  readonly assumed: readonly ["activation"];
  readonly isOriented: true;
}

/**
 * Reads a model, or weights alone if they are of dense layers, or of convolutions in one conventional architecture. `path` is
 * for messages.
 *
 * @throws NetworkError ERR_NETWORK_FORMAT, ERR_NETWORK_LAYER, ERR_NETWORK_CHAIN, ERR_NETWORK_NOT_FINITE, ERR_NETWORK_OUTPUTS, ERR_ARRAY_DTYPE,
 *   ERR_WEIGHTS_SIZE
 * @throws FileError ERR_HDF5_*, ERR_ZIP_*
 */
export async function decodeKeras(
  path: string,
  bytes: Uint8Array,
  activation?: Activations | undefined,
): Promise<DecodedChain | WeightsAlone> {
  if (!bytes.subarray(0, 2).every((byte, index) => byte === "PK".charCodeAt(index))) {
    const root = openHdf5(path, bytes);
    const config = root.texts("model_config")?.[0];
    if (config === undefined) {
      if (!hasConvolutions(root)) {
        assertAssumable(path, namesIn(root, "layer_names") ?? [], activation !== undefined);
        return weightsAlone(path, root);
      }
      const { conventionalKeras } = await import("#src/networks/architecture/keras.js");
      return conventionalKeras(path, root, activation) ?? weightsAlone(path, root);
    }
    const find = namedArrays(root.group("model_weights") ?? root);
    return chainOfConfig(path, config, {
      next: kerasToOnnx(path),
      findIn: () => find,
      isKeras3: versionOf(root.texts("keras_version")?.[0]),
    });
  }
  const entries = new Map(readZipDirectory(path, bytes, LIMIT_BYTES).map((entry) => [entry.name, entry]));
  const content = async (name: string, limit: number) => {
    const entry = entries.get(name);
    if (entry === undefined) throw incomplete(path, `"${name}"`, listed([...entries.keys()]));
    if (entry.unpackedBytes > limit) {
      throw new FileError("ERR_ZIP_LIMIT", {
        path,
        what: `bytes of ${name}`,
        limit,
        found: entry.unpackedBytes,
      });
    }
    return wholeEntry(path, entry);
  };
  const text = async (name: string) => Buffer.from(await content(name, MAX_JSON_BYTES)).toString("utf8");
  const config = await text("config.json");
  const version = /"keras_version": *"([^"]*)"/.exec(
    entries.has("metadata.json") ? await text("metadata.json") : "",
  );
  const weightsPath = `${path}:model.weights.h5`;
  const root = openHdf5(weightsPath, await content("model.weights.h5", LIMIT_BYTES));
  const variables = variablesIn(root);
  if (variables === undefined) throw incomplete(weightsPath, "a group of layers", listed(root.names()));
  return chainOfConfig(path, config, {
    next: kerasToOnnx(path),
    findIn: (layers) => numberedArrays(variables, layers),
    isKeras3: versionOf(version?.[1]),
  });
}

function incomplete(path: string, expected: string, found: string): NetworkError {
  const next = "save the model again: model.save('model.keras')";
  return new NetworkError("ERR_NETWORK_LAYER", { path, layer: "the model", expected, found, next });
}

/** Whether some defaults are those of Keras 3. Keras has stated its version since 2.0. */
function versionOf(version: string | undefined): boolean {
  return version?.startsWith("3") ?? true;
}

/** Facts that a container states beside the architecture. */
export interface ModelFacts {
  /** What to do with a model that is not read. */
  readonly next: string;
  /** Finds the arrays of the model's layers. */
  findIn(layers: readonly KerasLayer[]): FindArrays;
  readonly isKeras3: boolean;
}

/** Returns the chain of an architecture in JSON. @throws as `decodeKeras` */
export async function chainOfConfig(
  path: string,
  config: string,
  { next, findIn, isKeras3 }: ModelFacts,
): Promise<DecodedChain> {
  const model = parseModel(path, config, next);
  const chain = await inTurns(buildChain(path, model, findIn(model.layers), isKeras3));
  const stated = new Set(chain.layers.map(({ activation }) => activation));
  if (stated.size > 1 || chain.layers.length === 1) stated.delete("identity");
  return { ...chain, assumptions: [], stated: [...stated] };
}

/** Kinds of layers without weights whose effect on a chain of dense layers is known, or assumed as the activation. */
const SILENT = /^(input_layer|flatten|dropout|reshape|activation|re_lu|softmax|gaussian_noise)(_\d+)?$/;

/** Dense layers of a file that has no architecture. @throws NetworkError ERR_NETWORK_LAYER for other layers */
function weightsAlone(path: string, root: Hdf5Group): WeightsAlone {
  const arrays = new Map<string, NamedArray>();
  let count = 0;
  for (const { name, isDense, found } of groupsOf(root)) {
    if (found.length === 0 && SILENT.test(name)) continue;
    const [kernel, bias] = found;
    if (!isDense || kernel?.shape.length !== 2 || found.length > 2) {
      throw new NetworkError("ERR_NETWORK_LAYER", {
        path,
        layer: `layer "${printable(name)}"`,
        expected: "dense layers, which alone are read without the architecture",
        found: kernel === undefined ? "a layer without weights" : "other weights",
        next: KERAS_PROGRAM,
      });
    }
    count += 1;
    arrays.set(`W${count}`, kernel);
    if (bias !== undefined) arrays.set(`b${count}`, bias);
  }
  if (count === 0) {
    const found = `HDF5 with ${listed(root.names())}`;
    throw new NetworkError("ERR_NETWORK_FORMAT", { path, expected: "HDF5 with layers of Keras", found });
  }
  return {
    arrays,
    activation: "relu",
    assumed: ["activation"],
    isOriented: true,
  };
}

function hasConvolutions(root: Hdf5Group): boolean {
  return groupsOf(root).some(({ found }) => found.some(({ shape }) => shape.length === 4));
}

interface Group {
  readonly name: string;
  /** Whether its class, or the names of its weights, show a dense layer. */
  readonly isDense: boolean;
  readonly found: readonly NamedArray[];
}

/** Layers in their order. Files of Keras 3 name them by class, files of Keras 2 as the model's program does. */
function groupsOf(root: Hdf5Group): Group[] {
  const names = namesIn(root, "layer_names");
  if (names === undefined) {
    return (variablesIn(root, true) ?? []).map(({ key, arrays }) => ({
      name: key,
      isDense: /^dense(_\d+)?$/.test(key),
      found: arrays.map(({ array }) => array),
    }));
  }
  return names.flatMap((name) => {
    const group = root.group(name);
    const paths = (group && namesIn(group, "weight_names")) ?? [];
    const isDense = paths.every((weight) => /(^|\/)(kernel|bias)(:\d+)?$/.test(weight));
    // A layer without weights does nothing, or is the assumed activation.
    return paths.length === 0
      ? []
      : [{ name, isDense, found: paths.flatMap((weight) => group?.dataset(weight)?.array() ?? []) }];
  });
}
