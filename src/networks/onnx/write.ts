/** Fields of protobuf messages, by their numbers. */
import type protobuf from "protobufjs/minimal.js";
import { WIRE } from "./message.js";

function tag(field: number, wireType: number): number {
  return (field << 3) | wireType;
}

export function integer(writer: protobuf.Writer, field: number, value: number): void {
  writer.uint32(tag(field, WIRE.VARINT)).int64(value);
}

export function text(writer: protobuf.Writer, field: number, value: string): void {
  writer.uint32(tag(field, WIRE.BYTES)).string(value);
}

export function message(
  writer: protobuf.Writer,
  field: number,
  write: (inner: protobuf.Writer) => void,
): void {
  write(writer.uint32(tag(field, WIRE.BYTES)).fork());
  writer.ldelim();
}

export function raw(writer: protobuf.Writer, field: number, value: Uint8Array): void {
  writer.uint32(tag(field, WIRE.BYTES)).bytes(value);
}
