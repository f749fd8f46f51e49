/** .npz files as networks: read from what NumPy's layout allows, refused before they are unpacked where they are none. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import type { ErrorCode } from "#src/base/errors.js";
import { decodeNpz, encodeNpz } from "#src/networks/numpy.js";
import { loadNetwork } from "#src/networks/registry.js";
import { inCase } from "../helpers/in-case.js";
import { npyBytes, npyDict, npyFile, npyFloats } from "../helpers/npy.js";
import { randomNetwork } from "../helpers/random.js";
import { temporaryFolder } from "../helpers/temporary.js";
import { type TestEntry, zipFile } from "../helpers/zip.js";
import { codedAsync } from "./coded.js";

const W1 = npyFloats([2, 3], [1, 2, 3, 4, 5, 6]);
const b1 = npyFloats([3], [0, 0, 1]);

function npz(files: Readonly<Record<string, Uint8Array>>, more: Partial<TestEntry> = {}): Buffer {
  return zipFile(Object.entries(files).map(([name, content]) => ({ name, content, ...more })));
}

test("reads arrays stored and deflated, in whatever order", async (t) => {
  for (const deflated of [false, true]) {
    const arrays = await decodeNpz("n", npz({ "b1.npy": b1, "W1.npy": W1 }, { deflated }));
    t.deepEqual([...arrays.keys()], ["b1", "W1"]);
    t.deepEqual([...(arrays.get("W1")?.data ?? [])], [1, 2, 3, 4, 5, 6]);
  }
});

test("reads the names of PyTorch from an archive too", async (t) => {
  const path = join(await temporaryFolder(t), "model.npz");
  await writeFile(path, npz({ "fc.bias.npy": npyFloats([2], [1, 2]), "fc.weight.npy": W1 }));
  const [layer] = (await loadNetwork(path)).layers;
  t.deepEqual([layer.inputs, layer.outputs], [3, 2]);
  t.deepEqual([...layer.weights], [1, 4, 2, 5, 3, 6]);
});

const REFUSED: readonly (readonly [title: string, bytes: Uint8Array, code: ErrorCode])[] = [
  ["an archive of nothing", npz({}), "ERR_NETWORK_KEYS"],
  ["an archive of other files", npz({ "archive/data.pkl": b1 }), "ERR_NETWORK_FORMAT"],
  ["an array too many", npz({ "W1.npy": W1, "b1.npy": b1, "mean.npy": b1 }), "ERR_NETWORK_KEYS"],
  ["arrays that do not chain", npz({ "W1.npy": W1, "b1.npy": W1 }), "ERR_NETWORK_CHAIN"],
  ["whole numbers", npz({ "W1.npy": npyBytes([1, 1], [1]), "b1.npy": b1 }), "ERR_ARRAY_DTYPE"],
  ["an entry that is no array", npz({ "W1.npy": Buffer.from("weights"), "b1.npy": b1 }), "ERR_NPY_HEADER"],
  ["an array one byte short", npz({ "W1.npy": W1.subarray(0, -1), "b1.npy": b1 }), "ERR_NPY_LENGTH"],
  ["Python objects", npz({ "W1.npy": npyFile(npyDict("|O", [1]), W1), "b1.npy": b1 }), "ERR_NPY_DTYPE"],
  ["a damaged array", npz({ "W1.npy": W1, "b1.npy": b1 }, { lies: { crc: 1 } }), "ERR_ZIP_CORRUPT"],
];

test("refuses each archive that is no network with its code", async (t) => {
  for (const [title, bytes, code] of REFUSED) {
    await inCase(t, `refuses ${title}`, async () => {
      await codedAsync(t, decodeNpz("n.npz", bytes), code);
    });
  }
});

test("names the archive and the array at fault", async (t) => {
  const bytes = npz({ "W1.npy": W1.subarray(0, -1), "b1.npy": b1 });
  t.regex(
    (await codedAsync(t, decodeNpz("n.npz", bytes), "ERR_NPY_LENGTH")).message,
    /^n\.npz:W1\.npy: expected 152/,
  );
});

test("writes the same bytes for the same network", (t) => {
  for (const deflated of [false, true]) {
    const bytes = encodeNpz(randomNetwork([3, 2]), "float64", { deflated });
    t.deepEqual(encodeNpz(randomNetwork([3, 2]), "float64", { deflated }), bytes);
  }
});
