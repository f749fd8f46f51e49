/** The files that an answer is asked for in beside stdout, each in the format of its ending. */
import { assertWritable } from "#src/files/write-file.js";
import { writeOutput } from "./write-output.js";

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
