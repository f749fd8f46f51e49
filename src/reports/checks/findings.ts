/** What the table of a suite says of each evaluation. */
import { assumedText } from "#src/base/assumptions.js";
import type { CheckOutcome, CheckStatus, ChecksReport } from "#src/base/contracts/checks.js";
import { grouped } from "#src/base/errors/define.js";

/** To four digits; the messages of gates and the other formats have all. */
export function accuracyText({ evaluation }: CheckOutcome): string {
  return evaluation?.result.labelled ? evaluation.result.accuracy.toFixed(4) : "-";
}

/** `9,352 of 10,000`. */
export function correctText({ evaluation }: CheckOutcome): string {
  if (!evaluation?.result.labelled) return "-";
  const { correct, total } = evaluation.result;
  return `${grouped(correct)} of ${grouped(total)}`;
}

/** What stands beside the status: the error, each gate that was missed, and what was assumed. */
export function findings({ evaluation, fault, gates }: CheckOutcome): string[] {
  const assumptions = evaluation?.assumptions ?? [];
  return [
    ...(fault === undefined ? [] : [fault.message]),
    ...gates.filter(({ passed }) => !passed).map(({ message }) => message),
    ...(assumptions.length === 0 ? [] : [`assumed: ${assumedText(assumptions)}`]),
  ];
}

/** `3 checks: 1 passed, 1 failed, 1 error`. */
export function countsText({ checks }: ChecksReport): string {
  const count = (status: CheckStatus) => checks.filter((one) => one.status === status).length;
  const checksText = checks.length === 1 ? "1 check" : `${grouped(checks.length)} checks`;
  const errors = count("error");
  return `${checksText}: ${count("passed")} passed, ${count("failed")} failed, ${errors} ${errors === 1 ? "error" : "errors"}`;
}
