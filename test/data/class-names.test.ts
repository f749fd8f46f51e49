/** Files of class names. */
import test from "ava";
import { DatasetError, FileError } from "#src/base/errors.js";
import { assertClassCount, readClassNames } from "#src/data/labels.js";
import { inCase } from "../helpers/in-case.js";
import { temporaryFile } from "../helpers/temporary.js";

const read: Record<string, [text: string, names: string[]]> = {
  "one name a line": ["zero\none\n", ["zero", "one"]],
  "a last line without its end": ["zero\none", ["zero", "one"]],
  "blank lines at the end": ["zero\none\n\n  \n\n", ["zero", "one"]],
  "lines that end as on Windows": ["zero\r\none\r\n", ["zero", "one"]],
  "a byte order mark": ["\ufeffzero\none", ["zero", "one"]],
  "names beyond ASCII, with spaces within": ["T-shirt / top\nСапог\n足\n", ["T-shirt / top", "Сапог", "足"]],
  "white space around names": ["  zero \n\tone\t\n", ["zero", "one"]],
};

test("reads names however the lines of the file are written", async (t) => {
  for (const [what, [text, names]] of Object.entries(read)) {
    await inCase(t, `reads ${what}`, async () => {
      t.deepEqual(await readClassNames(await temporaryFile(t, text)), names);
    });
  }
});

const refused: Record<string, [bytes: string | Uint8Array, says: RegExp]> = {
  "a blank line between names": [
    "zero\n\ntwo\n",
    /expected a class name on every line, found none on line 2/,
  ],
  "a blank first line": ["\nzero\n", /found none on line 1/],
  "nothing but blank lines": ["\n \n", /found none on line 1/],
  "a name given twice": ["a\nb\na\n", /expected every name once, found "a" on lines 1 and 3/],
  "names that differ in white space alone": ["a\na \n", /found "a" on lines 1 and 2/],
  "bytes that are not UTF-8": [Buffer.of(0x61, 0x0a, 0xff), /expected class names in UTF-8/],
  "a name that would command a terminal": ["a\n\u001b[2Jb\n", /found a control character on line 2/],
};

test("refuses a file that is no list of different names, and names the line", async (t) => {
  for (const [what, [bytes, says]] of Object.entries(refused)) {
    await inCase(t, `refuses ${what}`, async () => {
      const path = await temporaryFile(t, bytes);
      const error = await t.throwsAsync(readClassNames(path), {
        instanceOf: DatasetError,
        code: "ERR_CLASSES_FILE",
        message: says,
      });
      t.true(error.message.startsWith(`${path}: `));
    });
  }
});

test("refuses an empty file of names", async (t) => {
  await t.throwsAsync(readClassNames(await temporaryFile(t, "")), {
    instanceOf: FileError,
    code: "ERR_FILE_EMPTY",
  });
});

test("refuses a file of names longer than a mebibyte", async (t) => {
  const path = await temporaryFile(t, "x".repeat(2 ** 20 + 1));
  await t.throwsAsync(readClassNames(path), { code: "ERR_FILE_READ", message: /at most 1,048,576 bytes/ });
});

test("takes as many names as the network has outputs, no fewer and no more", (t) => {
  t.notThrows(() => assertClassCount(["a", "b"], 2, "f"));
  for (const names of [["a"], ["a", "b", "c"]]) {
    const error = t.throws(() => assertClassCount(names, 2, "f"), {
      instanceOf: DatasetError,
      code: "ERR_CLASSES_FILE",
    });
    t.is(
      error.message,
      `f: expected 2 class names, one for each output of the network, found ${names.length}`,
    );
  }
});
