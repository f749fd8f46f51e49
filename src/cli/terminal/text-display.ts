/** What is being done, on stderr: a spinner whose text changes on a real terminal, the first text as one line elsewhere. */
import type { TextDisplay } from "#src/cli/commands/context.js";
import type { DisplayOptions } from "./progress-display.js";
import { startSpinner, stderrIsTerminal } from "./spinner.js";

const NOTHING: TextDisplay = { update() {}, stop() {} };

export function createTextDisplay({ quiet, color }: DisplayOptions) {
  return (first: string): TextDisplay => {
    if (quiet) return NOTHING;
    if (!stderrIsTerminal()) {
      process.stderr.write(`${first}\n`);
      return NOTHING;
    }
    const spinner = startSpinner(first, color);
    return {
      update(text) {
        spinner.text = text;
      },
      stop() {
        spinner.stop();
      },
    };
  };
}
