/** Whole commands: what a person waits for. */
import { measure, type Rival, tableOf } from "./harness.js";
import type { Question } from "./question.js";
import {
  accuracyLine,
  assertAccuracy,
  COMMANDS_PROVEN,
  runCommand,
  withCommands,
} from "./rivals/commands.js";
import { versionOf } from "./rivals/installed.js";
import { loadSubject } from "./subject.js";

export const question: Question = {
  asks: "how long does a whole command take, from its start to its exit?",
  rounds: 15,
  async answer(bench) {
    const subject = await loadSubject(bench);
    bench.note(COMMANDS_PROVEN);
    for (const name of ["ml-matrix", "piscina"]) bench.uses(name, versionOf(name));
    const line = accuracyLine(subject);
    return withCommands(bench, subject, async (commands) => {
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
      const measured = await measure(rivals, bench.rounds, 1);
      return [{ title: `${subject.images} images`, table: tableOf(measured), data: measured }];
    });
  },
};
