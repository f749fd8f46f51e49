/** ora's spinner on stderr, and whether stderr is a terminal that can show one. */
import ora, { type Ora } from "ora";

/** Nobody reads faster. */
export const UPDATE_INTERVAL_MS = 80;

/** ora itself would spin without end on a terminal of zero columns. */
export function stderrIsTerminal(): boolean {
  return process.stderr.isTTY && process.stderr.columns > 0 && process.env.TERM !== "dumb";
}

/** Only for a stderr that is a terminal; `color` as decided by our caller, since ora colours under NO_COLOR. */
export function startSpinner(text: string, color: boolean): Ora {
  return ora({
    text,
    color: color ? "cyan" : false,
    isEnabled: true,
    discardStdin: false,
    stream: process.stderr,
  }).start();
}
