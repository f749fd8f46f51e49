/** The grammar of the option table: what one row states, and which TypeScript type its value has. */

import type { Dataset } from "#src/base/contracts/dataset.js";
import type { Shard } from "#src/base/contracts/journal.js";
import type { Network } from "#src/base/contracts/network.js";

/** Commands, in the order of the help. */
export const COMMAND_NAMES = [
  "evaluate",
  "show",
  "inspect",
  "diagnose",
  "predict",
  "score",
  "compare",
  "check",
  "report",
  "convert",
  "fit",
  "fetch",
  "merge",
  "worker",
  "runs",
  "bench",
  "doctor",
  "completion",
] as const;
export type CommandName = (typeof COMMAND_NAMES)[number];

/** Groups of the help, in its order, with their headings. */
export const GROUPS = {
  data: "Data",
  network: "Network",
  computing: "Computing",
  answer: "Answer",
  gates: "Gates",
  scale: "Scale",
  global: "Every command",
} as const;
export type Group = keyof typeof GROUPS;

/** A number, or its decimal digits, as a command line has them. */
export type NumberLike = number | string;

/** Which values an option takes. */
export type OptionType =
  /** True or false. */
  | { readonly kind: "flag" }
  /** Any text that is not empty. */
  | { readonly kind: "text" }
  /** A path. One in a configuration file is relative to that file. */
  | { readonly kind: "path" }
  /** Several paths: the option may be repeated. */
  | { readonly kind: "paths" }
  /** Several texts: the option may be repeated. */
  | { readonly kind: "texts" }
  /** One of these words. */
  | { readonly kind: "word"; readonly words: readonly string[] }
  /** Some of these words, with commas between them. */
  | { readonly kind: "words"; readonly words: readonly string[] }
  /** One of these words, or a list of them. */
  | { readonly kind: "each"; readonly words: readonly string[] }
  /** A whole number within these limits. */
  | { readonly kind: "whole"; readonly limits: Limits }
  /** Several whole numbers within these limits, with commas between them. */
  | { readonly kind: "wholes"; readonly limits: Limits }
  /** A decimal number within these limits. */
  | { readonly kind: "decimal"; readonly limits: Limits; readonly unit?: "seconds" }
  /** One decimal number within these limits, or several with commas between them. */
  | { readonly kind: "decimals"; readonly limits: Limits }
  /** A decimal number within these limits, kept as it is written: its places count. */
  | { readonly kind: "digits"; readonly limits: Limits }
  /** `i/n`, or an object with both. */
  | { readonly kind: "shard" }
  /** A data set: a name, a path, or an open one. */
  | { readonly kind: "dataset" }
  /** Data sets by name or path: the option may be repeated. One of them stays a text. */
  | { readonly kind: "datasets" }
  /** A network: a name, a path, or a loaded one. */
  | { readonly kind: "weights" }
  /** A path, or false. */
  | { readonly kind: "labels" };

export type Limits = readonly [low: number, high: number];

/** Kinds of values that are paths, or may be. */
export const PATH_KINDS: ReadonlySet<OptionType["kind"]> = new Set([
  "path",
  "paths",
  "labels",
  "dataset",
  "datasets",
  "weights",
]);

/** What a program may give for an option of this type. */
export type ValueOf<Type> = Type extends { kind: "flag" }
  ? boolean
  : Type extends { kind: "word"; words: readonly (infer Word)[] }
    ? Word
    : Type extends { kind: "each"; words: readonly (infer Word)[] }
      ? Word | readonly Word[]
      : Type extends { kind: "whole" | "decimal" | "digits" }
        ? NumberLike
        : Type extends { kind: "decimals" }
          ? NumberLike | readonly number[]
          : Type extends { kind: "paths" | "texts" }
            ? readonly string[]
            : Type extends { kind: "shard" }
              ? string | Shard
              : Type extends { kind: "dataset" }
                ? string | Dataset
                : Type extends { kind: "datasets" }
                  ? string | readonly string[]
                  : Type extends { kind: "weights" }
                    ? string | Network
                    : Type extends { kind: "labels" }
                      ? string | false
                      : string;

/** What the command line makes of an option's text. */
export type ParsedOf<Type> = Type extends { kind: "whole" | "decimal" }
  ? number
  : Type extends { kind: "decimals" }
    ? number | readonly number[]
    : Type extends { kind: "labels" }
      ? string | false
      : Type extends { kind: "dataset" | "weights" | "shard" | "digits" }
        ? string
        : ValueOf<Type>;

/** Another option without which, or with which, an option makes no sense. */
export interface Together {
  /** Key of the other option. */
  readonly key: string;
  /** Key of an option that does as well. */
  readonly or?: string;
  /** Values of the other option that are meant; absent: any value but the default. */
  readonly values?: readonly (string | boolean)[];
  /** The other option as a command line writes it. */
  readonly flag: string;
  /** Why, as a sentence without its full stop. */
  readonly because: string;
}

/** What a row states; commands may differ in some of it. */
export interface OptionFacts {
  readonly type: OptionType;
  /** Value if none is given. */
  readonly default?: number | string;
  /** The default in words, if it is not a single value. */
  readonly defaultText?: string;
  /** One line of at most 50 characters, with the default. */
  readonly help: string;
  readonly required?: true;
}

/** One option. */
export interface OptionRow extends OptionFacts {
  /** `--batch-size`; undefined for an option that only the library has. */
  readonly flag?: string;
  readonly short?: string;
  /** Placeholder of the value: `<n>`. A flag has none. */
  readonly value?: string;
  readonly group: Group;
  /** The value names files that are written. All other paths are read. */
  readonly writes?: true;
  /** Commands that take it. Options of the group `global` are taken by all. */
  readonly commands: readonly CommandName[];
  /** What is different for some of these commands. */
  readonly differs?: { readonly [Name in CommandName]?: Partial<OptionFacts> };
  /** `--no-labels`: the option that gives this one the value false. */
  readonly negation?: {
    readonly flag: string;
    readonly help: string;
    readonly commands: readonly CommandName[];
  };
  readonly conflicts?: readonly Together[];
  readonly requires?: readonly Together[];
}

/** Rows by their keys: the key is the option's name in the library. */
export type OptionRows = Readonly<Record<string, OptionRow>>;

/** Checks the rows and keeps their literal types. */
export function rows<const Rows extends OptionRows>(table: Rows): Rows {
  return table;
}

/** What a program may give for these options. All of them may be left out. */
export type Given<Rows extends OptionRows> = {
  readonly [Key in keyof Rows]?: ValueOf<Rows[Key]["type"]> | undefined;
};

export const FLAG_TYPE = { kind: "flag" } as const;
export const TEXT_TYPE = { kind: "text" } as const;
export const PATH_TYPE = { kind: "path" } as const;
export const PATHS_TYPE = { kind: "paths" } as const;

export function word<const Words extends readonly string[]>(words: Words) {
  return { kind: "word", words } as const;
}

export function each<const Words extends readonly string[]>(words: Words) {
  return { kind: "each", words } as const;
}

export function whole(low: number, high: number) {
  return { kind: "whole", limits: [low, high] } as const;
}

export function decimal(low: number, high: number) {
  return { kind: "decimal", limits: [low, high] } as const;
}

export function decimals(low: number, high: number) {
  return { kind: "decimals", limits: [low, high] } as const;
}

export function seconds(low: number, high: number) {
  return { kind: "decimal", limits: [low, high], unit: "seconds" } as const;
}
