/** Writes one of the files that an answer is asked for in. */
import { RunError } from "#src/base/errors.js";
import { writeFileWhole } from "#src/files/write-file.js";

/** A file that cannot be written is a fault among others: the answer is still to reach stdout. */
export async function writeOutput(path: string, content: string, faults: Error[]): Promise<void> {
  try {
    await writeFileWhole(path, content);
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    faults.push(error);
  }
}
