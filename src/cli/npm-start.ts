/** `npm start` takes options for its own unless they stand behind `--`: what it took is an error, and never passed over. */
import { UsageError } from "#src/base/errors.js";

/** npm has options of these names too, which a person may have set for good. */
const NPM_OPTIONS: ReadonlySet<string> = new Set(["offline", "color", "no-color", "version"]);

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether npm runs this package's start script; bin/batchwise.cjs asks the same to find the caller's folder. */
export function isNpmStart(env: Environment): boolean {
  return env.npm_lifecycle_event === "start" && env.npm_package_name === "batchwise";
}

/**
 * npm 10 and 11 put `--threads 8` into the variable `npm_config_threads` and pass on `8` alone; of `--threads=8` nothing.
 *
 * @param options long names without dashes: `batch-size`
 * @throws UsageError ERR_USAGE for the first of them that npm took
 */
export function refuseTaken(env: Environment, options: Iterable<string>): void {
  if (!isNpmStart(env)) return;
  for (const option of options) {
    if (NPM_OPTIONS.has(option)) continue;
    if (env[`npm_config_${option.replaceAll("-", "_")}`] === undefined) continue;
    throw new UsageError("ERR_USAGE", {
      problem: `npm took --${option} for itself: ${behindDashes(option)}`,
    });
  }
}

/** For a word that is no command, and may be the value of an option that npm took under another name. */
export function refuseTakenValue(env: Environment, word: string): void {
  if (!isNpmStart(env)) return;
  const problem = `unknown command "${word}": ${behindDashes("option")}`;
  throw new UsageError("ERR_USAGE", { problem });
}

function behindDashes(option: string): string {
  return `write options of Batchwise behind two dashes: npm start -- --${option} …`;
}
