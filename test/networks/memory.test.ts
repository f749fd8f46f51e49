/** Hostile networks are refused in the memory that the file takes, and 64 MB. */
import { execFile } from "node:child_process";
import { execPath, platform } from "node:process";
import { promisify } from "node:util";
import { crc32, deflateRawSync } from "node:zlib";
import test, { type ExecutionContext } from "ava";
import { npyDict, npyFile } from "../helpers/npy.js";
import { fields, tensor, value } from "../helpers/onnx.js";
import { temporaryFile } from "../helpers/temporary.js";
import { type TestEntry, zipFile } from "../helpers/zip.js";
import { raw, u64 } from "./coded.js";

const MEGABYTE = 2 ** 20;
const MOST_GROWTH_BYTES = 64 * MEGABYTE;

/** Loads the file in a process of its own; its peak comes from Linux's VmHWM, as in idx-bomb.test.ts. */
const PROBE = `
  import { readFileSync } from "node:fs";
  const [, module, path] = process.argv;
  const { loadNetwork } = await import(module);
  const peakBytes = () => 1024 * Number(/VmHWM:\\s*(\\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))[1]);
  const before = peakBytes();
  const code = await loadNetwork(path).then(() => "none", (error) => error.code);
  console.log(JSON.stringify({ code, growthBytes: peakBytes() - before }));
`;

const onLinux = platform === "linux" ? test : test.skip;

async function probe(t: ExecutionContext, bytes: Uint8Array): Promise<{ code: string; growthBytes: number }> {
  const path = await temporaryFile(t, bytes);
  const module = new URL("../../src/networks/registry.js", import.meta.url).href;
  const { stdout } = await promisify(execFile)(execPath, ["--input-type=module", "-e", PROBE, module, path]);
  return JSON.parse(stdout);
}

/** Zeros that an archive holds in a thousandth of their bytes, under an honest header. */
function bomb(name: string, shape: readonly number[], bytes: number): TestEntry {
  return { name, content: npyFile(npyDict("<f4", shape), Buffer.alloc(bytes)), deflated: true };
}

/** 100 MB of zeros behind a header of two numbers. */
const inflating = () => {
  const content = npyFile(npyDict("<f4", [1, 2]), Buffer.alloc(100 * MEGABYTE));
  const honest = content.subarray(0, content.length - 100 * MEGABYTE + 8);
  const lies = { unpackedBytes: honest.length, crc: crc32(honest) };
  return zipFile([
    { name: "W1.npy", content: honest, packed: deflateRawSync(content), deflated: true, lies },
    { name: "b1.npy", content: npyFile(npyDict("<f4", [2]), Buffer.alloc(8)) },
  ]);
};

const HOSTILE: readonly (readonly [title: string, make: () => Uint8Array, code: string])[] = [
  ["a .npz entry that claims 136 bytes and inflates to 100 MB", inflating, "ERR_ZIP_SIZE"],
  [
    "a .npz of 100 MB of zeros as a network",
    () => zipFile([bomb("W1.npy", [MEGABYTE, 25], 100 * MEGABYTE), bomb("b1.npy", [25], 100)]),
    "ERR_ZIP_LIMIT",
  ],
  [
    "a .npz of 12 MB of zeros under names of no network",
    () =>
      zipFile(["a", "b", "c", "d"].map((name) => bomb(`${name}.npy`, [(3 * MEGABYTE) / 4], 3 * MEGABYTE))),
    "ERR_NETWORK_KEYS",
  ],
  [
    "a .npz of 16 MB of zeros in shapes that do not chain",
    () =>
      zipFile([
        bomb("W1.npy", [MEGABYTE, 2], 8 * MEGABYTE),
        bomb("b1.npy", [(7 * MEGABYTE) / 4], 7 * MEGABYTE),
      ]),
    "ERR_NETWORK_CHAIN",
  ],
  [
    "an ONNX model of 2,000,000 empty nodes",
    () => fields([1, 8], [7, Buffer.alloc(4_000_000).fill("\x0a\x00", "latin1")]),
    "ERR_ONNX_LIMIT",
  ],
  [
    "an ONNX model of 30,000 layers that share their weights",
    () => {
      const nodes = Array.from({ length: 30_000 }, (_, n) => {
        const [input, output] = [n === 0 ? "x" : `${n}`, `${n + 1}`];
        return fields([1, input], [1, "w"], [2, output], [4, "MatMul"]);
      });
      const graph = fields(
        ...nodes.map((node) => [1, node] as const),
        [5, tensor("w", [500, 500], new Array(250_000).fill(1))],
        [11, value("x", ["N", 500])],
        [12, value("30000", ["N", 500])],
      );
      return fields([1, 8], [7, graph], [8, fields([2, 13])]);
    },
    "ERR_ONNX_LIMIT",
  ],
  [
    "a pickle of half a million dicts in a list",
    () => raw("]", "}a".repeat(500_000), "."),
    "ERR_PICKLE_LIMIT",
  ],
  [
    "a safetensors file of 100,000 tensors",
    () => {
      const entries = Array.from({ length: 100_000 }, (_, n) => [
        `${n}.weight`,
        { dtype: "F16", shape: [1, 1], data_offsets: [2 * n, 2 * n + 2] },
      ]);
      const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
      return raw(u64(header.length), header, new Uint8Array(200_000));
    },
    "ERR_SAFETENSORS_HEADER",
  ],
];

for (const [title, make, code] of HOSTILE) {
  onLinux(`refuses ${title}`, async (t) => {
    const bytes = make();
    const found = await probe(t, bytes);
    t.is(found.code, code);
    t.log(
      `${bytes.length} bytes, ${found.code}, ${(found.growthBytes / MEGABYTE).toFixed(1)} MB more at the peak`,
    );
    t.true(
      found.growthBytes < bytes.length + MOST_GROWTH_BYTES,
      `${found.growthBytes} bytes more at the peak`,
    );
  });
}

onLinux("would notice the memory of 30 MB that are read as a network", async (t) => {
  const [columns, rows] = [30, MEGABYTE / 4];
  const weights = npyFile(npyDict("<f4", [rows, columns]), Buffer.alloc(rows * columns * 4));
  const biases = npyFile(npyDict("<f4", [columns]), Buffer.alloc(columns * 4));
  const bytes = zipFile([
    { name: "W1.npy", content: weights },
    { name: "b1.npy", content: biases },
  ]);
  const { code, growthBytes } = await probe(t, bytes);
  t.is(code, "none");
  t.true(growthBytes > bytes.length + MOST_GROWTH_BYTES, `${growthBytes} bytes more at the peak`);
});
