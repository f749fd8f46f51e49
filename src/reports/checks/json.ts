/** A suite's answer as JSON: each evaluation as `evaluate` answers it, with what was demanded of it. */
import type { ChecksReport } from "#src/base/contracts/checks.js";
import { BatchwiseError } from "#src/base/errors.js";
import { evaluationDocument, jsonText } from "#src/reports/json.js";

export function renderChecksJson({ suite, checks, totalMs }: ChecksReport): string {
  return jsonText({
    schemaVersion: 1,
    suite,
    checks: checks.map(({ name, status, evaluation, gates, fault }) => ({
      name,
      status,
      error: fault === undefined ? null : { code: codeOf(fault), message: fault.message },
      gates,
      evaluation: evaluation === undefined ? null : evaluationDocument(evaluation),
    })),
    timing: { totalMs },
  });
}

function codeOf(fault: Error): string {
  return fault instanceof BatchwiseError ? fault.code : "ERR_INTERNAL";
}
