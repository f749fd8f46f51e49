/** How much the WebAssembly engine leaves to native code: a proxy in C with AVX-512 VNNI over the same quantised weights. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  isSimdLayer,
  type KernelLayer,
  quantiseLayers,
  LANES as VECTOR_LANES,
} from "../src/engines/simd/quantise.js";
import { measure, STEADY, tableOf } from "./harness.js";
import type { Bench, Question } from "./question.js";
import { type Contestant, type Pass, proving } from "./rivals/contestant.js";
import { BENCHMARKS } from "./rivals/installed.js";
import { openLineProcess } from "./rivals/line-process.js";
import { openOurs, threadsText } from "./rivals/ours.js";
import { EVERY_PASS_PROVEN, loadSubject, onlySlab, type Subject } from "./subject.js";

const THREAD_COUNTS = [1, 2];
/** float32 a vector of AVX-512. */
const LANES = 16;
/** int16 that vpdpwssd multiplies and adds together. */
const PAIR = 2;
/** What proxy.c has room for. */
const MAX_VECTORS = 8;
const NEEDED_FLAGS = ["avx512bw", "avx512vl", "avx512_vbmi2", "avx512_vnni"];

export const question: Question = {
  asks: "how far is the simd engine from native code?",
  rounds: 15,
  async answer(bench) {
    const subject = await loadSubject(bench);
    bench.note(EVERY_PASS_PROVEN);
    const folder = mkdtempSync(join(tmpdir(), "batchwise-"));
    const contestants: Contestant[] = [];
    try {
      contestants.push(...openProxies(folder, bench, subject));
      for (const threads of [0, ...THREAD_COUNTS])
        contestants.push(await openOurs(subject, { engine: "simd", threads }));
      const rivals = contestants.map((contestant) => proving(contestant, subject.expected));
      const measured = await measure(rivals, bench.rounds, STEADY);
      return [
        { title: `${subject.images} images`, table: tableOf(measured, subject.images), data: measured },
      ];
    } finally {
      for (const contestant of contestants) await contestant.close();
      rmSync(folder, { recursive: true });
    }
  },
};

function openProxies(folder: string, bench: Bench, subject: Subject): Contestant[] {
  const model = modelOf(quantiseLayers(subject.layers.filter(isSimdLayer)));
  if (model === undefined) {
    bench.skip("native proxy", "it knows small networks of sigmoids only");
    return [];
  }
  const reason = whyNotHere();
  if (reason !== undefined) {
    bench.skip("native proxy", reason);
    return [];
  }
  const program = join(folder, "proxy");
  const source = fileURLToPath(new URL("native/proxy.c", BENCHMARKS));
  execFileSync("cc", ["-O3", "-march=native", "-pthread", "-o", program, source], { stdio: "inherit" });
  bench.uses("cc", execFileSync("cc", ["-dumpversion"], { encoding: "utf8" }).trim());
  const modelFile = join(folder, "model");
  const pixelsFile = join(folder, "pixels");
  writeFileSync(modelFile, model);
  writeFileSync(pixelsFile, onlySlab(subject).pixels);
  return THREAD_COUNTS.map((threads) => {
    const proxy = openLineProcess(program, [modelFile, pixelsFile, `${subject.inputs}`, `${threads}`]);
    return {
      name: `native proxy, ${threadsText(threads)}`,
      pass: async () => (await proxy.ask({})) as Pass,
      close: proxy.close,
    };
  });
}

/** Undefined where there is a compiler and a processor for it. */
function whyNotHere(): string | undefined {
  if (spawnSync("cc", ["--version"]).status !== 0) return "no C compiler cc";
  let flags: readonly string[] = [];
  try {
    const [, listed = ""] = readFileSync("/proc/cpuinfo", "utf8").match(/^flags\s*:(.*)$/m) ?? [];
    flags = listed.split(" ");
  } catch {
    // Not Linux: its flags stay unknown.
  }
  const missing = NEEDED_FLAGS.filter((flag) => !flags.includes(flag));
  return missing.length === 0 ? undefined : `the processor has no ${missing.join(", ")}`;
}

/** The file that proxy.c reads, or undefined where it cannot run such layers. */
function modelOf(layers: readonly KernelLayer[]): Uint8Array | undefined {
  const parts: ArrayBufferView[] = [Int32Array.of(layers.length)];
  for (const [n, kernelLayer] of layers.entries()) {
    const { layer, vectors, outScale } = kernelLayer;
    const activation = n === layers.length - 1 ? "identity" : "sigmoid";
    const width = Math.ceil(layer.outputs / LANES) * LANES;
    if (kernelLayer.kind === "float" || layer.activation !== activation) return undefined;
    if (width > MAX_VECTORS * LANES) return undefined;
    const { weights, weightScales, pairs, inScale } = kernelLayer;
    const rows = new Int16Array(pairs * width * PAIR);
    const rowLength = vectors * VECTOR_LANES * PAIR;
    for (let pair = 0; pair < pairs; pair++) {
      const row = weights.subarray(pair * rowLength, (pair + 1) * rowLength);
      rows.set(row, pair * width * PAIR);
    }
    // 1 ÷ (1 + 2^z) is a sigmoid where z comes times −log2 e.
    const factor = activation === "identity" ? 1 : -Math.LOG2E;
    const scales = new Float32Array(width);
    const biases = new Float32Array(width);
    for (let j = 0; j < layer.outputs; j++) {
      scales[j] = factor / (weightScales[j]! * inScale);
      biases[j] = factor * layer.biases[j]!;
    }
    const sizes = Int32Array.of(layer.inputs, layer.outputs, width / LANES);
    parts.push(sizes, Float32Array.of(outScale), rows, scales, biases);
  }
  return Buffer.concat(parts.map((part) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength)));
}
