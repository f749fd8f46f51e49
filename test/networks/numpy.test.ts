/** NumPy's .npy and .npz files as networks. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { atLeast, type ErrorCode } from "#src/base/errors.js";
import { checkedElements, rowMajor } from "#src/files/formats/arrays.js";
import { decodeNpy, decodeNpz, encodeNpy, encodeNpz } from "#src/networks/numpy.js";
import { loadNetwork } from "#src/networks/registry.js";
import { loadDense } from "../helpers/dense.js";
import { inCase } from "../helpers/in-case.js";
import { npyBytes, npyDict, npyFile, npyFloats } from "../helpers/npy.js";
import { randomNetwork } from "../helpers/random.js";
import { temporaryFolder } from "../helpers/temporary.js";
import { type TestEntry, zipFile } from "../helpers/zip.js";
import { coded, codedAsync, raw } from "./coded.js";

const read = (file: Uint8Array) => decodeNpy("f.npy", "W1", file);
const VALUES = [1, -2, 0.5, 0, 1024, -0.25];

function elements(bytes: number, littleEndian: boolean): Uint8Array {
  const data = new DataView(new ArrayBuffer(VALUES.length * bytes));
  VALUES.forEach((value, index) => {
    if (bytes === 4) data.setFloat32(index * 4, value, littleEndian);
    else data.setFloat64(index * 8, value, littleEndian);
  });
  return new Uint8Array(data.buffer);
}

test("reads each version of the header, float32 and float64, in either byte order", async (t) => {
  for (const version of [1, 2, 3] as const) {
    await inCase(t, `reads version ${version}.0, float32 and float64, in either byte order`, () => {
      for (const [descr, bytes, littleEndian] of [
        ["<f4", 4, true],
        [">f4", 4, false],
        ["<f8", 8, true],
        [">f8", 8, false],
      ] as const) {
        const { shape, data } = read(npyFile(npyDict(descr, [2, 3]), elements(bytes, littleEndian), version));
        t.deepEqual(shape, [2, 3]);
        t.deepEqual([...data], VALUES);
      }
    });
  }
});

test("reads float16, Fortran order, and arrays without dimensions or elements", async (t) => {
  await inCase(t, "reads float16 in either byte order", () => {
    t.deepEqual([...read(npyFile(npyDict("<f2", [2]), raw("\x00\x3c\x00\xc0"))).data], [1, -2]);
    t.deepEqual([...read(npyFile(npyDict(">f2", [2]), raw("\x3c\x00\xc0\x00"))).data], [1, -2]);
  });

  await inCase(t, "turns Fortran order into row-major order", () => {
    const { data } = read(npyFile(npyDict("<f4", [2, 3], true), elements(4, true)));
    t.deepEqual([...data], [1, 0.5, 1024, -2, 0, -0.25]);
  });

  await inCase(t, "reads arrays without dimensions and without elements", () => {
    t.deepEqual(read(npyFloats([], [7])), { shape: [], data: Float64Array.of(7) });
    t.deepEqual(read(npyFloats([0, 3], [])), { shape: [0, 3], data: new Float64Array(0) });
  });
});

test("reads headers in other spellings of Python", async (t) => {
  for (const [title, dict] of [
    ["keys in another order", "{'shape': (1,), 'fortran_order': False, 'descr': '<f4'}"],
    ["double quotes and wide spaces", ' {  "descr" : "<f4" ,"fortran_order":False, "shape" : ( 1 , ) , } '],
    ["Python 2's long integers", "{'descr': '<f4', 'fortran_order': False, 'shape': (1L,), }"],
  ] as const) {
    await inCase(t, `reads a header with ${title}`, () => {
      t.deepEqual([...read(npyFile(dict, raw("\0\0\x80\x3f"))).data], [1]);
    });
  }
});

const dict = (descr: string, order: string, shape: string) =>
  npyFile(`{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }`, raw("\0\0\0\0"));
const whole = npyFloats([2], [1, 2]);
const claim = (length: number) => {
  const header = raw("\x93NUMPY\x02\0", "\0\0\0\0", "{'descr': ");
  new DataView(header.buffer, header.byteOffset).setUint32(8, length, true);
  return header;
};

const MALFORMED: readonly (readonly [title: string, file: Uint8Array, code: ErrorCode])[] = [
  ["a file of one byte", raw("\x93"), "ERR_NPY_HEADER"],
  ["another magic", raw("\x93NUMPX\x01\0"), "ERR_NPY_HEADER"],
  ["a file that ends behind its magic", raw("\x93NUMPY"), "ERR_NPY_HEADER"],
  ["a file that ends within the length of its header", raw("\x93NUMPY\x02\0\x10\0"), "ERR_NPY_HEADER"],
  ["version 4.0", raw("\x93NUMPY\x04\0\0\0\0\0"), "ERR_NPY_HEADER"],
  ["version 1.1", raw("\x93NUMPY\x01\x01\0\0"), "ERR_NPY_HEADER"],
  ["a header that claims 4 GiB", claim(2 ** 32 - 1), "ERR_NPY_HEADER"],
  ["a header longer than NumPy's limit", npyFile("{".padEnd(10_001), raw()), "ERR_NPY_HEADER"],
  ["a header that the file cuts", whole.subarray(0, 40), "ERR_NPY_HEADER"],
  ["no dict", npyFile("('<f4', False, (1,))", raw()), "ERR_NPY_HEADER"],
  ["an empty dict", npyFile("{}", raw()), "ERR_NPY_HEADER"],
  [
    "a dict without its end",
    npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)", raw()),
    "ERR_NPY_HEADER",
  ],
  ["a dict with more behind it", npyFile(`${npyDict("<f4", [1])} + {}`, raw("\0\0\0\0")), "ERR_NPY_HEADER"],
  ["a missing key", npyFile("{'descr': '<f4', 'shape': (1,)}", raw("\0\0\0\0")), "ERR_NPY_HEADER"],
  ["a key too many", npyFile("{'descr': '<f4', 'constructor': (1,)}", raw()), "ERR_NPY_HEADER"],
  ["a key given twice", npyFile("{'descr': '<f4', 'descr': '<f8'}", raw()), "ERR_NPY_HEADER"],
  ["a call instead of a value", dict("'<f4'", "False", "tuple([1])"), "ERR_NPY_HEADER"],
  ["a number as order", dict("'<f4'", "0", "(1,)"), "ERR_NPY_HEADER"],
  ["a shape that is no tuple", dict("'<f4'", "False", "(1)"), "ERR_NPY_HEADER"],
  ["a list as shape", dict("'<f4'", "False", "[1]"), "ERR_NPY_HEADER"],
  ["a negative size", dict("'<f4'", "False", "(-1,)"), "ERR_NPY_HEADER"],
  ["a size with a zero before it, which NumPy refuses", dict("'<f4'", "False", "(01,)"), "ERR_NPY_HEADER"],
  ["a size that is left out", dict("'<f4'", "False", "(1,,1)"), "ERR_NPY_HEADER"],
  ["a size beyond counting", dict("'<f4'", "False", "(99999999999999999999,)"), "ERR_NPY_HEADER"],
  ["65 dimensions", dict("'<f4'", "False", `(${"1,".repeat(65)})`), "ERR_NPY_HEADER"],
  ["a shape that claims terabytes", dict("'<f4'", "False", "(1048576, 1048576)"), "ERR_NPY_HEADER"],
  [
    "a shape whose product overflows",
    dict("'<f4'", "False", "(4294967296, 4294967296, 1)"),
    "ERR_NPY_HEADER",
  ],
  ["Python objects", dict("'|O'", "False", "(1,)"), "ERR_NPY_DTYPE"],
  ["records", dict("[('a', '<f4')]", "False", "(1,)"), "ERR_NPY_DTYPE"],
  ["nested records", dict("[('a', [('x', '<f4')])]", "False", "(1,)"), "ERR_NPY_DTYPE"],
  ["texts", dict("'<U1'", "False", "(1,)"), "ERR_NPY_DTYPE"],
  ["complex numbers", dict("'<c8'", "False", "(1,)"), "ERR_NPY_DTYPE"],
  ["floats of 16 bytes", dict("'<f16'", "False", "(1,)"), "ERR_NPY_DTYPE"],
  ["floats of no byte order", dict("'f4'", "False", "(1,)"), "ERR_NPY_DTYPE"],
  ["a matrix of whole numbers", dict("'<i4'", "False", "(1, 1)"), "ERR_ARRAY_DTYPE"],
  ["a matrix of bytes", npyFile(npyDict("|u1", [1, 1]), raw("\0")), "ERR_ARRAY_DTYPE"],
  ["a file one byte short", whole.subarray(0, -1), "ERR_NPY_LENGTH"],
  ["a file one byte long", raw(whole, "\0"), "ERR_NPY_LENGTH"],
];

test("refuses each malformed array with its code, and says that Python objects could run code", async (t) => {
  await inCase(t, "refuses each malformed array with its code", async () => {
    for (const [title, file, code] of MALFORMED) {
      await inCase(t, `refuses ${title}`, () => {
        const { message } = coded(t, () => read(file), code);
        t.true(message.length < 300, message);
      });
    }
  });

  await inCase(t, "names a long double, and a field in UTF-8 of version 3.0", () => {
    t.regex(coded(t, () => read(dict("'<f16'", "False", "(1,)")), "ERR_NPY_DTYPE").message, /: long double;/);
    const text = Buffer.from("{'descr': [('é', '<f4')], 'fortran_order': False, 'shape': (1,), }").toString(
      "latin1",
    );
    const records = npyFile(text, raw("\0\0\0\0"), 3);
    t.regex(coded(t, () => read(records), "ERR_NPY_DTYPE").message, /"\[\('é', '<f4'\)\]": records/);
  });

  await inCase(t, "says that Python objects could run code", () => {
    t.regex(
      coded(t, () => read(dict("'|O'", "False", "(1,)")), "ERR_NPY_DTYPE").message,
      /could run code.*astype/,
    );
  });
});

test("loads a folder of .npy files as a network, and leaves its other files alone", async (t) => {
  const folder = join(await temporaryFolder(t), "weights");
  await mkdir(folder);
  const files = { W1: npyFloats([2, 3], VALUES), b1: npyFloats([3], [1, 2, 3]) };
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, `${name}.npy`), bytes);
  await writeFile(join(folder, "notes.txt"), "trained on a Tuesday");
  const network = await loadDense(`${folder}/`);
  t.is(network.name, "weights");
  const [layer] = atLeast(network.layers, 1);
  t.deepEqual([...layer.weights], VALUES);
  t.deepEqual([...layer.biases], [1, 2, 3]);
  t.regex(network.sha256, /^[0-9a-f]{64}$/);
  const before = network.sha256;
  await writeFile(join(folder, "b1.npy"), npyFloats([3], [1, 2, 4]));
  t.not((await loadNetwork(folder)).sha256, before);
});

test("refuses a folder without .npy files, and one with an array at fault, by its name", async (t) => {
  const folder = await temporaryFolder(t);
  await codedAsync(t, loadNetwork(folder), "ERR_NETWORK_FORMAT");
  await writeFile(join(folder, "W1.npy"), npyFloats([2, 3], VALUES).subarray(0, -1));
  const error = await codedAsync(t, loadNetwork(folder), "ERR_NPY_LENGTH");
  t.regex(error.message, /W1\.npy: expected 152 bytes as its header states, found 151/);
  await writeFile(join(folder, "W1.npy"), npyFloats([2, 3], VALUES));
  await writeFile(join(folder, "W2.npy"), npyFloats([2, 3], VALUES));
  t.like((await codedAsync(t, loadNetwork(folder), "ERR_NETWORK_KEYS")).facts, { found: "no b1, b2" });
  await mkdir(join(folder, "b1.npy"));
  await codedAsync(t, loadNetwork(folder), "ERR_FILE_READ");
});

// .npz files as networks: read from what NumPy's layout allows, refused before they are unpacked where they are none.

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
  const [layer] = atLeast((await loadDense(path)).layers, 1);
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

test("refuses each archive that is no network with its code, and names the array at fault", async (t) => {
  await inCase(t, "refuses each archive that is no network with its code", async () => {
    for (const [title, bytes, code] of REFUSED) {
      await inCase(t, `refuses ${title}`, async () => {
        await codedAsync(t, decodeNpz("n.npz", bytes), code);
      });
    }
  });

  await inCase(t, "names the archive and the array at fault", async () => {
    const bytes = npz({ "W1.npy": W1.subarray(0, -1), "b1.npy": b1 });
    t.regex(
      (await codedAsync(t, decodeNpz("n.npz", bytes), "ERR_NPY_LENGTH")).message,
      /^n\.npz:W1\.npy: expected 152/,
    );
  });
});

test("writes what NumPy writes, the same bytes each time, and no number that float32 cannot hold", async (t) => {
  await inCase(
    t,
    "writes what NumPy writes: version 1.0, aligned to 64 bytes, little-endian, row-major",
    () => {
      const file = encodeNpy("W1", { shape: [2, 1], data: Float64Array.of(1, -2) }, "float32");
      t.deepEqual(Buffer.from(file), npyFloats([2, 1], [1, -2]));
      const vector = encodeNpy("b1", { shape: [1], data: Float64Array.of(Math.PI) }, "float64");
      t.is(vector.length % 64, 8);
      t.deepEqual(read(vector), { shape: [1], data: Float64Array.of(Math.PI) });
    },
  );

  await inCase(t, "refuses to write a number that float32 cannot hold", () => {
    const large = { shape: [1], data: Float64Array.of(1e39) };
    t.like(coded(t, () => encodeNpy("b1", large, "float32"), "ERR_NETWORK_F32").facts, {
      layer: "b1",
      index: 0,
    });
    t.notThrows(() => encodeNpy("b1", large, "float64"));
  });

  await inCase(t, "writes the same bytes for the same network", () => {
    for (const deflated of [false, true]) {
      const bytes = encodeNpz(randomNetwork([3, 2]), "float64", { deflated });
      t.deepEqual(encodeNpz(randomNetwork([3, 2]), "float64", { deflated }), bytes);
    }
  });
});

test("turns Fortran order into row-major order in one, two and three dimensions", (t) => {
  t.deepEqual([...rowMajor(Float64Array.of(1, 2, 3), [3])], [1, 2, 3]);
  t.deepEqual([...rowMajor(Float64Array.of(11, 21, 12, 22, 13, 23), [2, 3])], [11, 12, 13, 21, 22, 23]);
  // np.arange(12).reshape(2, 3, 2).ravel("F")
  const fortran = Float64Array.of(0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11);
  t.deepEqual([...rowMajor(fortran, [2, 3, 2])], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

test("counts the elements of a shape, and refuses to count more than an array may have", (t) => {
  t.is(checkedElements("w", []), 1);
  t.is(checkedElements("w", [784, 50]), 39200);
  t.is(checkedElements("w", [0, 5]), 0);
  t.is(checkedElements("w", [2 ** 28]), 2 ** 28);
  coded(t, () => checkedElements("w", [2 ** 28, 2]), "ERR_WEIGHTS_SIZE");
  coded(t, () => checkedElements("w", [2 ** 53 - 1, 2 ** 53 - 1, 0]), "ERR_WEIGHTS_SIZE");
});
