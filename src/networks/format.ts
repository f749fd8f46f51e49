/** Tells the format of a file of weights by its content: a file's ending is only its name. */
import { NetworkError } from "#src/base/errors.js";

export type WeightsFormat = "safetensors" | "pickle" | "npz" | "onnx";

/** An entry, or the end record of an archive of none. */
const ZIP_MAGICS = ["PK\x03\x04", "PK\x05\x06"];

/** What else people have in hand; names help more than bytes do. */
const FOREIGN: readonly { readonly magic: string; readonly name: string }[] = [
  {
    magic: "\x93NUMPY",
    name: "a single NumPy array; give the folder that has all of W1.npy, b1.npy and so on",
  },
  { magic: "\x89HDF", name: "HDF5 (Keras)" },
  { magic: "\x1f\x8b", name: "a gzip file" },
  { magic: "{", name: "a text that begins like JSON" },
];

/**
 * safetensors: a u64 header length, then `{`. Pickle: 0x80 and a protocol from 2 on; protocols 0 and 1 have no mark of
 * their own, but begin with a dict, a list or a name. ONNX has no mark at all: its fields must be those of a model.
 *
 * @throws NetworkError ERR_NETWORK_FORMAT
 */
export async function weightsFormat(path: string, bytes: Uint8Array): Promise<WeightsFormat> {
  const head = Buffer.from(bytes.subarray(0, 256)).toString("latin1");
  // Lengths below 4 GiB leave the upper half of the u64 zero, which no pickle has there.
  if (head.startsWith("\0\0\0\0{", 4)) return "safetensors";
  if (ZIP_MAGICS.some((magic) => head.startsWith(magic))) return "npz";
  if (/^(\x80|[(}\]]|c[\w.]+\n[\w.]+\n)/.test(head)) return "pickle";
  const foreign = FOREIGN.find(({ magic }) => head.startsWith(magic));
  if (foreign === undefined && (await import("#src/networks/onnx/recognize.js")).looksLikeOnnx(bytes))
    return "onnx";
  throw new NetworkError("ERR_NETWORK_FORMAT", {
    path,
    expected: "safetensors, .npz, ONNX, or a pickle of NumPy arrays",
    found: foreign?.name ?? `a file that begins ${hex(bytes)}`,
  });
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
