/**
 * Puts the data that an ONNX model has in files beside it (`model.onnx.data`) into the model. PyTorch 2.9 and later write such
 * files. A file must be in the model's own folder or below it, by its real path.
 *
 * Format: docs/ExternalData.md in github.com/onnx/onnx.
 */

import { dirname, join } from "node:path";
import protobuf from "protobufjs/minimal.js";
import { shapeText } from "#src/base/errors/define.js";
import { NetworkError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import { isLocationInside, realPathBeside } from "#src/files/beside.js";
import { checkedElements } from "#src/files/formats/arrays.js";
import { readWholeFile } from "#src/files/read-file.js";
import { integer, Message, message, raw, text } from "./message.js";
import { MAX_WHOLE_FIELDS, readModel, readTensor, type Tensor } from "./model.js";
import { GRAPH, MODEL, TENSOR } from "./proto.js";
import { elementBytes, externalFault } from "./tensor.js";

/** Most bytes of a model with its data: protobuf's limit, 2 GiB − 1. */
const MAX_BYTES = 2 ** 31 - 1;
/** Most files of data. Exporters write one, or one for each large tensor. */
const MAX_FILES = 2_000;
/** Key of a tensor's `external_data` that every external tensor has. */
const LOCATION = "location";
const OWN_FOLDER = "its data in a file in the model's own folder";
const DIGITS = /^\d{1,15}$/;

export interface WholeModel {
  /** The model with all data inside. */
  readonly bytes: Uint8Array;
  /** Bytes on disk: the model, then its files of data in the order of their names. */
  readonly files: readonly Uint8Array[];
}

/**
 * Returns the model with its external data inside; the same bytes if it has none.
 *
 * @throws NetworkError ERR_ONNX_EXTERNAL, ERR_ONNX_MALFORMED, ERR_ONNX_LIMIT, ERR_WEIGHTS_SIZE
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_DATASET_CHANGED for a file of data
 */
export async function readWholeModel(path: string, bytes: Uint8Array): Promise<WholeModel> {
  const tensors = externalTensors(path, bytes);
  if (tensors.length === 0) return { bytes, files: [bytes] };
  const data = await readData(path, bytes.length, tensors);
  const contents = tensors.map((tensor) => contentOf(path, tensor, data.get(locationOf(path, tensor))));
  const totalBytes = contents.reduce((sum, content) => sum + content.length, bytes.length);
  if (totalBytes > MAX_BYTES) throw tooLarge(path, totalBytes);
  const names = [...data.keys()].sort();
  const files = new Set(names.flatMap((name) => data.get(name) ?? []));
  return { bytes: embedded(path, bytes, contents), files: [bytes, ...files] };
}

/** Returns the paths of a model's files of data, whether they exist or not. */
export function externalPaths(path: string, bytes: Uint8Array): string[] {
  const locations = externalTensors(path, bytes).map(({ place }) => place?.get(LOCATION) ?? "");
  return [...new Set(locations)].map((location) => join(dirname(path), location));
}

/** Initializers whose data are in other files, in the order of the model. */
function externalTensors(path: string, bytes: Uint8Array): Tensor[] {
  // Most models have none, and are not read twice.
  if (!Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(LOCATION)) return [];
  return readModel(path, bytes, MAX_WHOLE_FIELDS).graph.initializers.filter(({ external }) => external);
}

/** Reads each file once. Keys are locations; two of them may name one file. */
async function readData(
  path: string,
  modelBytes: number,
  tensors: readonly Tensor[],
): Promise<Map<string, Uint8Array>> {
  const data = new Map<string, Uint8Array>();
  const known = new Map<string, Uint8Array>();
  let leftBytes = MAX_BYTES - modelBytes;
  for (const tensor of tensors) {
    const location = locationOf(path, tensor);
    if (data.has(location)) continue;
    const real = await realPath(path, tensor, location);
    const bytes =
      known.get(real) ??
      (await readWholeFile(real, leftBytes, (sizeBytes) => {
        throw tooLarge(path, MAX_BYTES - leftBytes + sizeBytes);
      }));
    if (!known.has(real)) leftBytes -= bytes.length;
    known.set(real, bytes);
    data.set(location, bytes);
    if (known.size > MAX_FILES) {
      throw new NetworkError("ERR_ONNX_LIMIT", { path, what: "files of data", limit: MAX_FILES });
    }
  }
  return data;
}

function tooLarge(path: string, actualBytes: number): NetworkError {
  return new NetworkError("ERR_WEIGHTS_SIZE", { path, actualBytes, limitBytes: MAX_BYTES });
}

/** Returns a relative path without `..`. @throws NetworkError ERR_ONNX_EXTERNAL */
function locationOf(path: string, tensor: Tensor): string {
  const location = tensor.place?.get(LOCATION) ?? "";
  if (isLocationInside(path, location)) return location;
  const found = location === "" ? "a reference without a location" : `"${printable(location)}"`;
  throw externalFault(path, tensor, OWN_FOLDER, found);
}

/** Returns the real path of a file of data. @throws NetworkError ERR_ONNX_EXTERNAL if it is outside of the model's folder */
function realPath(path: string, tensor: Tensor, location: string): Promise<string> {
  return realPathBeside(path, location, (found, isOutside) => {
    const expected = isOutside ? OWN_FOLDER : `its data in "${printable(location)}" beside the model`;
    throw externalFault(path, tensor, expected, found);
  });
}

/** Returns a tensor's bytes in its file. @throws NetworkError ERR_ONNX_EXTERNAL if offset or length do not fit */
function contentOf(path: string, tensor: Tensor, file: Uint8Array = new Uint8Array()): Uint8Array {
  const { dimensions, place } = tensor;
  const size = elementBytes(tensor.type);
  const isShape = dimensions.every((dimension) => Number.isSafeInteger(dimension) && dimension >= 0);
  if (size === undefined || !isShape) {
    const found = `type ${tensor.type} of shape ${shapeText(dimensions)}`;
    throw externalFault(path, tensor, "external data of numbers", found);
  }
  const neededBytes = checkedElements(path, dimensions) * size;
  const offset = place?.get("offset") ?? "0";
  const length = place?.get("length") ?? `${neededBytes}`;
  const isFitting = DIGITS.test(offset) && DIGITS.test(length) && Number(length) === neededBytes;
  if (!isFitting || Number(offset) + neededBytes > file.length) {
    const expected = `${neededBytes} bytes for shape ${shapeText(dimensions)} within the ${file.length} bytes of its file`;
    throw externalFault(path, tensor, expected, `offset ${printable(offset)}, length ${printable(length)}`);
  }
  return file.subarray(Number(offset), Number(offset) + neededBytes);
}

/** Returns the model with the contents of its external initializers, in their order, as raw data. Other fields stay. */
function embedded(path: string, bytes: Uint8Array, contents: readonly Uint8Array[]): Uint8Array {
  const writer = protobuf.Writer.create();
  const left = [...contents];
  const model = Message.ofFile(path, bytes, MAX_WHOLE_FIELDS);
  for (const field of model.fields()) {
    if (field !== MODEL.graph) model.copyTo(writer, field);
    else message(writer, field, (inner) => copyGraph(model.message(), inner, left));
  }
  return writer.finish();
}

function copyGraph(graph: Message, writer: protobuf.Writer, contents: Uint8Array[]): void {
  for (const field of graph.fields()) {
    if (field !== GRAPH.initializer) {
      graph.copyTo(writer, field);
      continue;
    }
    const initializer = graph.message();
    const tensor = readTensor(initializer);
    const content = tensor.external ? contents.shift() : undefined;
    if (content === undefined) raw(writer, field, initializer.whole);
    else message(writer, field, (inner) => writeTensor(inner, tensor, content));
  }
}

function writeTensor(writer: protobuf.Writer, { name, type, dimensions }: Tensor, content: Uint8Array): void {
  for (const size of dimensions) integer(writer, TENSOR.dims, size);
  integer(writer, TENSOR.dataType, type);
  text(writer, TENSOR.name, name);
  raw(writer, TENSOR.rawData, content);
}
