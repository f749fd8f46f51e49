/** Recognizes the format of a file of weights by its content, and reads the metadata beside the weights. */

import { ASSUMPTION_SUBJECTS, type Assumption, type AssumptionSubject } from "#src/base/assumptions.js";
import { ACTIVATIONS, type Activation, MAP_ORDERS, type Network } from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import { looksLikeTorch } from "#src/files/formats/torch/head.js";

export type WeightsFormat =
  | "safetensors"
  | "pickle"
  | "npz"
  | "npy"
  | "onnx"
  | "json"
  | "keras"
  | "tfjs"
  | "torch"
  | "sklearn";

/** Formats that are read, for messages. */
export const EXPECTED_FORMATS =
  "PyTorch, Keras, TensorFlow.js, ONNX, scikit-learn, safetensors, .npz, JSON, or a pickle of NumPy arrays";

/** Magics of ZIP: of an entry, and of the end record of an empty archive. */
const ZIP_MAGICS = ["PK\x03\x04", "PK\x05\x06"];

/** A .npy file of Python objects, which is a header and a pickle: what np.save makes of a dict. */
const PYTHON_OBJECTS = /^\x93NUMPY.{4,6}\{[^}]*'descr': '\|O'/s;

/** Bytes before the name of a ZIP archive's first entry. */
const ZIP_HEADER_BYTES = 30;
/** First entries of .keras files: keras/src/saving/saving_lib.py writes metadata.json, then config.json. */
const KERAS_ENTRY = /^(metadata|config)\.json/;

const loadSklearn = () => import("#src/files/formats/sklearn/container.js");

/** Other formats, for messages: a name helps more than bytes. */
const FOREIGN: readonly { readonly magic: string; readonly name: string }[] = [
  {
    magic: "\x93NUMPY",
    name: "a single NumPy array; give the folder that has all of W1.npy, b1.npy and so on",
  },
  { magic: "\x1f\x8b", name: "a gzip file" },
];

/**
 * safetensors: a u64 header length, then `{`. Pickle: 0x80 and a protocol from 2 on; protocols 0 and 1 have no magic, but
 * begin with a dict, a list or a name. Keras: HDF5, or a ZIP archive of JSON and HDF5. ONNX has no magic: its fields must be
 * those of a model.
 *
 * @throws NetworkError ERR_NETWORK_FORMAT
 */
export async function weightsFormat(path: string, bytes: Uint8Array): Promise<WeightsFormat> {
  const head = Buffer.from(bytes.subarray(0, 256)).toString("latin1");
  // A length below 4 GiB leaves the upper half of the u64 zero. No pickle has zeros there.
  if (head.startsWith("\0\0\0\0{", 4)) return "safetensors";
  if (looksLikeTorch(head)) return "torch";
  if (head.startsWith("\x89HDF")) return "keras";
  if (ZIP_MAGICS.some((magic) => head.startsWith(magic))) {
    return KERAS_ENTRY.test(head.slice(ZIP_HEADER_BYTES)) ? "keras" : "npz";
  }
  if (/^[\x80cx]|^\W\x8b/.test(head) && (await loadSklearn()).looksLikeSklearn(bytes)) return "sklearn";
  if (/^(\x80|[(}\]]|c[\w.]+\n[\w.]+\n)/.test(head)) return "pickle";
  if (PYTHON_OBJECTS.test(head)) return "npy";
  if (/^(\xef\xbb\xbf)?\s*[{[]/.test(head)) return looksLikeTfjs(bytes) ? "tfjs" : "json";
  const foreign = FOREIGN.find(({ magic }) => head.startsWith(magic));
  if (foreign === undefined && (await import("#src/networks/onnx/message.js")).looksLikeOnnx(bytes))
    return "onnx";
  throw new NetworkError("ERR_NETWORK_FORMAT", {
    path,
    expected: EXPECTED_FORMATS,
    found: foreign?.name ?? `a file that begins ${hex(bytes)}`,
  });
}

/** True for a `model.json`: weights in JSON have no such key. */
export function looksLikeTfjs(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes('"modelTopology"');
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** Texts by key that a file of weights has beside its arrays. */
export type Metadata = ReadonlyMap<string, string>;

/** Key of what the writer of a file had to assume: subjects, separated by spaces. */
export const ASSUMED = "assumed";

/** Metadata that name assumptions; empty if there are none. */
export function assumedMetadata(assumptions: readonly Assumption[], prefix = ""): Record<string, string> {
  if (assumptions.length === 0) return {};
  return { [prefix + ASSUMED]: assumptions.map(({ subject }) => subject).join(" ") };
}

/** Reads what `assumedMetadata` wrote with this prefix. @throws NetworkError ERR_NETWORK_FORMAT for an unknown subject */
export function assumedIn(path: string, metadata: Metadata, prefix = ""): AssumptionSubject[] {
  const words = metadata.get(prefix + ASSUMED)?.split(" ") ?? [];
  return words.map((word) => {
    const subject = ASSUMPTION_SUBJECTS.find((known) => known === word);
    if (subject !== undefined) return subject;
    throw new NetworkError("ERR_NETWORK_FORMAT", {
      path,
      expected: `metadata "${prefix}${ASSUMED}" to be of ${ASSUMPTION_SUBJECTS.join(", ")}`,
      found: `"${printable(word)}"`,
    });
  });
}

/** Key of the order in which the first layer reads the bytes of a coloured image. */
const PIXEL_ORDER = "pixelOrder";
/** Key of the order that is assumed. */
const LIKELY_ORDER = "likelyPixelOrder";

type Ordered = Pick<Network, "layers" | "pixelOrder" | "likelyPixelOrder">;

/** Whether the first layer's inputs may be the bytes of coloured images. */
function canBeColoured({ layers }: Ordered): boolean {
  return (layers[0]?.inputs ?? 0) % 3 === 0;
}

/** Metadata that name the order, so that every format is read in the same one; empty if the images cannot be coloured. */
export function pixelOrderMetadata(network: Ordered, prefix = ""): Record<string, string> {
  const { pixelOrder, likelyPixelOrder = "channels-last" } = network;
  if (!canBeColoured(network)) return {};
  return pixelOrder === undefined
    ? { [prefix + LIKELY_ORDER]: likelyPixelOrder }
    : { [prefix + PIXEL_ORDER]: pixelOrder };
}

/** Whether a format without metadata, which is read channels last, would turn the bytes of coloured images. */
export function isChannelsFirst(network: Ordered): boolean {
  return canBeColoured(network) && (network.pixelOrder ?? network.likelyPixelOrder) === "channels-first";
}

/** Reads what `pixelOrderMetadata` wrote; empty if it wrote nothing. @throws NetworkError ERR_NETWORK_FORMAT for an unknown value */
export function pixelOrderIn(
  path: string,
  metadata: Metadata,
  prefix = "",
): Pick<Network, "pixelOrder" | "likelyPixelOrder"> {
  const pixelOrder = metadataOneOf(path, MAP_ORDERS, prefix + PIXEL_ORDER, metadata);
  const likelyPixelOrder = metadataOneOf(path, MAP_ORDERS, prefix + LIKELY_ORDER, metadata);
  if (pixelOrder !== undefined) return { pixelOrder };
  return likelyPixelOrder === undefined ? {} : { pixelOrder, likelyPixelOrder };
}

/** Undefined if the file does not state it. @throws NetworkError ERR_NETWORK_FORMAT for a value that does not exist */
export function activationOf(path: string, key: string, metadata: Metadata): Activation | undefined {
  return metadataOneOf(path, ACTIVATIONS, key, metadata);
}

/** Undefined if the file does not state it. @throws NetworkError ERR_NETWORK_FORMAT for an unknown value */
export function metadataOneOf<T extends string>(
  path: string,
  known: readonly T[],
  key: string,
  metadata: Metadata,
): T | undefined {
  const said = metadata.get(key);
  const value = known.find((one) => one === said);
  if (said !== undefined && value === undefined) {
    throw new NetworkError("ERR_NETWORK_FORMAT", {
      path,
      expected: `metadata "${key}" to be one of ${known.join(", ")}`,
      found: `"${printable(said)}"`,
    });
  }
  return value;
}
