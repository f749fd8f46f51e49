/**
 * Adds to an ONNX file without writing it again: protobuf takes fields in any order, and merges the parts of a message
 * that is there more than once (protobuf.dev/programming-guides/encoding, "Last One Wins").
 */
import protobuf from "protobufjs/minimal.js";
import { message, text } from "./write.js";

/** ModelProto.graph, GraphProto.output, ModelProto.metadata_props (onnx/onnx.proto). */
const GRAPH = 7;
const OUTPUT = 12;
const PROPERTY = 14;

/** The file with more of its graph's tensors among the outputs. A runtime infers their types. */
export function withOutputs(bytes: Uint8Array, names: readonly string[]): Uint8Array<ArrayBuffer> {
  return appended(bytes, (writer) =>
    message(writer, GRAPH, (graph) => {
      for (const name of names) message(graph, OUTPUT, (value) => text(value, 1, name));
    }),
  );
}

/** The file with these properties behind its own. */
export function withProperties(
  bytes: Uint8Array,
  properties: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  return appended(bytes, (writer) => {
    for (const [key, value] of Object.entries(properties)) {
      message(writer, PROPERTY, (property) => {
        text(property, 1, key);
        text(property, 2, value);
      });
    }
  });
}

function appended(bytes: Uint8Array, write: (writer: protobuf.Writer) => void): Uint8Array<ArrayBuffer> {
  const writer = protobuf.Writer.create();
  write(writer);
  const added = writer.finish();
  const whole = new Uint8Array(bytes.length + added.length);
  whole.set(bytes);
  whole.set(added, bytes.length);
  return whole;
}
