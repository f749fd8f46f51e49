/** The files that an answer is asked for in beside stdout, each in the format of its ending. */

import { RunError } from "#src/base/errors.js";
import { assertWritable, writeFileWhole } from "#src/files/write-file.js";
import type { JunitSuite } from "#src/reports/junit.js";
import { type Format, render } from "#src/reports/registry.js";
import type { Report } from "#src/reports/report.js";
import type { Context } from "./context.js";

export interface Outputs<Format> {
  /** Of stdout. */
  readonly format: Format;
  readonly files: readonly { readonly path: string; readonly format: Format }[];
}

/** Throws UsageError for an ending that no format has, RunError ERR_OUTPUT_WRITE for what surely cannot be written. */
export async function openOutputs<Format>(
  format: Format,
  paths: readonly string[] = [],
  formatOf: (path: string) => Format,
): Promise<Outputs<Format>> {
  const files = paths.map((path) => ({ path, format: formatOf(path) }));
  for (const { path } of files) await assertWritable(path);
  return { format, files };
}

/** Files are never coloured. One that cannot be written is a fault among others. */
export async function writeFiles<Format>(
  { files }: Outputs<Format>,
  render: (format: Format) => string | Promise<string>,
  faults: Error[],
): Promise<void> {
  for (const { path, format } of files) await writeOutput(path, await render(format), faults);
}

/** A file that cannot be written is a fault among others: the answer is still to reach stdout. */
export async function writeOutput(path: string, content: string, faults: Error[]): Promise<void> {
  try {
    await writeFileWhole(path, content);
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    faults.push(error);
  }
}

/** Answers what could not be written. */
export async function giveAnswer(
  outputs: Outputs<Format>,
  report: Report,
  context: Context,
): Promise<Error[]> {
  const faults: Error[] = [];
  await writeFiles(outputs, (format) => render(format, report), faults);
  const { format } = outputs;
  const paint = format === "text" ? await context.loadTextPaint() : undefined;
  context.writeAnswer(await render(format, report, paint));
  return faults;
}

/**
 * Where there is no result at all, JUnit can say why, and a CI viewer would else show what an earlier run left; the other
 * formats have nothing to say.
 */
export async function giveFault(
  { format, files }: Outputs<Format>,
  command: string,
  fault: Error,
  context: Context,
): Promise<void> {
  const junitFiles = files.filter((file) => file.format === "junit");
  if (format !== "junit" && junitFiles.length === 0) return;
  const { renderJunit } = await import("#src/reports/junit.js");
  const { brokenSuite } = await import("#src/reports/junit.js");
  const suites: JunitSuite[] = [brokenSuite(command, fault)];
  // The fault itself is told by whoever called us, and ranks before a file that cannot be written.
  for (const { path } of junitFiles) await writeOutput(path, renderJunit(suites), []);
  if (format === "junit") context.writeAnswer(renderJunit(suites));
}
