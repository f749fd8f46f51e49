/** What becomes of an answer: files beside stdout, each in the format of its ending, and gates that judge it. */

import type { AnyEvaluation } from "#src/base/contracts/result.js";
import { DatasetError, RunError } from "#src/base/errors.js";
import type { Format } from "#src/base/options/answer.js";
import type { FlagsOf } from "#src/base/options/table.js";
import type { Demands } from "#src/evaluate/gates.js";
import type { Closing } from "#src/evaluate/listeners.js";
import type { JunitSuite } from "#src/reports/junit.js";
import { render } from "#src/reports/registry.js";
import type { Report } from "#src/reports/report.js";
import type { Context } from "./context.js";

/** Loaded only where a file is written. */
const loadFiles = () => import("#src/files/write-file.js");

export interface Outputs<Format> {
  /** Format of stdout. */
  readonly format: Format;
  readonly files: readonly { readonly path: string; readonly format: Format }[];
}

/** Throws UsageError for an unknown ending, RunError ERR_OUTPUT_WRITE for a path that cannot be written. */
export async function openOutputs<Format>(
  format: Format,
  paths: readonly string[] = [],
  formatOf: (path: string) => Format,
): Promise<Outputs<Format>> {
  const files = [];
  for (const path of paths) files.push({ path, format: await formatFor(path, formatOf, format) });
  for (const { path } of files) await (await loadFiles()).assertWritable(path);
  return { format, files };
}

/** Format by the ending. A pipe or a device, such as /dev/null, may have none, and then gets `otherwise`. */
export async function formatFor<Format>(
  path: string,
  formatOf: (path: string) => Format,
  otherwise: Format,
): Promise<Format> {
  try {
    return formatOf(path);
  } catch (error) {
    const { targetOf } = await loadFiles();
    const target = await targetOf(path).catch(() => undefined);
    if (target?.isStream) return otherwise;
    throw error;
  }
}

/** Writes each file, without colour. A file that cannot be written is a fault beside the answer. */
async function writeFiles<Format>(
  { files }: Outputs<Format>,
  render: (format: Format) => string | Promise<string>,
): Promise<Written> {
  const all: Written[] = [];
  for (const { path, format } of files) all.push(await writeOutput(path, await render(format)));
  return { written: all.flatMap(({ written }) => written), faults: all.flatMap(({ faults }) => faults) };
}

/** Writes one file. A file that cannot be written is a fault beside the answer, which still goes to stdout. */
export async function writeOutput(path: string, content: string): Promise<Written> {
  try {
    await (await loadFiles()).writeFileWhole(path, content);
    return { written: [path], faults: [] };
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    return { written: [], faults: [error] };
  }
}

/** Files that were written, and why others were not. */
export type Written = Required<Pick<Closing, "written" | "faults">>;

/** Prints the answer, writes it into its files and names them. Returns what could not be written. */
export async function giveAnswer<Format>(
  outputs: Outputs<Format>,
  render: (format: Format) => string | Promise<string>,
  context: Pick<Context, "writeAnswer" | "nameWritten">,
  renderStdout = render,
): Promise<readonly Error[]> {
  const { written, faults } = await writeFiles(outputs, render);
  context.writeAnswer(await renderStdout(outputs.format));
  context.nameWritten(written);
  return faults;
}

/** As `giveAnswer`, for an evaluation. Its text is painted on stdout alone. */
export async function giveReport(
  outputs: Outputs<Format>,
  report: Report,
  context: Context,
): Promise<readonly Error[]> {
  const paint = outputs.format === "text" ? await context.loadTextPaint() : undefined;
  const rendered = (format: Format) => render(format, report);
  return giveAnswer(outputs, rendered, context, (format) => render(format, report, paint));
}

/**
 * Writes why there is no result, as JUnit. Otherwise a CI viewer would show the file of an earlier run. The other formats
 * cannot state it.
 */
export async function giveFault(
  { format, files }: Outputs<Format>,
  command: string,
  fault: Error,
  context: Context,
): Promise<void> {
  const junitFiles = files.filter((file) => file.format === "junit");
  if (format !== "junit" && junitFiles.length === 0) return;
  const { brokenSuite, renderJunit } = await import("#src/reports/junit.js");
  const suites: JunitSuite[] = [brokenSuite(command, fault)];
  // The caller reports the fault itself, which ranks before a file that cannot be written.
  for (const { path } of junitFiles)
    context.nameWritten((await writeOutput(path, renderJunit(suites))).written);
  if (format === "junit") context.writeAnswer(renderJunit(suites));
}

/** Loaded only where something is demanded of the result. */
export const loadGates = () => import("#src/evaluate/gates.js");

type GateFlags = Pick<
  FlagsOf<"merge">,
  "minAccuracy" | "expectAccuracy" | "minClassRecall" | "baseline" | "maxRegression"
>;

/** Returns what is demanded of the result, or undefined. Throws what `readBaseline` throws. */
export async function demandsOf(flags: GateFlags): Promise<Demands | undefined> {
  const { minAccuracy, expectAccuracy, minClassRecall, baseline: path, maxRegression = 0 } = flags;
  if (path !== undefined) {
    const { readBaseline } = await loadGates();
    return { minAccuracy, expectAccuracy, minClassRecall, baseline: await readBaseline(path, maxRegression) };
  }
  if (minAccuracy === undefined && expectAccuracy === undefined && minClassRecall === undefined) {
    return undefined;
  }
  return { minAccuracy, expectAccuracy, minClassRecall };
}

export interface JudgedReport {
  readonly report: Report;
  /** The gates that failed, or why none could be judged. */
  readonly faults: readonly Error[];
}

/** Judges a whole result. A partial one has failed already, by `fault`. */
export async function judgedReport(
  evaluation: AnyEvaluation,
  demands: Demands,
  fault: Error | undefined,
): Promise<JudgedReport> {
  const { dataset, network, result } = evaluation;
  if (!result.complete || !result.labelled) return { report: { evaluation, gates: [], fault }, faults: [] };
  const { gateError, judge } = await loadGates();
  try {
    const gates = judge(demands, { dataset, network, result });
    const missed = gates.filter(({ passed }) => !passed);
    return { report: { evaluation, gates, fault }, faults: missed.map(gateError) };
  } catch (error) {
    if (!(error instanceof DatasetError)) throw error;
    return { report: { evaluation, gates: [], fault: fault ?? error }, faults: [error] };
  }
}
