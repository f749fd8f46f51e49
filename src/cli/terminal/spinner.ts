/** ora's spinner on stderr, and whether stderr is a terminal that can show one. */
import type { Ora } from "ora";

/** Nobody reads faster. */
export const UPDATE_INTERVAL_MS = 80;
/** What is done sooner needs no spinner, and does not wait for ora to load. */
const SHOW_AFTER_MS = 100;

export interface Spinner {
  text: string;
  stop(): void;
}

/** ora itself would spin without end on a terminal of zero columns. */
export function stderrIsTerminal(): boolean {
  return process.stderr.isTTY && process.stderr.columns > 0 && process.env.TERM !== "dumb";
}

/** Only for a stderr that is a terminal; `color` as decided by our caller, since ora colours under NO_COLOR. */
export function startSpinner(text: string, color: boolean): Spinner {
  let latest = text;
  let shown: Ora | undefined;
  let stopped = false;
  const timer = setTimeout(async () => {
    const { default: ora } = await import("ora");
    if (stopped) return;
    shown = ora({
      text: latest,
      color: color ? "cyan" : false,
      isEnabled: true,
      discardStdin: false,
      stream: process.stderr,
    }).start();
  }, SHOW_AFTER_MS);
  return {
    get text() {
      return latest;
    },
    set text(next) {
      latest = next;
      if (shown !== undefined) shown.text = next;
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
      shown?.stop();
    },
  };
}
