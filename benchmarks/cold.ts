/** Whole commands: what a person waits for. */
import { measure, type Rival, tableOf } from "./harness.js";
import type { Question } from "./question.js";
import { assertAccuracy, runCommand, withCommands } from "./rivals/commands.js";
import { loadSubject } from "./subject.js";

export const question: Question = {
  asks: "how long does a whole command take, from its start to its exit?",
  rounds: 15,
  async answer(bench) {
    const subject = await loadSubject(bench);
    return withCommands(bench, subject, async (commands, line) => {
      const rivals = commands.map(
        (command): Rival => ({
          name: command.name,
          async run() {
            const { elapsedMs, stdout } = await runCommand(command.args);
            assertAccuracy(command, stdout, line);
            return elapsedMs;
          },
        }),
      );
      const measured = await measure(rivals, bench.rounds, { rounds: 1, settleMs: 0 });
      return [{ title: `${subject.images} images`, table: tableOf(measured), data: measured }];
    });
  },
};
