/** What `batchwise.config.json` may hold: the options of `evaluate`, in camelCase. Every message reads after "expected". */
import * as z from "zod";
import { GLOBAL_OPTIONS } from "#src/base/options/answer.js";
import type { OptionRow } from "#src/base/options/define.js";
import { DATA_OPTIONS, NETWORK_OPTIONS } from "#src/base/options/inputs.js";
import { optionsShape } from "#src/base/options/schema.js";
import { configKeyOf, rowsOf } from "#src/base/options/table.js";

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
const PATH_KINDS: ReadonlySet<string> = new Set(["path", "paths", "labels", "dataset", "weights"]);
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
