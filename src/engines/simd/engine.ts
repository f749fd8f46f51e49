/**
 * The engine `simd`: WebAssembly SIMD. An image is computed again in float64 if the kernel's error bound leaves two classes
 * possible, so every prediction is the reference's. A network for which the bound itself does not hold is computed in float64.
 */
import { readFileSync } from "node:fs";
import type { Engine, FoldedLayers } from "#src/base/contracts/engine.js";
import { RunError } from "#src/base/errors.js";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { createRowForward } from "#src/engines/float64.js";
import { predictClass } from "#src/engines/logits.js";
import { boundErrors, MOST_PEAK } from "./error-bound.js";
import { fitsMemory, type KernelImage, layOut, TILE_IMAGES } from "./layout.js";
import { isSimdLayer, quantiseLayers } from "./quantise.js";

/** For every Node.js that Batchwise runs on. */
export const KERNEL_URL: URL = new URL("dist/src/engines/simd/kernel.wasm", PACKAGE_ROOT);
/** The same source with products and sums fused (WebAssembly's relaxed SIMD), which Node.js has from 22 on. */
const RELAXED = new URL("dist/src/engines/simd/kernel-relaxed.wasm", PACKAGE_ROOT);

/** False under `node --jitless`. */
export function hasWebAssembly(): boolean {
  return typeof WebAssembly !== "undefined";
}

let kernelModule: Promise<WebAssembly.Module> | undefined;

/** Returns the compiled kernel. It is compiled once per process, so that code which V8 has optimised serves later runs. */
export function loadKernel(): Promise<WebAssembly.Module> {
  kernelModule ??= Promise.resolve().then(() => {
    if (!hasWebAssembly()) throw new RunError("ERR_ENGINE_WEBASSEMBLY", {});
    return WebAssembly.compile(kernelBytes());
  });
  return kernelModule;
}

/** A few kilobytes: a synchronous read takes less time than the round trip to another thread. */
function kernelBytes(): Buffer<ArrayBuffer> {
  const relaxed = readFileSync(RELAXED);
  return WebAssembly.validate(relaxed) ? relaxed : readFileSync(KERNEL_URL);
}

/** Memory image of the kernel for a network, or the reason why the kernel is not used. */
export type SimdPlan =
  | { readonly image: KernelImage; readonly fallback?: undefined }
  | { readonly image?: undefined; readonly fallback: string };

/** Made once by the coordinator. Structured clone shares it with workers without a copy. */
export type SimdAssets = SimdPlan & { readonly module: WebAssembly.Module };

interface KernelExports extends WebAssembly.Exports {
  predict(run: number, pixels: number, count: number, answers: number): void;
  forward(run: number, pixels: number, count: number, logits: number): void;
}

/** An answer: the class in the low half, and 1 in the high half if the class is not certain. */
const CLASS_MASK = 0xffff;
const UNCERTAIN = 0x10000;

/** Decides by the weights alone whether the error bound holds for every possible image. */
export function prepareSimd(layers: FoldedLayers): SimdPlan {
  if (!layers.every(isSimdLayer)) return { fallback: fallbackOf(layers) };
  if (!fitsMemory(layers)) return { fallback: "the network is too large for the kernel's memory" };
  const kernelLayers = quantiseLayers(layers);
  const bounds = boundErrors(kernelLayers);
  // Written so that NaN fails too.
  if (!(bounds.peak <= MOST_PEAK)) return { fallback: "an image could overflow float32" };
  return { image: layOut(kernelLayers, bounds) };
}

function fallbackOf(layers: FoldedLayers): string {
  const other = layers.find((layer) => !isSimdLayer(layer));
  return other?.kind === "dense"
    ? `the kernel has no ${other.activation}`
    : "the kernel has no convolutions and pools";
}

export function createSimdEngine({ module, image }: SimdAssets, layers: FoldedLayers): Engine {
  return image === undefined ? byReference(layers) : byKernel(module, image, layers);
}

/** The same bits as the engine `reference`. Every image counts as computed again. */
function byReference(layers: FoldedLayers): Engine {
  const forwardRow = createRowForward(layers);
  const { inputs } = layers[0]!;
  const { outputs, ends } = layers[layers.length - 1]!;
  const logitsOf = (pixels: Uint8Array, n: number) =>
    forwardRow(pixels.subarray(n * inputs, (n + 1) * inputs));
  return {
    name: "simd",
    ends,
    forward(pixels, count, logits) {
      for (let n = 0; n < count; n++) logits.set(logitsOf(pixels, n), n * outputs);
    },
    predict(pixels, count, predictions) {
      for (let n = 0; n < count; n++) predictions[n] = predictClass(logitsOf(pixels, n), n);
      return count;
    },
  };
}

function byKernel(module: WebAssembly.Module, image: KernelImage, layers: FoldedLayers): Engine {
  const { constants, pages, run, stride, logitsStride } = image;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const kernel = new WebAssembly.Instance(module, { env: { memory } }).exports as KernelExports;
  const bytes = new Uint8Array(memory.buffer);
  bytes.set(new Uint8Array(constants));
  const answers = new Uint32Array(memory.buffer, image.answers, TILE_IMAGES);
  const logitRows = new Float32Array(memory.buffer, image.answers, TILE_IMAGES * logitsStride);
  const forwardRow = createRowForward(layers);
  const { inputs } = layers[0]!;
  const { outputs, ends } = layers[layers.length - 1]!;
  const uncertain = new Uint16Array(TILE_IMAGES);

  function copyIn(pixels: Uint8Array, start: number, count: number): void {
    if (inputs === stride) {
      bytes.set(pixels.subarray(start * inputs, (start + count) * inputs), image.pixels);
      return;
    }
    for (let n = 0; n < count; n++) {
      const from = (start + n) * inputs;
      bytes.set(pixels.subarray(from, from + inputs), image.pixels + n * stride);
    }
  }

  /** Reads the answers of a tile. Returns how many are not certain; their images are in `uncertain`. */
  function takeClasses(predictions: Uint16Array): number {
    let found = 0;
    for (let n = 0; n < predictions.length; n++) {
      const answer = answers[n]!;
      predictions[n] = answer & CLASS_MASK;
      if (answer >= UNCERTAIN) uncertain[found++] = n;
    }
    return found;
  }

  function computeAgain(pixels: Uint8Array, image: number, predictions: Uint16Array): void {
    const from = image * inputs;
    predictions[image] = predictClass(forwardRow(pixels.subarray(from, from + inputs)), image);
  }

  return {
    name: "simd",
    ends,
    forward(pixels, count, logits) {
      for (let start = 0; start < count; start += TILE_IMAGES) {
        const images = Math.min(TILE_IMAGES, count - start);
        copyIn(pixels, start, images);
        kernel.forward(run, image.pixels, images, image.answers);
        for (let n = 0; n < images; n++) {
          const row = logitRows.subarray(n * logitsStride, n * logitsStride + outputs);
          logits.set(row, (start + n) * outputs);
        }
      }
    },
    predict(pixels, count, predictions) {
      let recomputed = 0;
      for (let start = 0; start < count; start += TILE_IMAGES) {
        const images = Math.min(TILE_IMAGES, count - start);
        copyIn(pixels, start, images);
        kernel.predict(run, image.pixels, images, image.answers);
        const found = takeClasses(predictions.subarray(start, start + images));
        for (let n = 0; n < found; n++) computeAgain(pixels, start + uncertain[n]!, predictions);
        recomputed += found;
      }
      return recomputed;
    },
  };
}
