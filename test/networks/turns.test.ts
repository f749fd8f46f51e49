/** Long reading gives signals a turn: readers work in short steps, and a process that a signal ends reads no more. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { endLoading, inTurns, interruption, type Steps } from "#src/base/abort.js";
import { hashOfFiles } from "#src/data/stream/file-hash.js";
import { decodeElements, rowMajor, storedArray } from "#src/files/formats/arrays.js";
import { csvInSteps } from "#src/files/formats/csv-arrays.js";
import { jsonInSteps } from "#src/files/formats/json-arrays.js";
import { pickleInSteps } from "#src/files/formats/pickle/decode.js";
import { runPickleInSteps } from "#src/files/formats/pickle/machine.js";
import { ByteReader } from "#src/files/formats/pickle/reader.js";
import { sha256Of } from "#src/files/hash.js";
import { readJson } from "#src/files/read-document.js";
import { openRegularFile, readWholeFile } from "#src/files/read-file.js";
import { onnxInSteps } from "#src/networks/onnx/decode.js";
import { model } from "../helpers/onnx.js";
import { temporaryFolder } from "../helpers/temporary.js";
import { raw } from "./coded.js";
import { layer } from "./onnx/one-layer.js";

/** Number of steps before the last. */
function countSteps(steps: Steps<unknown>): number {
  let count = 0;
  while (steps.next().done !== true) count += 1;
  return count;
}

const MIB = 2 ** 20;
const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

test.serial("decodes long texts, lists and models in steps", (t) => {
  const pickle = (...parts: readonly (string | Buffer)[]) =>
    runPickleInSteps(new ByteReader("p", raw(...parts)));
  const accents = Buffer.from("é".repeat(2 * MIB));
  const numbers = `[${"0.5,".repeat(50_000)}0.5]`;
  const cases: readonly (readonly [name: string, steps: Steps<unknown>, least: number])[] = [
    ["UNICODE", pickle("V", "\\u0041".repeat(MIB / 2), "\n."), 3],
    ["STRING", pickle("S'", "\\x00".repeat(MIB), "'\n."), 4],
    ["BINUNICODE", pickle("\x80\x02X", u32(accents.length), accents, "."), 4],
    ["JSON", jsonInSteps("n", Buffer.from(`{"W1":[${numbers},${numbers}]}`)), 6],
    ["CSV", csvInSteps("W1.csv", Buffer.from("1,2\n".repeat(100))), 100],
    ["ONNX", onnxInSteps("m.onnx", model(layer)), 2],
  ];
  for (const [name, steps, least] of cases) {
    const found = countSteps(steps);
    t.true(found >= least, `${name}: ${found} steps`);
  }
});

test.serial("texts that are decoded in steps are those of one step", (t) => {
  // Characters of two, three and four bytes lie across the ends of steps.
  for (const shift of ["", "a", "aa", "aaa"]) {
    const text = `${shift}${"é漢😀".repeat(250_000)}`;
    const bytes = Buffer.from(text);
    const steps = runPickleInSteps(new ByteReader("p", raw("\x80\x02X", u32(bytes.length), bytes, ".")));
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done !== true) continue;
      t.true(step.value === text);
      break;
    }
  }
  t.throws(() => countSteps(pickleInSteps("p", raw("V", "\\uzzzz".repeat(MIB), "\n."))), {
    code: "ERR_PICKLE_MALFORMED",
  });
});

test.serial("parts of arrays in Fortran order are those of the whole", (t) => {
  const shapes = [[3, 5], [5, 3], [1, 4, 1, 6], [7, 1], [1, 7], [6]];
  for (const type of ["float16", "bfloat16", "float32", "float64"] as const) {
    for (const littleEndian of [true, false]) {
      for (const shape of shapes) {
        const count = shape.reduce((product, size) => product * size, 1);
        const bytes = { float16: 2, bfloat16: 2, float32: 4, float64: 8 }[type];
        const stored = Uint8Array.from({ length: count * bytes }, (_, n) => (n * 37) % 61);
        const array = storedArray(shape, stored, { type, littleEndian, fortranOrder: true });
        const expected = rowMajor(decodeElements(stored, type, littleEndian), shape);
        t.deepEqual(array.data, expected);
        for (let begin = 0; begin < count; begin++) {
          for (let end = begin + 1; end <= count; end++) {
            t.true(
              Buffer.from(array.slice!(begin, end).slice().buffer).equals(
                Buffer.from(expected.slice(begin, end).buffer),
              ),
            );
          }
        }
      }
    }
  }
  t.is(storedArray([2, 2, 2], new Uint8Array(32), { type: "float32", fortranOrder: true }).slice, undefined);
});

// The last test of this process: nothing is loaded after it.
test.serial("a process that a signal ends reads, hashes and decodes no more", async (t) => {
  const path = join(await temporaryFolder(t), "a.json");
  await writeFile(path, "[1]");
  const { stamp, close } = await openRegularFile(path);
  await close();
  const loading: readonly (readonly [name: string, load: () => Promise<unknown>])[] = [
    ["a file", () => readWholeFile(path, MIB)],
    ["a document", () => readJson(path)],
    ["the hash of bytes", () => sha256Of([new Uint8Array(5 * MIB)])],
    ["the hash of a file", () => hashOfFiles([{ path, bytes: undefined, stamp }], false)],
    ["steps", () => inTurns(endless())],
  ];
  function* endless(): Steps<void> {
    for (;;) yield;
  }
  for (const [name, load] of loading.slice(0, -1)) await t.notThrowsAsync(load(), name);
  endLoading(interruption(AbortSignal.abort("SIGTERM"), 0, 0));
  for (const [name, load] of loading) await t.throwsAsync(load(), { code: "ERR_TERMINATED" }, name);
});
