/** The pickle machine: protocols 0 to 5, a closed list of names, limits on everything. It makes data, and runs nothing. */
import type { NetworkError } from "#src/base/errors.js";
import { LITERALS } from "./literals.js";
import { FORBIDDEN_OPCODES, OP } from "./opcodes.js";
import { OPERATIONS } from "./operations.js";
import { type ByteReader, PICKLE_LIMITS } from "./reader.js";
import { PickleStack } from "./stack.js";
import type { PickledValue } from "./values.js";

/**
 * The one value of a pickle. Its opcodes follow Python's Lib/pickletools.py; those that a dict of NumPy arrays does not
 * need are refused by name. Values may be nested as deeply as the limits allow: nothing here recurses.
 *
 * @throws NetworkError ERR_PICKLE_FORBIDDEN, ERR_PICKLE_MALFORMED, ERR_PICKLE_TRUNCATED, ERR_PICKLE_LIMIT.
 */
export function runPickle(reader: ByteReader): PickledValue {
  const stack = new PickleStack(reader);
  for (let count = 0; count < PICKLE_LIMITS.opcodes; count += 1) {
    const opcode = reader.opcode();
    if (opcode === OP.STOP) return answer(stack, reader);
    const literal = LITERALS.get(opcode);
    const operate = OPERATIONS.get(opcode);
    if (literal !== undefined) stack.push(literal(reader));
    else if (operate !== undefined) operate(stack, reader);
    else throw refusal(opcode, reader);
  }
  throw reader.limit("opcodes", PICKLE_LIMITS.opcodes);
}

function answer(stack: PickleStack, reader: ByteReader): PickledValue {
  const value = stack.last();
  if (reader.leftBytes > 0) {
    throw reader.malformed("the end of the file behind STOP", `${reader.leftBytes} bytes more`);
  }
  return value;
}

function refusal(opcode: number, reader: ByteReader): NetworkError {
  const asked = FORBIDDEN_OPCODES.get(opcode);
  if (asked !== undefined) return reader.forbidden(asked);
  return reader.malformed("an opcode", `0x${opcode.toString(16).padStart(2, "0")}`);
}
