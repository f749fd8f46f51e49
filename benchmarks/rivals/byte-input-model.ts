/** An ONNX model of floats made one of bytes: a Cast before its first node. */
import protobuf from "protobufjs/minimal.js";

// Fields of onnx.proto3 (github.com/onnx/onnx), and its element types.
const MODEL_GRAPH = 7;
const GRAPH_NODE = 1;
const GRAPH_INPUT = 11;
const NODE = { input: 1, output: 2, name: 3, operator: 4, attribute: 5 };
const ATTRIBUTE = { name: 1, integer: 3, type: 20 };
const ATTRIBUTE_INT = 2;
const FLOAT = 1;
const UINT8 = 2;
const BYTES = 2;

/** The model with input `bytes` (N × inputs) u8 in the place of `images` (N × inputs) f32. */
export function readBytes(model: Uint8Array, inputs: number): Uint8Array {
  return Uint8Array.from(
    rewrite(model, (field, value, writer) => {
      if (field !== MODEL_GRAPH) return false;
      writer.uint32(tag(field)).bytes(castFirst(value, inputs));
      return true;
    }),
  );
}

function castFirst(graph: Uint8Array, inputs: number): Uint8Array {
  const cast = protobuf.Writer.create();
  message(cast, GRAPH_NODE, (node) => {
    node.uint32(tag(NODE.input)).string("bytes");
    node.uint32(tag(NODE.output)).string("images");
    node.uint32(tag(NODE.name)).string("cast");
    node.uint32(tag(NODE.operator)).string("Cast");
    message(node, NODE.attribute, (to) => {
      to.uint32(tag(ATTRIBUTE.name)).string("to");
      to.uint32(ATTRIBUTE.integer << 3).int32(FLOAT);
      to.uint32(ATTRIBUTE.type << 3).int32(ATTRIBUTE_INT);
    });
  });
  const rest = rewrite(graph, (field, _, writer) => {
    if (field !== GRAPH_INPUT) return false;
    message(writer, GRAPH_INPUT, (value) => {
      value.uint32(tag(1)).string("bytes");
      // TypeProto.tensor_type: element type, then shape of a symbol and a number.
      message(value, 2, (type) =>
        message(type, 1, (tensor) => {
          tensor.uint32(1 << 3).int32(UINT8);
          message(tensor, 2, (shape) => {
            message(shape, 1, (dimension) => dimension.uint32(tag(2)).string("N"));
            message(shape, 1, (dimension) => dimension.uint32(1 << 3).int32(inputs));
          });
        }),
      );
    });
    return true;
  });
  return Buffer.concat([cast.finish(), rest]);
}

/** Field by field; what `replace` does not take is copied as it stands. */
function rewrite(
  source: Uint8Array,
  replace: (field: number, value: Uint8Array, writer: protobuf.Writer) => boolean,
): Uint8Array {
  const reader = protobuf.Reader.create(source);
  const parts: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const begin = reader.pos;
    const [field, wireType] = splitTag(reader.uint32());
    const writer = protobuf.Writer.create();
    const replaced = wireType === BYTES && replace(field, reader.bytes(), writer);
    if (wireType !== BYTES) reader.skipType(wireType);
    parts.push(replaced ? writer.finish() : source.subarray(begin, reader.pos));
  }
  return Buffer.concat(parts);
}

function splitTag(value: number): [field: number, wireType: number] {
  return [value >>> 3, value & 7];
}

function tag(field: number): number {
  return (field << 3) | BYTES;
}

function message(writer: protobuf.Writer, field: number, write: (inner: protobuf.Writer) => void): void {
  const inner = writer.uint32(tag(field)).fork();
  write(inner);
  inner.ldelim();
}
