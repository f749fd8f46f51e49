/** Gives an answer in all the formats that were asked for: files first, then stdout. */
import type { JunitSuite } from "#src/reports/junit.js";
import { type Format, render } from "#src/reports/registry.js";
import type { Report } from "#src/reports/report.js";
import type { Context } from "./context.js";
import { type Outputs, writeFiles } from "./outputs.js";
import { writeOutput } from "./write-output.js";

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
  const { brokenSuite } = await import("#src/reports/junit-suite.js");
  const suites: JunitSuite[] = [brokenSuite(command, fault)];
  // The fault itself is told by whoever called us, and ranks before a file that cannot be written.
  for (const { path } of junitFiles) await writeOutput(path, renderJunit(suites), []);
  if (format === "junit") context.writeAnswer(renderJunit(suites));
}
