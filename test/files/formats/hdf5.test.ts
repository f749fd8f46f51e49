/** HDF5 as h5py writes it, old and new: arrays, texts, chunks; and what is refused by name. */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import type { ErrorCode } from "#src/base/errors.js";
import { FIXTURES } from "#src/base/package.js";
import { type Hdf5Group, openHdf5 } from "#src/files/formats/hdf5/group.js";
import { inCase } from "../../helpers/in-case.js";
import { runPython } from "../../helpers/python.js";
import { h5py, withH5py } from "../../helpers/python-writers.js";
import { temporaryFolder } from "../../helpers/temporary.js";
import { coded } from "../../networks/coded.js";

const fixture = (name: string) => readFileSync(new URL(`keras/${name}`, FIXTURES));
const open = (bytes: Uint8Array) => openHdf5("a.h5", bytes);
const numbers = (root: Hdf5Group, path: string) => {
  const array = root.dataset(path)?.array();
  return array && { shape: array.shape, data: [...array.data] };
};
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

test("reads arrays, groups and texts of old and new files", async (t) => {
  for (const name of ["kinds.hdf5", "kinds-latest.hdf5"]) {
    await inCase(t, name, () => {
      const root = open(fixture(name));
      t.deepEqual(root.texts("long"), ["é".repeat(3000)]);
      t.deepEqual(root.texts("bytes"), ["abc"]);
      t.deepEqual(root.texts("list"), ["x", "yy", ""]);
      t.deepEqual(root.texts("fixed"), ["a", "bbb"]);
      t.deepEqual(root.texts("none"), []);
      t.is(root.texts("another"), undefined);
      t.deepEqual(numbers(root, "little"), { shape: [2, 3], data: upTo(6) });
      t.deepEqual(numbers(root, "big"), { shape: [3, 2], data: upTo(6) });
      t.deepEqual(root.group("integers")?.names().sort(), ["i2", "i8", "u1", "u4"]);
      for (const type of ["i8", "i2", "u1", "u4"]) {
        t.deepEqual(numbers(root, `integers/${type}`), { shape: [3], data: upTo(3) }, type);
      }
      t.deepEqual(numbers(root, "other/half"), { shape: [4], data: upTo(4) });
      t.deepEqual(numbers(root, "/other/one"), { shape: [], data: [7] });
      t.is(root.get("little/deeper"), undefined);
      t.is(root.group("little"), undefined);
      t.is(root.dataset("other"), undefined);
    });
  }
});

test("reads chunks that deflate and shuffle have packed, and those at the border", (t) => {
  const root = open(fixture("kinds.hdf5"));
  t.deepEqual(numbers(root, "packed/matrix"), { shape: [5, 7], data: upTo(35) });
  t.deepEqual(numbers(root, "packed/cube"), { shape: [2, 3, 5], data: upTo(30) });
});

test("refuses a file that is cut anywhere, without another error than its codes", async (t) => {
  const whole = fixture("keras-2.10.h5");
  for (let length = 0; length < whole.length; length += 97) {
    await inCase(t, `${length} bytes`, () =>
      coded(t, () => walk(open(whole.subarray(0, length))), "ERR_HDF5_MALFORMED"),
    );
  }
});

function walk(group: Hdf5Group): void {
  for (const name of group.names()) {
    const member = group.group(name);
    if (member === undefined) group.dataset(name)?.array();
    else walk(member);
  }
}

/** Bytes of a file with others at an offset. */
function changed(name: string, at: number, bytes: readonly number[]): Uint8Array {
  const copy = Uint8Array.from(fixture(name));
  copy.set(bytes, at);
  return copy;
}

test("refuses damage by the byte where it is", async (t) => {
  const name = "keras-2.10.h5";
  const tree = fixture(name).indexOf("TREE");
  const cases: readonly (readonly [string, Uint8Array, ErrorCode, RegExp])[] = [
    ["another signature", changed(name, 1, [0]), "ERR_HDF5_MALFORMED", /byte 0: expected "\x89?.*HDF/],
    ["an unknown superblock", changed(name, 8, [9]), "ERR_HDF5_UNSUPPORTED", /superblock of version 9/],
    ["short addresses", changed(name, 13, [4]), "ERR_HDF5_UNSUPPORTED", /addresses and lengths of 4 and 8/],
    ["a user block", changed(name, 24, [0, 2]), "ERR_HDF5_UNSUPPORTED", /block of other content/],
    [
      "a tree of 255 levels",
      changed(name, tree + 5, [255]),
      "ERR_HDF5_MALFORMED",
      /at most 16 levels, found 255/,
    ],
    ["a tree of chunks", changed(name, tree + 4, [1]), "ERR_HDF5_MALFORMED", /tree of kind 0, found 1/],
    // The root's own tree as its child, a level below: its level is not one less.
    ["a tree within itself", changed(name, tree + 5, [1]), "ERR_HDF5_MALFORMED", /expected/],
  ];
  for (const [title, bytes, code, message] of cases) {
    await inCase(t, title, () => t.regex(coded(t, () => walk(open(bytes)), code).message, message));
  }
});

const REFUSED = `
import h5py, json, sys, numpy as np
folder = sys.argv[1]
def file(name, **more): return h5py.File(f"{folder}/{name}.h5", "w", **more)
with file("soft") as f: f["x"] = h5py.SoftLink("/y")
with file("external") as f: f["x"] = h5py.ExternalLink("other.h5", "/y")
with file("storage") as f: f.create_dataset("x", (4,), "f4", external=[(f"{folder}/raw.bin", 0, 16)])
with file("virtual", libver="latest") as f:
    layout = h5py.VirtualLayout((4,), "f4"); layout[:] = h5py.VirtualSource("other.h5", "y", (4,))
    f.create_virtual_dataset("x", layout)
with file("dense", libver="latest") as f:
    for n in range(20): f[f"x{n}"] = n
with file("attributes", libver="latest") as f:
    for n in range(20): f.attrs[f"x{n}"] = "text"
with file("lzf") as f: f.create_dataset("x", data=np.arange(4.0), chunks=(2,), compression="lzf")
with file("index", libver="latest") as f: f.create_dataset("x", data=np.arange(4.0), chunks=(2,))
with file("compound") as f: f["x"] = np.zeros(2, [("a", "f4"), ("b", "i4")])
with file("unwritten") as f: f.create_dataset("x", (4,), "f4")
with file("holes") as f: f.create_dataset("x", (4,), "f4", chunks=(2,))[0] = 1
print("{}")`;

withH5py("refuses by name what leads out of a file, and what Keras does not write", async (t) => {
  const folder = await temporaryFolder(t);
  runPython(h5py, REFUSED, folder);
  const cases: readonly (readonly [string, ErrorCode, RegExp])[] = [
    ["soft", "ERR_HDF5_UNSUPPORTED", /found "x", a soft link; .*load_model/],
    ["external", "ERR_HDF5_UNSUPPORTED", /found "x", (an|a) external link/],
    ["storage", "ERR_HDF5_UNSUPPORTED", /"x" stored in another file/],
    ["virtual", "ERR_HDF5_UNSUPPORTED", /a virtual data set/],
    ["dense", "ERR_HDF5_UNSUPPORTED", /links in a fractal heap/],
    ["lzf", "ERR_HDF5_UNSUPPORTED", /"x" packed by lzf/],
    ["index", "ERR_HDF5_UNSUPPORTED", /chunks with an index of HDF5 1\.10/],
    ["compound", "ERR_ARRAY_DTYPE", /float64 or integers, found a compound value/],
    ["unwritten", "ERR_HDF5_MALFORMED", /nothing was written/],
    ["holes", "ERR_HDF5_MALFORMED", /expected 2 chunks of "x", found 1 of them/],
  ];
  for (const [name, code, message] of cases) {
    const bytes = await readFile(join(folder, `${name}.h5`));
    await inCase(t, name, () =>
      t.regex(coded(t, () => open(bytes).dataset("x")?.array(), code).message, message),
    );
  }
  const attributes = open(await readFile(join(folder, "attributes.h5")));
  const { message } = coded(t, () => attributes.texts("x"), "ERR_HDF5_UNSUPPORTED");
  t.regex(message, /attributes in a fractal heap/);
});

test("stops at a limit of work when references repeat one text", (t) => {
  const root = open(fixture("kinds.hdf5"));
  const readAgain = () => {
    for (let times = 0; times < 20_000; times += 1) root.texts("long");
  };
  t.regex(coded(t, readAgain, "ERR_HDF5_LIMIT").message, /at most 67,108,864 bytes of text/);
});
