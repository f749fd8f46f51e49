/** Values of options: what an option expects, in words, and the check of a value that was given. */

import {
  either,
  FALSE,
  FLAG,
  type Kind,
  listOf,
  NUMBER,
  NUMBER_LIKE,
  objectWith,
  required,
  TEXT,
  WHOLE_NUMBER,
  wordOf,
} from "#src/base/arguments.js";
import type { Shard } from "#src/base/contracts/journal.js";
import { UsageError } from "#src/base/errors.js";
import { ANY_DATASET, ANY_NETWORK } from "#src/base/known-arguments.js";
import { suggest } from "#src/base/text.js";
import type { Limits, OptionRow, OptionRows, OptionType, ParsedOf, ValueOf } from "./define.js";

/** Returns what an option of this type expects, in words. */
export function expectedOf(type: OptionType): string {
  switch (type.kind) {
    case "flag":
      return "true or false";
    case "word":
      return `one of ${type.words.join(", ")}`;
    case "words":
      return `some of ${type.words.join(", ")}, with commas between them`;
    case "each":
      return `one of ${type.words.join(", ")}, or several with commas between them`;
    case "whole":
      return `a whole number ${rangeText(type.limits)}`;
    case "wholes":
      return `whole numbers ${rangeText(type.limits)}, with commas between them`;
    case "decimal":
      return `a number ${type.unit === undefined ? "" : `of ${type.unit} `}${rangeText(type.limits)}`;
    case "digits":
      return `a number ${rangeText(type.limits)}`;
    case "decimals":
      return `a number ${rangeText(type.limits)}, or one for each channel with commas between them`;
    case "paths":
      return "a list of paths";
    case "texts":
      return "a list of texts";
    case "datasets":
      return "a text that is not empty, or a list of them";
    case "shard":
      return "i/n with i from 1 to n, such as 2/3";
    case "labels":
      return "the path of a file, or false";
    case "path":
    case "dataset":
    case "weights":
    case "text":
      return "a text that is not empty";
  }
}

function rangeText([low, high]: Limits): string {
  return `from ${low} to ${high}`;
}

/** What a value is checked against: the type, and the name for the message. */
type NamedType = Pick<OptionRow, "flag" | "type">;

/**
 * Checks one value against the option's type. Numbers may be decimal digits, as a command line has them.
 *
 * @throws UsageError ERR_OPTION_UNKNOWN for a word, ERR_OPTION_VALUE for another value
 */
export function checkedValue<Row extends NamedType>(
  row: Row,
  given: ValueOf<Row["type"]>,
): ParsedOf<Row["type"]> {
  // The switch goes by the type's kind, and so does the conditional type; TypeScript cannot join the two.
  return checkedBy(row, given) as ParsedOf<Row["type"]>;
}

function checkedBy(row: NamedType, given: unknown): unknown {
  const { type, flag = "" } = row;
  switch (type.kind) {
    case "word":
      return oneOf(nounOf(row), type.words, String(given));
    case "each":
      return eachOf(nounOf(row), type.words, given);
    case "whole":
      return numberWithin(flag, type, given, /^-?\d+$/, Number.isInteger);
    case "decimal":
      return numberWithin(flag, type, given, /^-?\d*\.?\d+$/, Number.isFinite);
    case "decimals":
      return decimalsWithin(flag, type, given);
    case "digits":
      numberWithin(flag, type, given, /^-?\d*\.?\d+$/, Number.isFinite);
      return given;
    default:
      return given;
  }
}

/** Returns the option's name as a noun: `log level`. */
function nounOf({ flag = "" }: NamedType): string {
  return flag === "--normalize" ? "normalization" : flag.slice("--".length).replaceAll("-", " ");
}

/** A number in decimal digits: `1e9`, `0x10`, ` 5` and, for whole numbers, `5.0` are rejected. */
function numberWithin(
  option: string,
  type: OptionType & { readonly limits: Limits },
  given: unknown,
  digits: RegExp,
  isKind: (value: number) => boolean,
): number {
  const [low, high] = type.limits;
  const isNumber = typeof given === "number" || (typeof given === "string" && digits.test(given));
  const value = isNumber ? Number(given) : Number.NaN;
  if (isKind(value) && value >= low && value <= high) return value;
  throw new UsageError("ERR_OPTION_VALUE", { option, expected: expectedOf(type), found: String(given) });
}

/** One number, or several. A command line has commas between them, and spaces if they were copied from Python. */
function decimalsWithin(
  option: string,
  type: OptionType & { readonly limits: Limits },
  given: unknown,
): number | readonly number[] {
  const found: readonly unknown[] = Array.isArray(given) ? given : String(given).split(/,\s*/);
  const numbers = found.map((one) => {
    const number = typeof given === "number" ? given : one;
    return numberWithin(option, type, number, /^-?\d*\.?\d+$/, Number.isFinite);
  });
  const [only] = numbers;
  if (only === undefined) numberWithin(option, type, "", /./, Number.isFinite);
  return numbers.length === 1 && only !== undefined ? only : numbers;
}

/** One of the known names, or an error that suggests the nearest. */
export function oneOf<Name extends string>(what: string, known: readonly Name[], found: string): Name {
  const name = known.find((candidate) => candidate === found);
  if (name !== undefined) return name;
  throw new UsageError("ERR_OPTION_UNKNOWN", { what, found, known, suggestion: suggest(found, known) });
}

/** One name, or several. A command line has commas between them. */
function eachOf(what: string, known: readonly string[], given: unknown): string | readonly string[] {
  const found = Array.isArray(given) ? given.map(String) : String(given).split(",");
  const names = found.map((name) => oneOf(what, known, name));
  const [only] = names;
  return names.length === 1 && only !== undefined ? only : names;
}

/** `2/3` is the second of three parts. Throws UsageError ERR_OPTION_VALUE. */
export function parseShard(given: string | Shard): Shard {
  const text = typeof given === "string" ? given : `${given.index}/${given.count}`;
  const [, index = 0, count = 0] = (/^(\d{1,9})\/(\d{1,9})$/.exec(text) ?? []).map(Number);
  if (index >= 1 && index <= count) return { index, count };
  const expected = expectedOf({ kind: "shard" });
  throw new UsageError("ERR_OPTION_VALUE", { option: "--shard", expected, found: text });
}

const SHARD = either(TEXT, objectWith("a shard", { index: NUMBER, count: NUMBER }));

/** Which JavaScript values a call takes for an option, where nothing checks them afterwards. */
function exactKindOf(type: OptionType): Kind {
  switch (type.kind) {
    case "word":
      return wordOf(type.words);
    case "each": {
      const one = wordOf(type.words);
      return { ...either(one, listOf("a list of them", one)), words: type.words };
    }
    case "whole":
      return WHOLE_NUMBER;
    case "decimal":
      return NUMBER;
    case "decimals":
      return either(NUMBER, listOf("a list of numbers", NUMBER));
    case "dataset":
    case "weights":
      return TEXT;
    default:
      return kindOf(type);
  }
}

/** Which JavaScript values the library takes for an option. Words and limits are checked by `checkedValue`. */
function kindOf({ kind }: OptionType): Kind {
  switch (kind) {
    case "flag":
      return FLAG;
    case "whole":
    case "decimal":
    case "digits":
      return NUMBER_LIKE;
    case "decimals":
      return either(NUMBER_LIKE, listOf("a list of numbers", NUMBER));
    case "paths":
    case "texts":
      return listOf("a list of strings", TEXT);
    case "each":
    case "datasets":
      return either(TEXT, listOf("a list of strings", TEXT));
    case "shard":
      return SHARD;
    case "dataset":
      return ANY_DATASET;
    case "weights":
      return ANY_NETWORK;
    case "labels":
      return either(TEXT, FALSE);
    case "path":
    case "text":
    case "word":
    case "words":
    case "wholes":
      return TEXT;
  }
}

type Kinds<Rows> = { readonly [Key in keyof Rows]: Kind };

/** Returns the kinds of a library call's options, for `checkedKeys`. */
export function kindsOf<Rows extends OptionRows>(rows: Rows): Kinds<Rows> {
  return eachKind(rows, kindOf);
}

/** Returns the kinds of options whose words and numbers a call takes as they are: no open data set, no digits. */
export function exactKindsOf<Rows extends OptionRows>(rows: Rows): Kinds<Rows> {
  return eachKind(rows, exactKindOf);
}

function eachKind<Rows extends OptionRows>(rows: Rows, kind: (type: OptionType) => Kind): Kinds<Rows> {
  const entries = Object.entries(rows).map(([key, { type, required: isRequired }]) => [
    key,
    isRequired ? required(kind(type)) : kind(type),
  ]);
  return Object.fromEntries(entries);
}
