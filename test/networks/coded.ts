/** What the tests of networks share: errors by code, and bytes written as text. */
import type { ExecutionContext } from "ava";
import { BatchwiseError, type ErrorCode } from "#src/base/errors.js";

/** The error that `act` throws, which must be ours, have this code, and say it in one line. */
export function coded(t: ExecutionContext, act: () => unknown, code: ErrorCode): BatchwiseError {
  return checked(t, t.throws<BatchwiseError>(act, { instanceOf: BatchwiseError }), code);
}

/** The same of a promise. */
export async function codedAsync(
  t: ExecutionContext,
  act: Promise<unknown>,
  code: ErrorCode,
): Promise<BatchwiseError> {
  return checked(t, await t.throwsAsync<BatchwiseError>(act, { instanceOf: BatchwiseError }), code);
}

function checked(t: ExecutionContext, error: BatchwiseError, code: ErrorCode): BatchwiseError {
  t.is(error.code, code, error.message);
  t.notRegex(error.message, /\p{Cc}/u);
  return error;
}

/** One byte a character: `raw("\x80\x04N.")`. */
export function raw(...parts: readonly (string | Uint8Array)[]): Uint8Array {
  return Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : part)));
}

export function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function u64(value: bigint | number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
