/** Gives an answer in all the formats that were asked for: files first, then stdout. */
import { assertWritable } from "../files/write-file.js";
import type { JunitSuite } from "../reports/junit.js";
import { type Format, formatOf, render } from "../reports/registry.js";
import type { Report } from "../reports/report.js";
import type { Context } from "./context.js";
import { writeOutput } from "./write-output.js";

export interface Outputs {
  /** Of stdout. */
  readonly format: Format;
  readonly files: readonly { readonly path: string; readonly format: Format }[];
}

/** Throws UsageError for an ending that no format has, RunError ERR_OUTPUT_WRITE for what surely cannot be written. */
export async function outputsOf(format: Format, paths: readonly string[] = []): Promise<Outputs> {
  const files = paths.map((path) => ({ path, format: formatOf(path) }));
  for (const { path } of files) await assertWritable(path);
  return { format, files };
}

/** Files are never coloured. One that cannot be written is a fault among others. */
export async function giveAnswer(
  { format, files }: Outputs,
  report: Report,
  context: Context,
): Promise<Error[]> {
  const faults: Error[] = [];
  for (const file of files) await writeOutput(file.path, await render(file.format, report), faults);
  const paint = format === "text" ? await context.loadTextPaint() : undefined;
  context.writeAnswer(await render(format, report, paint));
  return faults;
}

/**
 * Where there is no result at all, JUnit can say why, and a CI viewer would else show what an earlier run left; the other
 * formats have nothing to say.
 */
export async function giveFault({ format, files }: Outputs, fault: Error, context: Context): Promise<void> {
  const junitFiles = files.filter((file) => file.format === "junit");
  if (format !== "junit" && junitFiles.length === 0) return;
  const { renderJunit } = await import("../reports/junit.js");
  const { brokenSuite } = await import("../reports/junit-suite.js");
  const suites: JunitSuite[] = [brokenSuite("evaluate", fault)];
  // The fault itself is told by whoever called us, and ranks before a file that cannot be written.
  for (const { path } of junitFiles) await writeOutput(path, renderJunit(suites), []);
  if (format === "junit") context.writeAnswer(renderJunit(suites));
}
