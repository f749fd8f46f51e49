/** What the tests of networks share: errors by code, and bytes written as text. */
import type { ExecutionContext } from "ava";
import { BatchwiseError, NetworkError } from "../../src/errors.js";

/** The error that `act` throws, which must be ours, have this code, and say it in one line. */
export function coded(t: ExecutionContext, act: () => unknown, code: NetworkError["code"]): NetworkError {
  const error = t.throws<NetworkError>(act, { instanceOf: NetworkError });
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

/** Runs `act`, which may refuse, but only with an error of ours. */
export function refusesOrReturns<T>(t: ExecutionContext, act: () => T, what: string): T | BatchwiseError {
  const startMs = performance.now();
  try {
    return act();
  } catch (error) {
    if (error instanceof BatchwiseError) return error;
    t.fail(`${what}: threw ${String(error)}`);
    throw error;
  } finally {
    const elapsedMs = performance.now() - startMs;
    if (elapsedMs > 100) t.fail(`${what}: took ${elapsedMs} ms`);
  }
}
