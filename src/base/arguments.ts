/** Checks the arguments of public calls. An unknown key is an error, never ignored. */
import { UsageError } from "./errors.js";
import { isAbortSignal, isPromise } from "./realm.js";
import { printable, suggest } from "./text.js";

const LONGEST_FOUND = 60;

/** What one value may be. */
export interface Kind {
  /** In words, for the message. */
  readonly expected: string;
  /** What was found instead, in words; undefined if the value is of this kind. */
  fault(value: unknown): string | undefined;
  /** The allowed words, if the value is one of a list. */
  readonly words?: readonly string[];
  readonly isRequired?: true;
}

/** One kind for each key of `Options`: the compiler requires an entry for a new key. */
export type KindsOf<Options> = { readonly [Key in keyof Required<Options>]: Kind };

function kind(expected: string, accepts: (value: unknown) => boolean): Kind {
  return { expected, fault: (value) => (accepts(value) ? undefined : described(value)) };
}

export const TEXT = kind("a string", (value) => typeof value === "string");
export const FLAG = kind("true or false", (value) => typeof value === "boolean");
export const NUMBER = kind("a number", (value) => typeof value === "number");
export const WHOLE_NUMBER = kind("a whole number", (value) => Number.isInteger(value));
/** A number, or its digits. The allowed range is checked by the user of the number. */
export const NUMBER_LIKE = kind("a number", (value) => ["number", "string"].includes(typeof value));
export const COUNT = kind("a whole number from 1", (value) => Number.isInteger(value) && Number(value) > 0);
export const FUNCTION = kind("a function", (value) => typeof value === "function");
export const SIGNAL = kind("an AbortSignal", (value) => isAbortSignal(value));
export const PROMISE = kind("a promise", (value) => isObject(value) && typeof value.then === "function");
export const LIST = kind("a list", (value) => Array.isArray(value));
export const FALSE = kind("false", (value) => value === false);
/** One of these words; the error for another word suggests the nearest. */
export function wordOf(words: readonly string[]): Kind {
  return { ...kind(words.join(" or "), (value) => words.some((word) => word === value)), words };
}

export function anyOf(expected: string, ...guards: readonly ((value: unknown) => boolean)[]): Kind {
  return kind(expected, (value) => guards.some((guard) => guard(value)));
}

/** A list of at least one item, each of the kind. */
export function listOf(expected: string, item: Kind): Kind {
  return {
    expected,
    fault(value) {
      if (!Array.isArray(value)) return described(value);
      if (value.length === 0) return "an empty list";
      const fault = value.map((one) => item.fault(one)).find((found) => found !== undefined);
      return fault && `a list with ${fault}`;
    },
  };
}

/** An object of any class that has these parts; it may have others. */
export function objectWith(
  expected: string,
  parts: Readonly<Record<string, Kind>>,
  optionalParts: Readonly<Record<string, Kind>> = {},
): Kind {
  return {
    expected,
    fault(value) {
      if (!isObject(value) || Array.isArray(value) || isPromise(value)) return described(value);
      for (const [name, part] of Object.entries({ ...parts, ...optionalParts })) {
        const found = value[name];
        if (found === undefined && !(name in parts)) continue;
        const fault = part.fault(found);
        if (fault !== undefined) return `${described(value)} whose "${name}" is ${fault}`;
      }
      return undefined;
    },
  };
}

/** Adds a condition to a kind; `fault` is called only for values of the kind. */
export function also(one: Kind, fault: (value: never) => string | undefined): Kind {
  return { ...one, fault: (value) => one.fault(value) ?? fault(value as never) };
}

/** A value of either kind. For other values, the second kind gives the fault. */
export function either(first: Kind, second: Kind): Kind {
  return {
    expected: `${first.expected}, or ${second.expected}`,
    fault: (value) => (first.fault(value) === undefined ? undefined : second.fault(value)),
  };
}

export function required(one: Kind): Kind {
  return { ...one, isRequired: true };
}

/** The kinds without those of some keys, for a call that takes fewer. */
export function without<Kinds, Key extends keyof Kinds>(
  kinds: Kinds,
  ...keys: readonly Key[]
): Omit<Kinds, Key> {
  const rest = { ...kinds };
  for (const key of keys) delete rest[key];
  return rest;
}

export const LOG = objectWith("a log with debug, info and warn", {
  debug: FUNCTION,
  info: FUNCTION,
  warn: FUNCTION,
});

/**
 * An object of options, or of hooks, whose every key the call knows and whose every value is of the key's kind.
 *
 * @param call name of the function, for messages
 * @param what `option` or `hook`
 * @returns a copy with inherited keys too, so that no later copy loses them
 * @throws UsageError ERR_OPTION_UNKNOWN for a key or a word that is not known, ERR_ARGUMENT for a value of another kind
 */
export function checkedKeys<Options extends object>(
  call: string,
  what: "option" | "hook",
  given: Options | undefined,
  kinds: KindsOf<Options>,
): Options {
  if (given !== undefined && !isPlain(given)) {
    const found = described(given);
    throw new UsageError("ERR_ARGUMENT", { call, argument: `${what}s`, expected: "a plain object", found });
  }
  const known = Object.keys(kinds);
  const values: Record<string, unknown> = {};
  for (const key in given) {
    if (key in Object.prototype) continue;
    if (!known.includes(key)) {
      const suggestion = suggest(key, known) ?? known.find((name) => name.startsWith(key));
      throw new UsageError("ERR_OPTION_UNKNOWN", {
        what: `${what} of ${call}`,
        found: key,
        known,
        suggestion,
      });
    }
    values[key] = given[key];
  }
  for (const [key, one] of Object.entries<Kind>(kinds)) {
    if (values[key] !== undefined || one.isRequired) checkArgument(call, key, values[key], one);
  }
  // Every key was checked above. A table cannot give TypeScript the types that its kinds accept.
  return values as Options;
}

/** Throws UsageError ERR_ARGUMENT, or ERR_OPTION_UNKNOWN for a word that is not known. */
export function checkArgument(call: string, argument: string, value: unknown, one: Kind): void {
  const found = one.fault(value);
  if (found === undefined) return;
  const { expected, words } = one;
  if (words === undefined || typeof value !== "string") {
    throw new UsageError("ERR_ARGUMENT", { call, argument, expected, found });
  }
  const facts = { what: `${argument} of ${call}`, found: value, known: words };
  throw new UsageError("ERR_OPTION_UNKNOWN", { ...facts, suggestion: suggest(value, words) });
}

/** An object literal, or one that inherits from object literals: no array, Map, URL, promise or other class's object. */
function isPlain(value: unknown): boolean {
  if (!isObject(value) || Array.isArray(value)) return false;
  for (let at = Object.getPrototypeOf(value); at !== null; at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at, "constructor") && Object.getPrototypeOf(at) !== null) return false;
  }
  return true;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function described(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "string") return `"${printable(value, LONGEST_FOUND)}"`;
  if (typeof value === "function") return "a function";
  if (!isObject(value)) return String(value);
  if (isPromise(value)) return "a promise, which await turns into its value";
  if (Array.isArray(value)) return "a list";
  const { constructor: made } = value;
  const name = typeof made === "function" ? made.name : "Object";
  return name === "Object" ? "an object" : `an object of class ${name}`;
}
