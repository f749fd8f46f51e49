/** Completion scripts: sourced in the shell that they are for. */
import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { COMMAND_NAMES } from "#src/base/options/define.js";
import { runCli } from "../helpers/cli.js";
import { temporaryFolder } from "../helpers/temporary.js";

/** Completes the last word as bash does, in a folder that holds the file `trained.npz`. */
const TRY = `source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); COMPREPLY=()
_batchwise; printf '%s\\n' "\${COMPREPLY[@]}"`;

async function scriptFor(t: ExecutionContext, shell: string): Promise<{ folder: string; path: string }> {
  const folder = await temporaryFolder(t);
  const { status, stdout, stderr } = await runCli(["completion", shell]);
  t.is(status, 0, stderr);
  const path = join(folder, "script");
  await writeFile(path, stdout);
  return { folder, path };
}

test("bash completes commands, options and the words of their values", async (t) => {
  const { path } = await scriptFor(t, "bash");
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "trained.npz"), "");
  for (const [words, expected] of [
    [["--eng"], ["--engine"]],
    [["comp"], ["compare", "completion"]],
    [["--engine", "s"], ["simd"]],
    // As bash splits --engine=si.
    [["compare", "--engine", "=", "si"], ["simd"]],
    [["bench", "-d", "mn"], ["mnist"]],
    [["-w", "t"], ["trained.npz"]],
    [["--threads", ""], [""]],
    [["check", "--off"], ["--offline"]],
    [["check", "--eng"], [""]],
    [["runs", "c"], ["cancel"]],
    [
      ["--quiet", "show", "--lab"],
      ["--labels", "--label-offset", "--label-column"],
    ],
    [
      ["show", "--no-"],
      ["--no-config", "--no-color"],
    ],
  ] as const) {
    const given = ["-c", TRY, "bash", path, "batchwise", ...words];
    const { stdout, stderr } = spawnSync("bash", given, { cwd: folder, encoding: "utf8" });
    t.is(stderr, "");
    t.deepEqual(stdout.trimEnd().split("\n"), expected, words.join(" "));
  }
});

test("zsh and fish can read their scripts, which name every command", async (t) => {
  for (const [shell, flag] of [
    ["zsh", "-n"],
    ["fish", "--no-execute"],
  ] as const) {
    const { path } = await scriptFor(t, shell);
    const { stdout } = await runCli(["completion", shell]);
    for (const command of COMMAND_NAMES) t.true(stdout.includes(command), `${shell}: ${command}`);
    const { error, status, stderr } = spawnSync(shell, [flag, path], { encoding: "utf8" });
    if (error === undefined) t.is(status, 0, stderr);
    else t.log(`${shell} is not installed: its script was not read`);
  }
});

test("another shell is refused, with the ones that there are", async (t) => {
  const { status, stderr } = await runCli(["completion", "bsh"]);
  t.is(status, 2);
  t.regex(stderr, /unknown shell "bsh": did you mean "bash"\?/);
});
