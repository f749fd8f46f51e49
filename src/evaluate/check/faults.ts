/** A suite's faults, each with the name of its evaluation before it. */
import type { CheckOutcome, ChecksReport } from "#src/base/contracts/checks.js";
import { BatchwiseError, RunError } from "#src/base/errors.js";
import { printable } from "#src/base/printable.js";
import { gateError } from "#src/evaluate/gates.js";

/** With the code, the facts and so the exit status of what happened. */
class CheckError extends BatchwiseError {
  constructor(name: string, fault: BatchwiseError) {
    super(fault.code, fault.facts, { cause: fault });
    this.message = `${printable(name)}: ${fault.message}`;
  }
}

/** What decides the exit status, in the suite's order: errors, and gates that were missed. */
export function faultsOf({ checks }: ChecksReport): Error[] {
  return checks.flatMap(faultsOfOne);
}

function faultsOfOne({ name, fault, gates }: CheckOutcome): Error[] {
  const missed = gates.filter(({ passed }) => !passed).map(gateError);
  const faults = fault === undefined ? missed : [fault, ...missed];
  return faults.map((one) => {
    const coded =
      one instanceof BatchwiseError
        ? one
        : new RunError("ERR_INTERNAL", { problem: one.message }, { cause: one });
    return new CheckError(name, coded);
  });
}
