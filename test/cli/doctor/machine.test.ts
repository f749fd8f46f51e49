import test from "ava";
import { requiredNode } from "#src/base/package.js";
import { checkColours, checkNode, checkWebAssembly } from "#src/cli/doctor/checks.js";

test("holds Node's version against the oldest that package.json allows, number by number", (t) => {
  t.is(requiredNode(), "20.19");
  for (const found of ["20.19.0", "20.100.1", "22.0.0", "100.1.0"])
    t.is(checkNode(found, "20.19").state, "ok", found);
  for (const found of ["20.9.0", "18.20.0", "9.99.0"]) t.is(checkNode(found, "20.19").state, "failed", found);
});

test("says whether the kernel's instructions are understood", (t) => {
  t.is(checkWebAssembly().state, "ok");
  t.is(checkWebAssembly(() => Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 99)).state, "failed");
});

test("a kernel that cannot be read is a check that fails", (t) => {
  const unreadable = () => {
    throw new Error("ENOENT: no such file or directory, open 'kernel.wasm'");
  };
  const { state, found, advice } = checkWebAssembly(unreadable);
  t.is(state, "failed");
  t.is(found, "the kernel of the engine simd cannot be read: no such file or directory");
  t.is(advice, "install batchwise again");
});

test("tells how richly each stream is coloured", (t) => {
  t.is(checkColours(2, 0).found, "stdout 256 colours, stderr no colour");
});
