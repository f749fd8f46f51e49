/**
 * The option table. From it come the command line's options and help, the schemas of configuration files and suites,
 * docs/cli.md, the types and the validation of the library's options, and the shell completions.
 */

import { UsageError } from "#src/base/errors.js";
import { ANSWER_OPTIONS, GATE_OPTIONS } from "./answer.js";
import type { CommandName, OptionFacts, OptionRow, OptionRows, ParsedOf, Together } from "./define.js";
import { DATA_OPTIONS } from "./images.js";
import { FILE_OPTIONS, NETWORK_OPTIONS } from "./network.js";
import { EXECUTOR_OPTIONS, WORKER_OPTIONS } from "./redis.js";
import { BENCH_OPTIONS, JUDGE_OPTIONS, RUN_OPTIONS, SCORE_OPTIONS } from "./run.js";

/** Options of an evaluation, whoever computes it. */
export const EVALUATE_OPTIONS = { ...DATA_OPTIONS, ...NETWORK_OPTIONS, ...RUN_OPTIONS, ...SCORE_OPTIONS };

/** Every option but the global ones, in the order of the help within each group. */
export const OPTIONS = {
  ...EVALUATE_OPTIONS,
  ...FILE_OPTIONS,
  ...JUDGE_OPTIONS,
  ...BENCH_OPTIONS,
  ...ANSWER_OPTIONS,
  ...GATE_OPTIONS,
  ...EXECUTOR_OPTIONS,
  ...WORKER_OPTIONS,
};

type Rows = typeof OPTIONS;
/** A row with what is different for a command. */
type FactsFor<Row, Name extends CommandName> = Row extends { differs: { [Key in Name]: infer Facts } }
  ? Facts & Omit<Row, keyof Facts>
  : Row;
type TypeFor<Row, Name extends CommandName> =
  FactsFor<Row, Name> extends { type: infer Type } ? ParsedOf<Type> : never;
type KeyFor<Key extends keyof Rows, Name extends CommandName> = Name extends Rows[Key]["commands"][number]
  ? Key
  : never;
type RequiredKeyFor<Key extends keyof Rows, Name extends CommandName> =
  FactsFor<Rows[Key], Name> extends { required: true } ? KeyFor<Key, Name> : never;

type KeysOf<Name extends CommandName> = { [Key in keyof Rows]: KeyFor<Key, Name> }[keyof Rows];
type RowsOf<Name extends CommandName> = { readonly [Key in KeysOf<Name>]: FactsFor<Rows[Key], Name> };

/** What the command line hands to the action of a command. */
export type FlagsOf<Name extends CommandName> = {
  readonly [Key in keyof Rows as KeyFor<Key, Name>]?: TypeFor<Rows[Key], Name> | undefined;
} & { readonly [Key in keyof Rows as RequiredKeyFor<Key, Name>]: TypeFor<Rows[Key], Name> };

/** Returns the rows of a command by their keys, with what is different for this command. */
export function rowsOf<Name extends CommandName>(command: Name): RowsOf<Name> {
  const entries = Object.entries<OptionRow>(OPTIONS)
    .filter(([, { commands }]) => commands.includes(command))
    .map(([key, row]) => [key, { ...row, ...row.differs?.[command] }]);
  return Object.fromEntries(entries);
}

/** Returns the key of an option in a configuration file: its flag in camelCase, `batchSize`. */
export function configKeyOf(flag: string): string {
  return flag.replace(/^--/, "").replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** Returns an option's help with its default: `images per batch [100]`. */
export function helpOf({ help, default: value, defaultText }: OptionFacts): string {
  const shown = defaultText ?? value;
  return shown === undefined ? help : `${help} [${shown}]`;
}

/**
 * Checks that no option is given together with one that excludes it, or without one that it needs. Options with their
 * default value count as absent. An option that these rows do not have is not needed.
 *
 * @throws UsageError ERR_USAGE
 */
export function assertTogether(rows: OptionRows, values: Readonly<Record<string, unknown>>): void {
  const isMet = ({ key, values: meant }: Together) => {
    const value = values[key];
    if (value === undefined || isDefault(rows[key], value)) return false;
    return meant === undefined || meant.some((one) => one === value);
  };
  for (const [key, row] of Object.entries(rows)) {
    const value = values[key];
    if (value === undefined || value === false || isDefault(row, value)) continue;
    for (const other of row.conflicts ?? []) {
      if (!isMet(other)) continue;
      refuse(`${row.flag} and ${shown(other, values)} exclude each other: ${other.because}`);
    }
    for (const other of row.requires ?? []) {
      if (rows[other.key] === undefined || isMet(other) || (other.or && isMet({ ...other, key: other.or })))
        continue;
      refuse(`${row.flag} needs ${other.flag}: ${other.because}`);
    }
  }
}

function refuse(problem: string): never {
  throw new UsageError("ERR_USAGE", { problem });
}

function isDefault(row: OptionRow | undefined, value: unknown): boolean {
  return row?.default !== undefined && String(value) === String(row.default);
}

function shown({ key, values: meant = [], flag }: Together, values: Readonly<Record<string, unknown>>) {
  return meant.length > 1 ? `${flag} ${values[key]}` : flag;
}
