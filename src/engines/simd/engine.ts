/** The engine `simd`: WebAssembly SIMD, with every prediction that its error bound does not settle computed again. */
import type { Engine, FoldedLayers } from "../../contracts/engine.js";
import { argmax } from "../../metrics/argmax.js";
import { boundErrors } from "./error-bound.js";
import { type KernelImage, layOut, TILE_IMAGES } from "./layout.js";
import { quantiseLayers } from "./quantise.js";
import { createRowForward } from "./recompute.js";

/** Made once, by the coordinator; structured clone hands it to workers without a copy. */
export interface SimdAssets {
  readonly module: WebAssembly.Module;
  readonly image: KernelImage;
}

interface KernelExports extends WebAssembly.Exports {
  predict(run: number, pixels: number, count: number, answers: number): void;
  forward(run: number, pixels: number, count: number, logits: number): void;
}

/** Low half: the class. High half: 1 where it is not certain. */
const CLASS_MASK = 0xffff;
const UNCERTAIN = 0x10000;

export function prepareSimd(layers: FoldedLayers): KernelImage {
  const kernelLayers = quantiseLayers(layers);
  return layOut(kernelLayers, boundErrors(kernelLayers));
}

export function createSimdEngine({ module, image }: SimdAssets, layers: FoldedLayers): Engine {
  const { constants, pages, run, stride, logitsStride } = image;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const kernel = new WebAssembly.Instance(module, { env: { memory } }).exports as KernelExports;
  const bytes = new Uint8Array(memory.buffer);
  bytes.set(new Uint8Array(constants));
  const answers = new Uint32Array(memory.buffer, image.answers, TILE_IMAGES);
  const logitRows = new Float32Array(memory.buffer, image.answers, TILE_IMAGES * logitsStride);
  const forwardRow = createRowForward(layers);
  const { inputs } = layers[0];
  const { outputs } = layers[layers.length - 1];

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

  return {
    name: "simd",
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
        for (let n = 0; n < images; n++) {
          const answer = answers[n];
          predictions[start + n] = answer & CLASS_MASK;
          if (answer < UNCERTAIN) continue;
          const from = (start + n) * inputs;
          predictions[start + n] = argmax(forwardRow(pixels.subarray(from, from + inputs)));
          recomputed++;
        }
      }
      return recomputed;
    },
  };
}
