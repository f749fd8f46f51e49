/** Every malformed file: refused with its code, its own exit status and one line, through the command line too. */
import { copyFile, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import { ERROR_CODES, type ErrorCode } from "../../src/errors.js";
import { loadNetwork } from "../../src/networks/registry.js";
import { FIXTURES } from "../../src/package-root.js";
import { runCli } from "../helpers/cli.js";
import { MALFORMED_ARRAYS, MALFORMED_NETWORKS } from "../helpers/malformed.js";
import { temporaryFolder } from "../helpers/temporary.js";
import { codedAsync } from "./coded.js";

const FOLDER = fileURLToPath(new URL("malformed/", FIXTURES));
const MOST_BYTES = 4_096;

test("keeps the malformed files as they were made, each small, and none besides", async (t) => {
  const made = { ...MALFORMED_ARRAYS, ...MALFORMED_NETWORKS };
  const names = (await readdir(FOLDER)).filter((name) => /\.(npy|npz|onnx)$/.test(name));
  t.deepEqual(names.sort(), Object.keys(made).sort());
  for (const [name, { bytes }] of Object.entries(made)) {
    t.deepEqual(
      await readFile(join(FOLDER, name)),
      Buffer.from(bytes),
      `${name}: run fixtures/malformed/make.ts`,
    );
    t.true(bytes.length <= MOST_BYTES, `${name}: ${bytes.length} bytes`);
  }
});

for (const [name, { code }] of Object.entries(MALFORMED_NETWORKS)) {
  test(`refuses ${name} with ${code}`, async (t) => {
    await codedAsync(t, loadNetwork(join(FOLDER, name)), code);
  });
}

for (const [name, { code }] of Object.entries(MALFORMED_ARRAYS)) {
  test(`refuses a folder with ${name} with ${code}`, async (t) => {
    const folder = await temporaryFolder(t);
    await copyFile(join(FOLDER, name), join(folder, "W1.npy"));
    await codedAsync(t, loadNetwork(folder), code);
  });
}

for (const name of ["zip-slip.npz", "claims-small-inflates-large.npz", "external.onnx", "cycle.onnx"]) {
  test(`says in one line what is wrong with ${name}, and exits 3`, async (t) => {
    const code: ErrorCode = MALFORMED_NETWORKS[name].code;
    const { status, stdout, stderr } = await runCli(["--weights", join(FOLDER, name)]);
    t.is(status, ERROR_CODES[code].status);
    t.is(status, 3);
    t.is(stdout, "");
    t.regex(stderr, new RegExp(`^batchwise: ${code}: .+\n$`));
  });
}
