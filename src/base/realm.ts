/**
 * Kinds of values from any realm. Jest, Vitest and node:vm give the modules they load globals of their own: an error that
 * Node throws, or an array that a worker sends, is then no instance of the module's `Error` or `Float64Array`. These
 * functions look at the value's tag or code. `scripts/realms.ts` rejects `instanceof` with a global.
 */

import { types } from "node:util";

type Guard<T> = (value: unknown) => value is T;

export const isUint8Array: Guard<Uint8Array> = types.isUint8Array;
export const isUint16Array: Guard<Uint16Array> = types.isUint16Array;
export const isFloat32Array: Guard<Float32Array> = types.isFloat32Array;
export const isFloat64Array: Guard<Float64Array> = types.isFloat64Array;
export const isPromise: Guard<Promise<unknown>> = types.isPromise;
export const isMap: Guard<Map<unknown, unknown>> = types.isMap;

/** An error of any class: DOMException and the errors of module hooks, which are no native errors, included. */
export function isError(value: unknown): value is Error {
  if (types.isNativeError(value) || tagOf(value) === "[object DOMException]") return true;
  const { message, stack } = (value ?? {}) as { readonly message?: unknown; readonly stack?: unknown };
  return typeof message === "string" && typeof stack === "string";
}

/** An error whose `name` is one of JavaScript's classes, such as RangeError. */
export function isErrorNamed(
  name: "RangeError" | "SyntaxError" | "TypeError" | "ReplyError",
  value: unknown,
): value is Error {
  return isError(value) && value.name === name;
}

export function isAbortSignal(value: unknown): value is AbortSignal {
  return tagOf(value) === "[object AbortSignal]";
}

/** Code of an error, such as Node's `ENOENT`; empty if it has none. */
export function codeOf(error: unknown): string {
  return isError(error) && "code" in error ? String(error.code) : "";
}

function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value);
}
