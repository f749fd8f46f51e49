/** Pickle machine for protocols 0 to 5, with a closed list of names and limits on everything. It runs no code. */

import { finished, type Steps } from "#src/base/abort.js";
import type { NetworkError } from "#src/base/errors.js";
import { isMap } from "#src/base/realm.js";
import { printable } from "#src/base/text.js";
import { indexLine, LITERALS, LONG_TEXTS, shortLine } from "./literals.js";
import { type ByteReader, FORBIDDEN_OPCODES, OP, PICKLE_LIMITS } from "./reader.js";
import { kindOf, NUMPY, PickledList, PickledTuple, type PickledValue, type Vocabulary } from "./values.js";

/**
 * Returns the value of a pickle. The opcodes are those of Python's Lib/pickletools.py. Opcodes that a dict of
 * NumPy arrays does not need are rejected by name. Values may be nested as deeply as the limits allow: nothing here recurses.
 *
 * @throws NetworkError ERR_PICKLE_FORBIDDEN, ERR_PICKLE_MALFORMED, ERR_PICKLE_TRUNCATED, ERR_PICKLE_LIMIT.
 */
export function runPickle(...given: Parameters<typeof runPickleInSteps>): PickledValue {
  return finished(runPickleInSteps(...given));
}

/** `runPickle` in steps. */
export function* runPickleInSteps(reader: ByteReader, vocabulary: Vocabulary = NUMPY): Steps<PickledValue> {
  const value = yield* nextPickleInSteps(reader, vocabulary);
  if (reader.leftBytes > 0) {
    throw reader.malformed("the end of the file after STOP", `${reader.leftBytes} bytes more`);
  }
  return value;
}

/** `runPickle` for a pickle that more bytes follow. */
export function runNextPickle(reader: ByteReader, vocabulary: Vocabulary): PickledValue {
  return finished(nextPickleInSteps(reader, vocabulary));
}

function* nextPickleInSteps(reader: ByteReader, vocabulary: Vocabulary): Steps<PickledValue> {
  const stack = new PickleStack(reader, vocabulary);
  for (let count = 0; count < PICKLE_LIMITS.opcodes; count += 1) {
    const opcode = reader.opcode();
    if (opcode === OP.STOP) return stack.last();
    const literal = LITERALS.get(opcode);
    const operate = OPERATIONS.get(opcode) ?? extension(opcode, vocabulary);
    const text = LONG_TEXTS.get(opcode);
    if (text !== undefined) {
      stack.push(yield* text(reader));
      yield;
    } else if (literal !== undefined) stack.push(literal(reader));
    else if (operate !== undefined) operate(stack, reader);
    else throw refusal(opcode, reader);
  }
  throw reader.limit("opcodes", PICKLE_LIMITS.opcodes);
}

function refusal(opcode: number, reader: ByteReader): NetworkError {
  const forbidden = FORBIDDEN_OPCODES.get(opcode);
  if (forbidden !== undefined) return reader.forbidden(forbidden);
  return reader.malformed("an opcode", `0x${opcode.toString(16).padStart(2, "0")}`);
}

type Operate = (stack: PickleStack, reader: ByteReader) => void;

/** Opcodes that only some vocabularies have. */
function extension(opcode: number, { outside }: Vocabulary): Operate | undefined {
  if (outside === undefined) return undefined;
  if (opcode === OP.BINPERSID) return (stack, reader) => stack.push(outside.persistent(reader, stack.pop()));
  // A set is as passive as a list.
  if (opcode === OP.EMPTY_SET) return (stack) => stack.push(new PickledList());
  if (opcode === OP.ADDITEMS) return (stack, reader) => append(reader, stack.popToMark(), stack.top());
  if (opcode === OP.FROZENSET) return list;
  if (opcode === OP.NEWOBJ) return (stack, reader) => stack.push(outside.instance(reader, stack.take(2)));
  return undefined;
}

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
  [OP.SETITEM, (stack, reader) => setItems(stack, reader, stack.take(2))],
  [OP.SETITEMS, (stack, reader) => setItems(stack, reader, stack.popToMark())],

  [
    OP.GLOBAL,
    (stack, reader) => stack.push(stack.vocabulary.find(reader, shortLine(reader), shortLine(reader))),
  ],
  [OP.STACK_GLOBAL, stackGlobal],
  [OP.REDUCE, (stack, reader) => stack.push(stack.vocabulary.reduce(reader, stack.take(2)))],
  [OP.BUILD, (stack, reader) => stack.vocabulary.build(reader, stack.pop(), stack.top())],
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
  setItems(stack, reader, items);
}

function append(reader: ByteReader, items: readonly PickledValue[], target: PickledValue): void {
  if (!(target instanceof PickledList)) throw reader.malformed("a list to append to", kindOf(target));
  for (const item of items) target.items.push(item);
}

/** Key of a dict as text. A number becomes its digits. */
function setItems(stack: PickleStack, reader: ByteReader, items: readonly PickledValue[]): void {
  const target = stack.top();
  if (!isMap(target)) throw reader.malformed("a dict to set items in", kindOf(target));
  for (let index = 0; index < items.length; index += 2) {
    const item = items[index];
    const other = item === undefined ? undefined : stack.vocabulary.outside?.key?.(item, target.size);
    const key = typeof item === "number" ? String(item) : (other ?? item);
    const value = items[index + 1];
    if (typeof key !== "string") throw reader.malformed("a text or a number as key", kindOf(key));
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
  stack.push(stack.vocabulary.find(reader, module, name));
}

/** Instances of every class are rejected, also of classes on the allow-list: weights need none. */
function refuseInstance(reader: ByteReader): never {
  throw reader.forbidden(printable(`${shortLine(reader)}.${shortLine(reader)}`));
}

/** Stack and memo of the pickle machine, each with its limit. */
export class PickleStack {
  readonly vocabulary: Vocabulary;
  readonly #reader: ByteReader;
  readonly #values: PickledValue[] = [];
  /** Height of the stack at each open MARK. Values below the last one may not be taken. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickledValue>();

  constructor(reader: ByteReader, vocabulary: Vocabulary) {
    this.#reader = reader;
    this.vocabulary = vocabulary;
  }

  push(value: PickledValue): void {
    if (this.#values.length === PICKLE_LIMITS.stackValues) throw this.#full();
    this.#values.push(value);
  }

  mark(): void {
    if (this.#marks.length === PICKLE_LIMITS.stackValues) throw this.#full();
    this.#marks.push(this.#values.length);
  }

  /** Returns the topmost value above the last mark, and leaves it on the stack. */
  top(): PickledValue {
    const value = this.#values.at(-1);
    if (value === undefined || this.#values.length === this.#marks.at(-1)) {
      throw this.#reader.malformed("a value on the stack", "none");
    }
    return value;
  }

  pop(): PickledValue {
    const value = this.top();
    this.#values.pop();
    return value;
  }

  /** Takes the topmost `count` values, in the order in which they were pushed. */
  take(count: number): PickledValue[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  popToMark(): PickledValue[] {
    const height = this.#marks.pop();
    if (height === undefined) throw this.#reader.malformed("a mark on the stack", "none");
    return this.#values.splice(height);
  }

  /** POP removes the mark if one is on top (Lib/pickle.py, load_pop). */
  discard(): void {
    if (this.#values.length === this.#marks.at(-1)) this.#marks.pop();
    else this.pop();
  }

  /** Takes the value that must be the only one. */
  last(): PickledValue {
    const value = this.pop();
    const left = this.#values.length + this.#marks.length;
    if (left > 0) throw this.#reader.malformed("one value at the end", `${left} more on the stack`);
    return value;
  }

  /** Stores the topmost value in the memo. */
  put(index: number): void {
    if (this.#memo.size === PICKLE_LIMITS.memoEntries) {
      throw this.#reader.limit("memo entries", PICKLE_LIMITS.memoEntries);
    }
    this.#memo.set(index, this.top());
  }

  memoize(): void {
    this.put(this.#memo.size);
  }

  get(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) throw this.#reader.malformed(`memo entry ${index}`, "none");
    this.push(value);
  }

  #full(): NetworkError {
    return this.#reader.limit("values on the stack", PICKLE_LIMITS.stackValues);
  }
}
