/** Peak memory and processor time of whole commands, as the operating system counts them. */

import { fileURLToPath } from "node:url";
import { markdownTable, median } from "./harness.js";
import type { Question } from "./question.js";
import { assertAccuracy, runCommand, withCommands } from "./rivals/commands.js";
import { BENCHMARKS } from "./rivals/installed.js";
import { loadSubject } from "./subject.js";

interface Usage {
  readonly peakRssKib: number;
  readonly cpuMs: number;
}

const PRELOAD = ["--require", fileURLToPath(new URL("programs/report-usage.cjs", BENCHMARKS))];
const KIB_PER_MB = 1e6 / 1024;

export const question: Question = {
  asks: "how much memory and processor time does a whole command take?",
  rounds: 5,
  async answer(bench) {
    const subject = await loadSubject(bench);
    return withCommands(bench, subject, async (commands, line) => {
      const usages = commands.map((): Usage[] => []);
      for (let round = 0; round < bench.rounds; round++) {
        for (const [n, command] of commands.entries()) {
          const { stdout, extra } = await runCommand([...PRELOAD, ...command.args]);
          assertAccuracy(command, stdout, line);
          usages[n]!.push(JSON.parse(extra));
        }
      }
      const data = commands.map(({ name }, n) => ({ name, usages: usages[n]! }));
      const rows = data.map(({ name, usages }) => [
        name,
        (median(usages.map(({ peakRssKib }) => peakRssKib)) / KIB_PER_MB).toFixed(0),
        (Math.max(...usages.map(({ peakRssKib }) => peakRssKib)) / KIB_PER_MB).toFixed(0),
        median(usages.map(({ cpuMs }) => cpuMs)).toFixed(0),
      ]);
      const columns = ["", "median peak RSS, MB", "largest, MB", "median processor ms"];
      return [{ title: `${subject.images} images`, table: markdownTable(columns, rows), data }];
    });
  },
};
