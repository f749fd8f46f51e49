/** Reads a PyTorch file: a state dict, alone or in a checkpoint, or a whole nn.Sequential. */
import { basename } from "node:path";
import type { Assumption } from "#src/base/assumptions.js";
import type { Activation, Activations } from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";
import { isMap } from "#src/base/realm.js";
import { listed, printable } from "#src/base/text.js";
import type { NamedArray } from "#src/files/formats/arrays.js";
import { kindOf, type PickledDict, type PickledValue } from "#src/files/formats/pickle/values.js";
import { openTorch, readTensors, type TorchFile } from "#src/files/formats/torch/container.js";
import { TorchModule, TorchTensor } from "#src/files/formats/torch/values.js";
import type { DecodedChain } from "../chain-facts.js";
import { activationHint, activationsNamed, bareNormalization, chainOfModules } from "../module-chain.js";
import { hasModules, isCounter } from "../state-dict.js";
import { chainOfSequential, readSequential } from "./sequential.js";

/** Keys of checkpoints under which state dicts are, in order of preference. */
const WRAPPERS = ["model_state_dict", "state_dict", "model", "net"];
/** What torch.nn.DataParallel and torch.compile put before each name. */
const PREFIXES = ["module.", "_orig_mod."];
const MAX_PREFIXES = 4;

/** Weights by name, in the order in which they were registered, and the names of all modules. */
export interface TorchStateDict {
  readonly arrays: ReadonlyMap<string, NamedArray>;
  /** Undefined if the file does not have them. */
  readonly paths: readonly string[] | undefined;
}

/** What was chosen of several networks in a file. */
interface Chosen {
  readonly chosen: readonly Assumption[];
}

export interface TorchArrays extends TorchStateDict, Chosen {
  /** Activation after which modules are named. */
  readonly likelyActivation: Activation | undefined;
  readonly assumed: readonly [];
  readonly isOriented: true;
  readonly likelyPixelOrder: "channels-first";
}

/**
 * Returns the arrays of fully connected layers, or a chain. Nothing of the file is run: names outside a closed list are refused.
 *
 * @param activation what an option states
 * @throws FileError ERR_ZIP_*
 * @throws NetworkError ERR_PICKLE_*, ERR_NETWORK_FORMAT, ERR_ARRAY_DTYPE, ERR_ARRAY_LAYOUT, ERR_WEIGHTS_SIZE, and all that
 *   `chainOfModules` and `chainOfSequential` throw
 */
export async function decodeTorch(
  path: string,
  bytes: Uint8Array,
  activation: Activations | undefined,
): Promise<TorchArrays | DecodedChain> {
  const file = await openTorch(path, bytes);
  const { network, chosen } = networkIn(path, file.root);
  const source = basename(path);
  const chain = (one: DecodedChain) => ({ ...one, assumptions: [...chosen, ...one.assumptions] });
  if (network instanceof TorchModule) {
    return chain(chainOfSequential(path, source, await readSequential(file, network)));
  }
  const { arrays, paths } = await readStateDict(file, network);
  const bare = bareNormalization(paths, arrays);
  if (bare !== undefined) {
    const expected = "the numbers of a normalization";
    const found = "none, so that it may normalize each image by its own";
    throw new NetworkError("ERR_NETWORK_LAYER", { path, layer: printable(bare), expected, found });
  }
  const named = activationsNamed(paths);
  if (activation === undefined && named.length > 1) {
    const what = `the same activation everywhere, although modules are named ${listed(named)}`;
    chosen.push({ subject: "activation", what, source, option: "--activation" });
  }
  if (hasModules(arrays)) {
    return chain(chainOfModules(path, source, { arrays, isOrdered: true, paths }, activation));
  }
  const likelyActivation = activationHint(paths);
  const facts = { assumed: [], isOriented: true, likelyPixelOrder: "channels-first" } as const;
  return { arrays, paths, likelyActivation, ...facts, chosen };
}

/** Arrays of a state dict, for an architecture in a file of its own; undefined for a whole module. Throws as `decodeTorch`. */
export async function torchArrays(
  path: string,
  bytes: Uint8Array,
): Promise<(TorchStateDict & Chosen) | undefined> {
  const file = await openTorch(path, bytes);
  const { network, chosen } = networkIn(path, file.root);
  return network instanceof TorchModule ? undefined : { ...(await readStateDict(file, network)), chosen };
}

/** The state dict or the module itself, or the one within a checkpoint. */
function networkIn(
  path: string,
  root: PickledValue,
): { network: PickledDict | TorchModule; chosen: Assumption[] } {
  const entries = isMap(root) ? [...root] : [];
  const inner = entries.flatMap(([key, value]) => {
    const network = asNetwork(value);
    return network === undefined ? [] : [{ key, network }];
  });
  // A checkpoint may hold single numbers as tensors: its loss, its best accuracy.
  const itself = asNetwork(root);
  if (itself !== undefined && (inner.length === 0 || !isMap(itself) || hasArrays(itself))) {
    return { network: itself, chosen: [] };
  }
  const known = WRAPPERS.flatMap((wrapper) => inner.filter(({ key }) => key === wrapper));
  const [only, ...others] = known.length > 0 ? known.slice(0, 1) : inner;
  if (only !== undefined && others.length === 0) {
    const left = inner.filter(({ key }) => key !== only.key).map(({ key }) => printable(key));
    const what = `the network "${printable(only.key)}", not ${listed(left)}`;
    const assumed: Assumption = { subject: "architecture", what, source: basename(path), option: null };
    return { network: only.network, chosen: left.length === 0 ? [] : [assumed] };
  }
  const keys = (inner.length > 1 ? inner.map(({ key }) => key) : entries.map(([key]) => key)).map((key) =>
    printable(key),
  );
  const found =
    inner.length > 1 ? `several: ${listed(keys)}` : isMap(root) ? `a dict of ${listed(keys)}` : kindOf(root);
  throw new NetworkError("ERR_NETWORK_FORMAT", { path, expected: "a PyTorch state dict", found });
}

/** A module, or a dict that holds tensors. */
function asNetwork(value: PickledValue): PickledDict | TorchModule | undefined {
  if (value instanceof TorchModule) return value;
  return isMap(value) && [...value.values()].some((item) => item instanceof TorchTensor) ? value : undefined;
}

/** Whether a dict has a tensor of more than one number. */
function hasArrays(dict: PickledDict): boolean {
  return [...dict.values()].some(
    (item) => item instanceof TorchTensor && item.shape.reduce((product, size) => product * size, 1) > 1,
  );
}

async function readStateDict(file: TorchFile, dict: PickledDict): Promise<TorchStateDict> {
  const attributes = file.attributes.get(dict);
  const metadata = isMap(attributes) ? attributes.get("_metadata") : undefined;
  let paths = isMap(metadata) ? [...metadata.keys()] : undefined;
  let tensors = [...dict].flatMap(([name, item]) =>
    item instanceof TorchTensor && !isCounter(name) ? [{ name, item }] : [],
  );
  for (let at = 0; at < MAX_PREFIXES; at += 1) {
    const prefix = PREFIXES.find((one) => tensors.every(({ name }) => name.startsWith(one)));
    if (prefix === undefined) break;
    tensors = tensors.map(({ name, item }) => ({ name: name.slice(prefix.length), item }));
    paths = paths?.map((path) => (path.startsWith(prefix) ? path.slice(prefix.length) : path));
  }
  return { arrays: await readTensors(file, new Map(tensors.map(({ name, item }) => [name, item]))), paths };
}
