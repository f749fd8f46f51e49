/** Options and hooks of an evaluation, as the library checks them. */
import { FUNCTION, type KindsOf, LOG, objectWith, SIGNAL } from "#src/base/arguments.js";
import { DOWNLOAD } from "#src/base/known-arguments.js";
import { EVALUATE_OPTIONS } from "#src/base/options/table.js";
import { kindsOf } from "#src/base/options/values.js";
import type { RunHooks } from "./listeners.js";
import type { EvaluateInput } from "./options.js";
import type { PrepareHooks } from "./prepare.js";

export const EVALUATE = kindsOf(EVALUATE_OPTIONS) satisfies KindsOf<EvaluateInput>;

export const PREPARE_HOOKS = {
  ...DOWNLOAD,
  onStart: FUNCTION,
  output: objectWith("an output with facts, begin and sync", {
    facts: objectWith("facts", {}),
    begin: FUNCTION,
    sync: FUNCTION,
  }),
} satisfies KindsOf<PrepareHooks>;

export const RUN_HOOKS = {
  signal: SIGNAL,
  onProgress: FUNCTION,
  onSlab: FUNCTION,
  log: LOG,
} satisfies KindsOf<RunHooks>;
