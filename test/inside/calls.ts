/** Calls of the library whose answers must be the same inside any tool. Each answer is plain JSON. */
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateRawSync, gzipSync } from "node:zlib";
import { FIXTURES } from "#src/base/package.js";
import {
  BatchwiseError,
  check,
  compare,
  evaluate,
  imgShow,
  loadNetwork,
  mergeParts,
  openDataset,
  openEvaluator,
  predict,
  readIdx,
} from "#src/index.js";
import { loadDense } from "../helpers/dense.js";

/** @param folder an empty folder of its own @returns plain JSON */
export type Call = (folder: string) => Promise<unknown>;

const fixture = (name: string) => fileURLToPath(new URL(name, FIXTURES));
const RUN = { threads: 2, limit: 500 } as const;

/** The code of what is thrown; a fault without one is told whole. */
async function codeOf(call: () => Promise<unknown>): Promise<string> {
  try {
    await call();
    return "none";
  } catch (error) {
    return error instanceof BatchwiseError ? error.code : String(error);
  }
}

async function codesOf(names: RegExp, read: (path: string) => Promise<unknown>): Promise<unknown> {
  const found = (await readdir(fixture("malformed"))).filter((name) => names.test(name)).sort();
  const codes: Record<string, string> = {};
  for (const name of found) codes[name] = await codeOf(() => read(join(fixture("malformed"), name)));
  return codes;
}

/** The bundled network with first weights whose products overflow both ways. */
async function overflowing() {
  const network = await loadDense("bundled");
  const layers = network.layers.map((layer, n) =>
    n === 0 ? { ...layer, weights: layer.weights.map((weight) => Math.sign(weight) * 1.5e308) } : layer,
  );
  return { ...network, layers, preprocessing: { kind: "none" as const } };
}

/** Member `W1.npy` whose deflate stream ends early. */
async function damagedZip(folder: string): Promise<string> {
  const path = join(folder, "damaged.npz");
  const bytes = Buffer.from(await readFile(fixture("malformed/crc.npz")));
  bytes.fill(0xff, 40, 60);
  await writeFile(path, bytes);
  return path;
}

export const CALLS: Readonly<Record<string, Call>> = {
  "evaluate on two threads": async () => (await evaluate(RUN)).result,
  "evaluate on the caller's thread": async () => (await evaluate({ ...RUN, threads: 0 })).result,
  "evaluate with simd, warm": async () => (await evaluate({ ...RUN, engine: "simd", warm: true })).result,
  "evaluate with scores": async () => (await evaluate({ ...RUN, calibration: true })).result,
  "resume a journal": async (folder) => {
    const resume = join(folder, "run.journal");
    const first = await evaluate({ ...RUN, resume });
    return [first.result, (await evaluate({ ...RUN, resume })).result];
  },
  "run an open evaluator twice": async () => {
    const evaluator = await openEvaluator({ ...RUN, engine: "simd" });
    const runs = [await evaluator.run(), await evaluator.run({ batchSize: 7 })];
    await evaluator.close();
    await evaluator.close();
    return runs.map(({ result }) => result);
  },
  "evaluate two networks at once": async () => {
    const networks = ["bundled", "bundled-standardize"].flatMap((weights) => [weights, weights]);
    const runs = networks.map((weights) => evaluate({ ...RUN, weights, engine: "simd", warm: true }));
    return (await Promise.all(runs)).map(({ result }) => result);
  },
  "compare two networks": async () =>
    (await compare({ a: "bundled", b: "bundled-standardize", threads: 2, limit: 500 })).comparison.result,
  "run a suite": async (folder) => {
    const suite = join(folder, "suite.json");
    const evaluations = [
      { name: "bundled", limit: 100 },
      { name: "absent", weights: "absent.npz" },
    ];
    await writeFile(suite, JSON.stringify({ evaluations }));
    const { checks } = await check(suite, { threads: 2 });
    return checks.map(({ name, status }) => [name, status]);
  },
  "interrupt a run": () => codeOf(() => evaluate({ threads: 2 }, { signal: AbortSignal.abort() })),
  "overflow to NaN on a thread": () => codeOf(async () => evaluate({ ...RUN, weights: await overflowing() })),
  "read malformed networks": () => codesOf(/\.(npz|npy|pkl|safetensors|onnx)$/, (path) => loadNetwork(path)),
  "read malformed images": () => codesOf(/\.idx(\.gz)?$/, (path) => readIdx(path)),
  "merge malformed parts": () => codesOf(/\.part\.json$/, (path) => mergeParts([path])),
  "read pickles": async () => {
    const names = (await readdir(fixture("pickles"))).filter((name) => name.endsWith(".pkl"));
    const networks = names.map((name) => loadNetwork(join(fixture("pickles"), name)));
    return (await Promise.allSettled(networks)).map(({ status }) => status);
  },
  "name what is absent": async (folder) => [
    await codeOf(() => loadNetwork(join(folder, "absent.npz"))),
    await codeOf(() => openDataset({ dataset: join(folder, "absent"), split: "test" })),
    await codeOf(() => readIdx(join(folder, "absent"))),
  ],
  "refuse damaged deflate streams": async (folder) => {
    const header = Buffer.of(0, 0, 8, 1, 0, 0, 0, 4, 1, 2, 3, 4);
    const long = join(folder, "long.gz");
    await writeFile(long, gzipSync(Buffer.concat([header, Buffer.alloc(100)])));
    const torn = join(folder, "torn.gz");
    await writeFile(torn, gzipSync(header).fill(0xff, 12, 16));
    const raw = join(folder, "raw.gz");
    await writeFile(raw, deflateRawSync(header));
    const npz = await damagedZip(folder);
    const codes = [];
    for (const path of [long, torn, raw]) codes.push(await codeOf(() => readIdx(path)));
    return [...codes, await codeOf(() => loadNetwork(npz))];
  },
  "take pixels of the caller's realm": async () => {
    const network = await loadNetwork("bundled");
    const classes = [Uint8Array, Float32Array, Float64Array];
    const answers = classes.map((Pixels) => [...predict(network, new Pixels(784).fill(1)).data]);
    return [answers, imgShow(new Uint8Array(784).fill(200)), imgShow(new Float32Array(784).fill(1))];
  },
  "refuse arguments of another kind": async () => {
    const network = await loadNetwork("bundled");
    return [
      await codeOf(async () => predict(network, Array.from({ length: 784 }) as never)),
      await codeOf(() => evaluate(Promise.resolve({}) as never)),
      await codeOf(() => evaluate({}, { signal: {} as never })),
    ];
  },
};

/** Answers to all calls, by their titles. */
export async function answerAll(folder: string): Promise<Record<string, unknown>> {
  const answers: Record<string, unknown> = {};
  for (const [title, call] of Object.entries(CALLS)) {
    answers[title] = await call(folder).catch((error: unknown) => `threw ${error}`);
    await rm(join(folder, "run.journal"), { force: true });
  }
  // As it crosses to the tool and back.
  return JSON.parse(JSON.stringify(answers));
}
