/** The time limits of one attempt, as a signal that also follows the run's. */

import type { TransferLimits } from "./limits.js";
import { MirrorFault } from "./mirror-fault.js";

export interface AttemptClock {
  /** Aborted with a MirrorFault when time is up, with the run's own reason when the run is aborted. */
  readonly signal: AbortSignal;
  /** To be called whenever bytes have come. */
  touch(): void;
  stop(): void;
}

export function startClock(
  run: AbortSignal,
  { idleMs, totalMs }: Pick<TransferLimits, "idleMs" | "totalMs">,
): AttemptClock {
  const expired = new AbortController();
  const expire = (reason: string) => () => expired.abort(new MirrorFault(reason, true));
  const total = setTimeout(expire(`not done within ${totalMs / 1000} s`), totalMs);
  const idle = setTimeout(expire(`nothing came for ${idleMs / 1000} s`), idleMs);
  return {
    signal: AbortSignal.any([run, expired.signal]),
    touch() {
      idle.refresh();
    },
    stop() {
      clearTimeout(total);
      clearTimeout(idle);
    },
  };
}
