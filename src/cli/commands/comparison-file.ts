/** `compare --report FILE.html`: the comparison as a page. */

import { BatchwiseError } from "#src/base/errors.js";
import type { CompareOutcome } from "#src/evaluate/compare/compare.js";
import { renderComparisonPage } from "#src/reports/html/comparison/document.js";
import { assertReportPath } from "./report-file.js";
import { writeOutput } from "./write-output.js";

export class ComparisonFile {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Throws UsageError for another ending, RunError ERR_OUTPUT_WRITE for what surely cannot be written. */
  static async open(path: string): Promise<ComparisonFile> {
    await assertReportPath("--report", path);
    return new ComparisonFile(path);
  }

  /** Data that cannot be opened, and a file that cannot be written, are faults among others: the answer is known. */
  async write({ comparison, answers, openDataset }: CompareOutcome, faults: Error[]): Promise<void> {
    let html: string;
    try {
      html = await renderComparisonPage(comparison, answers, await openDataset());
    } catch (error) {
      if (!(error instanceof BatchwiseError)) throw error;
      faults.push(error);
      return;
    }
    await writeOutput(this.#path, html, faults);
  }
}
