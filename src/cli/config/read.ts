/**
 * Reads and checks a configuration file: the options of `evaluate`, in camelCase. It is a command line in a file, so a
 * fault in it is one of usage, status 2.
 */

import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import { cwd } from "node:process";
import type { Command } from "commander";
import * as z from "zod";
import { atLeast, FileError, reasonOf, UsageError } from "#src/base/errors.js";
import { GLOBAL_OPTIONS, SET_GROUPS } from "#src/base/options/answer.js";
import { type OptionRow, PATH_KINDS } from "#src/base/options/define.js";
import { DATA_OPTIONS } from "#src/base/options/images.js";
import { NETWORK_OPTIONS } from "#src/base/options/network.js";
import { optionsShape } from "#src/base/options/schema.js";
import { configKeyOf, rowsOf } from "#src/base/options/table.js";
import { codeOf } from "#src/base/realm.js";
import { suggest, valueText } from "#src/base/text.js";
import { TableOption } from "#src/cli/commands/options.js";
import { DATASET_NAMES } from "#src/data/named-sets.js";
import { syntaxReason } from "#src/files/read-document.js";
import { readWholeFile } from "#src/files/read-file.js";
import { NETWORK_NAMES } from "#src/networks/source.js";

const { config, ...terminal } = GLOBAL_OPTIONS;
/** Each row by its key in a configuration file: `timeout` for `--timeout`. */
const ROWS: Readonly<Record<string, OptionRow>> = Object.fromEntries(
  Object.entries<OptionRow>({ ...rowsOf("evaluate"), ...terminal }).map(([key, row]) => [
    row.flag === undefined ? key : configKeyOf(row.flag),
    row,
  ]),
);

/** Keys that state what is evaluated: other commands read them too. */
export const SUBJECT_KEYS: ReadonlySet<string> = new Set(
  Object.keys({ ...DATA_OPTIONS, ...NETWORK_OPTIONS }).filter((key) => key !== "offset" && key !== "limit"),
);
/** Keys whose relative paths start at the configuration file's folder. */
export const PATH_KEYS: ReadonlySet<string> = new Set(
  Object.entries(ROWS).flatMap(([key, { type }]) => (PATH_KINDS.has(type.kind) ? [key] : [])),
);

export const configSchema = z
  .strictObject({
    $schema: z.string("a text").describe("Address of this schema, for editors.").optional(),
    ...optionsShape(ROWS, (expected) => expected),
  })
  .describe(
    "Options of batchwise evaluate. Relative paths start at this file's folder; the command line wins.",
  );

export const CONFIG_KEYS: readonly string[] = Object.keys(configSchema.shape);

const LONGEST_FOUND = 60;
/** Most bytes of a configuration. One with every option takes 2 KB. */
const LIMIT_BYTES = 2 ** 20;

/**
 * Returns the options of the file. Relative paths are rewritten to lead to the same place from the working directory.
 *
 * @throws UsageError ERR_CONFIG_READ, ERR_CONFIG_SYNTAX, ERR_CONFIG_KEY, ERR_CONFIG_VALUE
 */
export async function readConfig(path: string): Promise<Readonly<Record<string, unknown>>> {
  const document = parse(path, await readText(path));
  const parsed = configSchema.safeParse(document);
  if (!parsed.success) throw faultOf(path, document, parsed.error.issues[0]!);
  const folder = dirname(resolve(path));
  return Object.fromEntries(
    Object.entries(parsed.data).map(([key, value]) => [
      key,
      PATH_KEYS.has(key) ? rebased(key, value, folder) : value,
    ]),
  );
}

async function readText(path: string): Promise<string> {
  try {
    return new TextDecoder().decode(await readWholeFile(path, LIMIT_BYTES));
  } catch (error) {
    if (codeOf(error) === "ERR_FILE_EMPTY") return "";
    const facts = error instanceof FileError ? Object(error.facts) : {};
    const reason = "reason" in facts ? String(facts.reason) : reasonOf(error);
    throw new UsageError("ERR_CONFIG_READ", { path, reason }, { cause: error });
  }
}

function parse(path: string, text: string): unknown {
  try {
    // Some editors begin a file with a byte order mark, which JSON does not have.
    return JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (error) {
    throw new UsageError("ERR_CONFIG_SYNTAX", { path, reason: syntaxReason(error) }, { cause: error });
  }
}

function faultOf(path: string, document: unknown, issue: z.core.$ZodIssue): UsageError {
  if (issue.code === "unrecognized_keys") {
    const [found] = atLeast(issue.keys, 1);
    const known = CONFIG_KEYS;
    return new UsageError("ERR_CONFIG_KEY", { path, found, known, suggestion: suggest(found, known) });
  }
  let value = document;
  for (const key of issue.path) value = (value as Record<PropertyKey, unknown>)[key];
  const [key, ...within] = issue.path;
  return new UsageError("ERR_CONFIG_VALUE", {
    path,
    key: [key ?? "", ...within.map((index) => `[${String(index)}]`)].join(""),
    expected: issue.path.length === 0 ? "an object of options" : issue.message,
    found: valueText(value, LONGEST_FOUND),
  });
}

const NAMES_OF: Readonly<Record<string, readonly string[]>> = {
  dataset: DATASET_NAMES,
  weights: NETWORK_NAMES,
};

function rebased(key: string, value: unknown, folder: string): unknown {
  if (Array.isArray(value)) return value.map((one) => rebased(key, one, folder));
  if (typeof value !== "string") return value;
  const names = NAMES_OF[key] ?? [];
  const isNoPath = names.includes(value) || (key === "groups" && SET_GROUPS.test(value));
  if (isNoPath || isAbsolute(value)) return value;
  const path = relative(cwd(), resolve(folder, value)) || ".";
  // A file with the name of a set or network stays a file.
  return names.includes(path) ? `.${sep}${path}` : path;
}

/** Keys of the options of every command. */
const PROGRAM_KEYS: ReadonlySet<string> = new Set(["logLevel", "quiet", "color"]);

/**
 * Gives `program` and its `command` the options of the file at `path` that the command line does not set. `evaluate` gets
 * all of them, another command the options of data and network that it has.
 *
 * @throws UsageError, as `readConfig`
 */
export async function applyConfig(path: string, program: Command, command: Command): Promise<void> {
  const takesAll = command.name() === "evaluate";
  for (const [key, value] of Object.entries(await readConfig(path))) {
    if (PROGRAM_KEYS.has(key)) setUnlessGiven(program, key, value, () => value);
    else if (takesAll) setUnlessGiven(command, key, value, () => value);
    else if (SUBJECT_KEYS.has(key)) setUnlessGiven(command, key, value, () => oneOf(path, key, value));
  }
}

/**
 * Several data sets are those of an evaluation alone: another command takes the only one of a list.
 *
 * @throws UsageError ERR_CONFIG_VALUE
 */
function oneOf(path: string, key: string, value: unknown): unknown {
  if (key !== "dataset" || !Array.isArray(value)) return value;
  if (value.length === 1) return value[0];
  throw new UsageError("ERR_CONFIG_VALUE", {
    path,
    key,
    expected: "one data set for this command; name it by --dataset",
    found: `a list of ${value.length}`,
  });
}

/** `taken` makes the option's value of that of the file. It is not called for an option that the command line gives. */
function setUnlessGiven(command: Command, key: string, value: unknown, taken: () => unknown): void {
  const options = command.options.filter((option) => option instanceof TableOption);
  // `"labels": false` stands for --no-labels, which not every command has.
  const option = options.find(
    ({ configKey, negate, required }) => configKey === key && (negate || !(required && value === false)),
  );
  const name = option?.attributeName();
  if (name === undefined || command.getOptionValueSource(name) === "cli") return;
  command.setOptionValueWithSource(name, taken(), "config");
}
