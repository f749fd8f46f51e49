/** Writes ONNX models for tests, right ones and wrong ones, by onnx.proto and not by the code under test. */

/** A field: bytes, text or a nested message is written with its length, a number as a varint. */
export type Field = readonly [number: number, value: number | bigint | string | Uint8Array];

export function fields(...list: readonly Field[]): Buffer {
  return Buffer.concat(
    list.map(([number, value]) => {
      if (typeof value === "number" || typeof value === "bigint") {
        return Buffer.concat([varint(number << 3), varint(value)]);
      }
      const bytes = Buffer.from(value as Uint8Array);
      return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
    }),
  );
}

/** Negative numbers as 64 bits of two's complement. */
export function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}

export const FLOAT = 1;
export const UINT8 = 2;
export const INT64 = 7;
export const FLOAT16 = 10;
export const DOUBLE = 11;

export function floats(values: readonly number[]): Buffer {
  return Buffer.from(Float32Array.from(values).buffer);
}

export function doubles(values: readonly number[]): Buffer {
  return Buffer.from(Float64Array.from(values).buffer);
}

/** Float32 in raw_data; `more` comes behind. */
export function tensor(
  name: string,
  shape: readonly number[],
  values: readonly number[],
  ...more: readonly Field[]
): Buffer {
  return fields(
    ...shape.map((size): Field => [1, size]),
    [2, FLOAT],
    [8, name],
    [9, floats(values)],
    ...more,
  );
}

export function int64s(name: string, values: readonly number[]): Buffer {
  return fields([1, values.length], [2, INT64], [7, Buffer.concat(values.map(varint))], [8, name]);
}

export interface TestNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly name?: string;
  readonly domain?: string;
  readonly attributes?: readonly Buffer[];
}

export function node({ op, inputs, output, name, domain, attributes = [] }: TestNode): Buffer {
  return fields(
    ...inputs.map((input): Field => [1, input]),
    [2, output],
    ...(name === undefined ? [] : [[3, name] as Field]),
    [4, op],
    ...attributes.map((attribute): Field => [5, attribute]),
    ...(domain === undefined ? [] : [[7, domain] as Field]),
  );
}

/** AttributeProto of type INT. */
export function intAttribute(name: string, value: number): Buffer {
  return fields([1, name], [3, value], [20, 2]);
}

/** AttributeProto of type FLOAT. */
export function floatAttribute(name: string, value: number): Buffer {
  return Buffer.concat([fields([1, name]), Buffer.from([0x15]), floats([value]), fields([20, 1])]);
}

/** AttributeProto of type INTS. */
export function intsAttribute(name: string, values: readonly number[]): Buffer {
  return fields([1, name], ...values.map((value): Field => [8, value]), [20, 7]);
}

/** ValueInfoProto of a tensor; a dimension that is a text may be of any size. */
export function value(name: string, shape: readonly (number | string)[], type = FLOAT): Buffer {
  const dimensions = shape.map(
    (size): Field => [1, fields(typeof size === "number" ? [1, size] : [2, size])],
  );
  return fields([1, name], [2, fields([1, fields([1, type], [2, fields(...dimensions)])])]);
}

export interface TestModel {
  readonly nodes: readonly TestNode[];
  readonly tensors: readonly Buffer[];
  readonly inputs?: readonly Buffer[];
  readonly outputs?: readonly Buffer[];
  readonly opsets?: readonly (readonly [domain: string, version: number])[];
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Input `x` (N, 2) and output `y` unless told otherwise. */
export function model({
  nodes,
  tensors,
  inputs = [value("x", ["N", 2])],
  outputs = [value("y", ["N", 2])],
  opsets = [["", 13]],
  metadata = {},
}: TestModel): Buffer {
  const graph = fields(
    ...nodes.map((each): Field => [1, node(each)]),
    [2, "graph"],
    ...tensors.map((each): Field => [5, each]),
    ...inputs.map((each): Field => [11, each]),
    ...outputs.map((each): Field => [12, each]),
  );
  return fields(
    [1, 8],
    [7, graph],
    ...opsets.map(([domain, version]): Field => [8, fields([1, domain], [2, version])]),
    ...Object.entries(metadata).map(([key, text]): Field => [14, fields([1, key], [2, text])]),
  );
}
