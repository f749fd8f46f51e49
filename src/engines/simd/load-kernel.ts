/** The kernel, compiled once a process, so that what V8 has optimised serves every later run. */
import { readFileSync } from "node:fs";
import { PACKAGE_ROOT } from "#src/base/package.js";

/** For every Node that we run on. */
export const KERNEL_URL = new URL("dist/src/engines/simd/kernel.wasm", PACKAGE_ROOT);
/** The same source with products and sums fused, which Node has from 22 on (WebAssembly's relaxed SIMD). */
const RELAXED = new URL("dist/src/engines/simd/kernel-relaxed.wasm", PACKAGE_ROOT);

let kernelModule: Promise<WebAssembly.Module> | undefined;

export function loadKernel(): Promise<WebAssembly.Module> {
  kernelModule ??= Promise.resolve().then(() => WebAssembly.compile(kernelBytes()));
  return kernelModule;
}

/** A few kilobytes of our own: reading them at once takes less than a thread's round trip. */
function kernelBytes(): Buffer<ArrayBuffer> {
  const relaxed = readFileSync(RELAXED);
  return WebAssembly.validate(relaxed) ? relaxed : readFileSync(KERNEL_URL);
}
