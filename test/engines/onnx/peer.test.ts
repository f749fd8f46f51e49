/** The optional peer: what is said where it is absent or broken, and that nothing else needs it. */
import test from "ava";
import { loadRuntime } from "#src/engines/onnx/runtime.js";
import { spawnCli } from "../../helpers/cli.js";
import { cnnModel, SIDE } from "../../helpers/cnn.js";
import { hasOnnxruntime } from "../../helpers/engines.js";
import { temporaryFile } from "../../helpers/temporary.js";
import { codedAsync } from "../../networks/coded.js";

const cnn = cnnModel({ shape: ["N", 1, SIDE, SIDE] });

/** Resolving the peer fails in a process with these NODE_OPTIONS, whether it is installed or not. */
function withoutPeer(code: string): Record<string, string> {
  const hooks = `export const resolve = (specifier, context, next) => {
    if (specifier !== "onnxruntime-node") return next(specifier, context);
    throw Object.assign(new Error("no such\\npackage"), { code: "${code}" });
  };`;
  const url = (source: string) => `data:text/javascript,${encodeURIComponent(source)}`;
  const register = `import { register } from "node:module"; register(${JSON.stringify(url(hooks))});`;
  return { NODE_OPTIONS: `--import=${url(register)}` };
}

for (const threads of ["0", "2"]) {
  test(`names the one command that installs the peer where it is absent, with ${threads} threads`, async (t) => {
    const env = withoutPeer("ERR_MODULE_NOT_FOUND");
    const path = await temporaryFile(t, cnn, "cnn.onnx");
    for (const weights of ["bundled", path]) {
      const args = ["--engine", "onnx", "--threads", threads, "--weights", weights];
      const { status, stdout, stderr } = await spawnCli(args, { env });
      t.is(status, 4);
      t.is(stdout, "");
      t.is(
        stderr,
        'batchwise: ERR_ENGINE_PEER: the engine "onnx" needs the package onnxruntime-node: found none; install it with: ' +
          "npm install --save-dev --ignore-scripts onnxruntime-node@1\n",
      );
    }
  });
}

test("says why a peer that is there cannot be loaded, and other engines never ask for it", async (t) => {
  const env = withoutPeer("ERR_DLOPEN_FAILED");
  const broken = await spawnCli(["--engine", "onnx"], { env });
  t.is(broken.status, 4);
  t.regex(
    broken.stderr,
    /^batchwise: ERR_ENGINE_PEER: .* found one that cannot be loaded: no such package; install it/,
  );
  t.is((await spawnCli(["--limit", "100", "--quiet"], { env })).status, 0);
});

(hasOnnxruntime ? test.skip : test)("loading the absent peer is an error with a code", async (t) => {
  const error = await codedAsync(t, loadRuntime(), "ERR_ENGINE_PEER");
  t.is(error.exitStatus, 4);
});
