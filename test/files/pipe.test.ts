/** Pipes in place of files: what is read from them, and which are refused. */
import { execFile, execFileSync } from "node:child_process";
import { constants } from "node:fs";
import { join } from "node:path";
import { execPath, platform } from "node:process";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import test, { type ExecutionContext } from "ava";
import { FileError } from "#src/base/errors.js";
import { FIXTURES } from "#src/base/package.js";
import { readPipe } from "#src/files/pipe.js";
import { CLI } from "../helpers/cli.js";
import { inCase } from "../helpers/in-case.js";
import { someOf } from "../helpers/require.js";
import { temporaryFolder } from "../helpers/temporary.js";

const unixTest = platform === "win32" ? test.skip : test;

const IMAGES = fileURLToPath(new URL("digits-images-idx3-ubyte.gz", FIXTURES));
const LABELS = fileURLToPath(new URL("digits-labels-idx1-ubyte.gz", FIXTURES));
const WEIGHTS = fileURLToPath(new URL("bundled-standardize.safetensors", FIXTURES));

/** What a shell answers, in which `batchwise` is the program and `$D` a folder with the named pipe `p`. */
async function inShell(t: ExecutionContext, script: string): Promise<{ status: number; output: string }> {
  const folder = await temporaryFolder(t);
  execFileSync("mkfifo", [join(folder, "p")]);
  const program = `batchwise() { "${execPath}" "${CLI}" --no-config --quiet "$@"; }; D="${folder}"; ${script}`;
  return new Promise((resolve) => {
    execFile("bash", ["-c", program], (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), output: `${stdout}${stderr}`.trim() });
    });
  });
}

unixTest("data and weights come from standard input, process substitution and named pipes", async (t) => {
  const scripts = [
    [`cat ${IMAGES} | batchwise --dataset - --labels ${LABELS}`, "0.9947"],
    [`gunzip -c ${IMAGES} | batchwise --dataset - --labels ${LABELS}`, "0.9947"],
    [`batchwise --dataset - --labels ${LABELS} < ${IMAGES}`, "0.9947"],
    [`batchwise --dataset <(gunzip -c ${IMAGES}) --labels <(sleep 0.3; gunzip -c ${LABELS})`, "0.9947"],
    [`cat ${WEIGHTS} | batchwise --weights -`, "0.9922"],
    [`cat ${WEIGHTS} > $D/p & sleep 0.2; batchwise --weights $D/p`, "0.9922"],
    [`batchwise --config <(echo '{ "limit": 100 }')`, "0.99"],
  ] as const;
  for (const [script, accuracy] of someOf(scripts, 4)) {
    await inCase(t, script, async () => {
      const { status, output } = await inShell(t, script);
      t.is(output.split("\n").at(-1), `Accuracy : ${accuracy}`, output);
      t.is(status, 0);
    });
  }
});

unixTest("devices, pipes that no program writes to and empty pipes end in one line", async (t) => {
  const refusals = [
    ...["dataset", "weights", "classes", "baseline"].flatMap(
      (option) =>
        [
          [`batchwise --${option} $D/p`, 3, /ERR_FILE_READ: .*: it is a pipe that no program writes to;/],
          [`batchwise --${option} /dev/zero`, 3, /ERR_FILE_READ: .*: it is a device or a pipe, not a file;/],
        ] as const,
    ),
    ["batchwise --config $D/p", 2, /ERR_CONFIG_READ: .*: it is a pipe that no program writes to;/],
    ["batchwise --config /dev/zero", 2, /ERR_CONFIG_READ: .*: it is a device or a pipe/],
    ["batchwise --resume $D/p", 3, /ERR_JOURNAL_KIND/],
    ["batchwise --resume /dev/zero", 3, /ERR_JOURNAL_KIND/],
    ["batchwise --weights - < /dev/zero", 3, /ERR_FILE_READ: -: .*: standard input is a device;/],
    ["true | batchwise --weights -", 3, /ERR_FILE_EMPTY: -:/],
    [`cat ${LABELS} | batchwise --weights -`, 3, /ERR_NETWORK_FORMAT: -:/],
  ] as const;
  for (const [script, expected, line] of someOf(refusals, 9)) {
    await inCase(t, script, async () => {
      const { status, output } = await inShell(t, script);
      t.regex(output, line);
      t.is(output.split("\n").length, 1, output);
      t.is(status, expected);
    });
  }
});

unixTest("only the beginning of an endless pipe is read if no format begins so", async (t) => {
  const cases = [
    ["--weights -", "yes", /ERR_NETWORK_FORMAT: -:/],
    ["--weights $D/p", "yes", /ERR_NETWORK_FORMAT: .*\/p:/],
    ["--weights -", "(printf PAR1; cat /dev/zero)", /ERR_NETWORK_FORMAT: -: .*Parquet/],
    ["--dataset -", "yes", /ERR_DATASET_FORMAT: -: .* found text;/],
    [`--dataset - --labels ${LABELS}`, "yes", /ERR_(IDX_MAGIC|DATASET_FORMAT): -:/],
    [`--dataset ${IMAGES} --labels -`, "yes", /ERR_(IDX_MAGIC|DATASET_FORMAT): -:/],
    ["--classes -", "yes", /ERR_FILE_READ: -: .* at most 1,048,576 bytes from a pipe/],
    ["--baseline -", "yes", /ERR_JSON_SYNTAX: -:/],
    ["report -", "yes", /ERR_JSON_SYNTAX: -:/],
    ["--config -", "yes", /ERR_CONFIG_READ: -: .* at most 1,048,576 bytes from a pipe/],
  ] as const;
  for (const [args, writer, line] of someOf(cases, 5)) {
    await inCase(t, `${writer} | ${args}`, async () => {
      // The kernel gives a program the memory that it has: one that keeps half a gigabyte cannot.
      const limited = `(ulimit -d 400000; batchwise ${args})`;
      const script = args.includes("$D/p")
        ? `${writer} > $D/p & sleep 0.2; ${limited}`
        : `${writer} | ${limited}`;
      const { output } = await inShell(t, script);
      t.regex(output, line);
      t.is(output.split("\n").length, 1, output);
    });
  }
});

unixTest("a pipe has a deadline for its first byte, and a limit", async (t) => {
  const folder = await temporaryFolder(t);
  const flags = constants.O_RDONLY | constants.O_NONBLOCK;
  for (const [name, writer, limits, reason] of [
    ["silent", "sleep 30", { firstByteSeconds: 0.2 }, /no byte came within 0.2 seconds/],
    ["long", "exec yes", { limitBytes: 100_000 }, /at most 100,000 bytes from a pipe/],
  ] as const) {
    await inCase(t, name, async () => {
      const path = join(folder, name);
      execFileSync("mkfifo", [path]);
      const child = execFile("bash", ["-c", `exec > ${path}; ${writer}`], () => {});
      t.teardown(() => child.kill("SIGKILL"));
      let error: unknown;
      // Until the writer has opened the pipe, no program writes to it.
      do {
        await setTimeout(10);
        error = await readPipe(path, flags, limits)?.catch((fault: unknown) => fault);
      } while (error instanceof FileError && /no program writes/.test(error.message));
      t.true(error instanceof FileError);
      t.regex(String(error), reason);
    });
  }
  t.is(readPipe(WEIGHTS, flags), undefined);
});
