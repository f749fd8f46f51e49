/** Opcodes of a pickle that work on the stack and the memo. */
import { printable } from "#src/base/printable.js";
import { build, findGlobal, reduce } from "./globals.js";
import { indexLine } from "./literals.js";
import { OP } from "./opcodes.js";
import type { ByteReader } from "./reader.js";
import type { PickleStack } from "./stack.js";
import { shortLine } from "./text.js";
import { kindOf, PickledList, PickledTuple, type PickledValue } from "./values.js";

type Operate = (stack: PickleStack, reader: ByteReader) => void;

const NEWEST_PROTOCOL = 5;

export const OPERATIONS: ReadonlyMap<number, Operate> = new Map<number, Operate>([
  [OP.PROTO, (_, reader) => checkProtocol(reader)],
  [OP.FRAME, (_, reader) => reader.frame(reader.u64())],

  [OP.MARK, (stack) => stack.mark()],
  [OP.POP, (stack) => stack.discard()],
  [OP.POP_MARK, (stack) => stack.popToMark()],
  [OP.DUP, (stack) => stack.push(stack.top())],

  [OP.PUT, (stack, reader) => stack.put(indexLine(reader))],
  [OP.BINPUT, (stack, reader) => stack.put(reader.u8())],
  [OP.LONG_BINPUT, (stack, reader) => stack.put(reader.u32())],
  [OP.MEMOIZE, (stack) => stack.memoize()],
  [OP.GET, (stack, reader) => stack.get(indexLine(reader))],
  [OP.BINGET, (stack, reader) => stack.get(reader.u8())],
  [OP.LONG_BINGET, (stack, reader) => stack.get(reader.u32())],

  [OP.TUPLE, (stack) => stack.push(new PickledTuple(stack.popToMark()))],
  [OP.TUPLE1, (stack) => stack.push(new PickledTuple(stack.take(1)))],
  [OP.TUPLE2, (stack) => stack.push(new PickledTuple(stack.take(2)))],
  [OP.TUPLE3, (stack) => stack.push(new PickledTuple(stack.take(3)))],

  [OP.LIST, list],
  [OP.APPEND, (stack, reader) => append(reader, stack.take(1), stack.top())],
  [OP.APPENDS, (stack, reader) => append(reader, stack.popToMark(), stack.top())],

  [OP.DICT, dict],
  [OP.SETITEM, (stack, reader) => setItems(reader, stack.take(2), stack.top())],
  [OP.SETITEMS, (stack, reader) => setItems(reader, stack.popToMark(), stack.top())],

  [OP.GLOBAL, (stack, reader) => stack.push(findGlobal(reader, shortLine(reader), shortLine(reader)))],
  [OP.STACK_GLOBAL, stackGlobal],
  [OP.REDUCE, (stack, reader) => stack.push(reduce(reader, stack.take(2)))],
  [OP.BUILD, (stack, reader) => build(reader, stack.pop(), stack.top())],
  [OP.INST, (_, reader) => refuseInstance(reader)],
]);

function checkProtocol(reader: ByteReader): void {
  const protocol = reader.u8();
  if (protocol > NEWEST_PROTOCOL) {
    throw reader.malformed(`a protocol from 0 to ${NEWEST_PROTOCOL}`, `protocol ${protocol}`);
  }
}

function list(stack: PickleStack, reader: ByteReader): void {
  const items = stack.popToMark();
  stack.push(new PickledList());
  append(reader, items, stack.top());
}

function dict(stack: PickleStack, reader: ByteReader): void {
  const items = stack.popToMark();
  stack.push(new Map());
  setItems(reader, items, stack.top());
}

function append(reader: ByteReader, items: readonly PickledValue[], target: PickledValue): void {
  if (!(target instanceof PickledList)) throw reader.malformed("a list to append to", kindOf(target));
  for (const item of items) target.items.push(item);
}

function setItems(reader: ByteReader, items: readonly PickledValue[], target: PickledValue): void {
  if (!(target instanceof Map)) throw reader.malformed("a dict to set items in", kindOf(target));
  for (let index = 0; index < items.length; index += 2) {
    const key = items[index];
    const value = items[index + 1];
    if (typeof key !== "string") throw reader.malformed("a text as key", kindOf(key));
    if (value === undefined) throw reader.malformed("pairs of key and value", "a key without a value");
    if (target.has(key)) throw reader.malformed("each key once", `"${printable(key)}" twice`);
    target.set(key, value);
  }
}

function stackGlobal(stack: PickleStack, reader: ByteReader): void {
  const [module, name] = stack.take(2);
  if (typeof module !== "string" || typeof name !== "string") {
    throw reader.malformed("the texts of a module and a name", `${kindOf(module)} and ${kindOf(name)}`);
  }
  stack.push(findGlobal(reader, module, name));
}

/** An instance of a class by its name, on the allow-list or not: weights need none. */
function refuseInstance(reader: ByteReader): never {
  throw reader.forbidden(printable(`${shortLine(reader)}.${shortLine(reader)}`));
}
