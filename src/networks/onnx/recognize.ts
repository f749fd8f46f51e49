/** Whether a file could be an ONNX model, which has no magic: are its first fields those of a model? */
import { BatchwiseError } from "#src/base/errors.js";
import { Message } from "./message.js";

const IR_VERSION = 1;
const GRAPH = 7;
/** ModelProto's fields (onnx/onnx.proto in github.com/onnx/onnx). */
const FIELDS = new Set([IR_VERSION, 2, 3, 4, 5, 6, GRAPH, 8, 14, 20, 25]);
/** `ir_version`, a varint: what every serializer writes first. */
const FIRST_TAG = 0x08;

export function looksLikeOnnx(bytes: Uint8Array): boolean {
  if (bytes[0] === FIRST_TAG) return true;
  try {
    for (const field of Message.ofFile("", bytes).fields()) {
      if (field === GRAPH) return true;
      if (!FIELDS.has(field)) return false;
    }
  } catch (error) {
    if (!(error instanceof BatchwiseError)) throw error;
  }
  return false;
}
