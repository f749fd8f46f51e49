import test from "ava";
import { runPickle } from "#src/files/formats/pickle/machine.js";
import { ByteReader, PICKLE_LIMITS } from "#src/files/formats/pickle/reader.js";
import {
  EncodedText,
  PickledList,
  PickledTuple,
  type PickledValue,
} from "#src/files/formats/pickle/values.js";
import { inCase } from "../../../helpers/in-case.js";
import { coded, raw, u32, u64 } from "../../../networks/coded.js";

function run(...parts: readonly (string | Uint8Array)[]): PickledValue {
  return runPickle(new ByteReader("p", raw(...parts)));
}

/** Each is a pickle but for the STOP, and the value that Python's pickle.loads gives for it. */
const VALUES: readonly (readonly [pickle: string, value: PickledValue])[] = [
  ["N", null],
  ["\x88", true],
  ["\x89", false],
  ["I01\n", true],
  ["I00\n", false],
  ["I-7\n", -7],
  ["L12L\n", 12],
  ["L12\n", 12],
  ["J\xfe\xff\xff\xff", -2],
  ["K\xff", 255],
  ["M\x01\x02", 513],
  ["\x8a\x00", 0],
  ["\x8a\x02\x00\xff", -256],
  ["\x8a\x01\x80", -128],
  ["\x8b\x02\x00\x00\x00\xff\x00", 255],
  ["G?\xf8\0\0\0\0\0\0", 1.5],
  ["F-2.5e3\n", -2500],
  ["Finf\n", Number.POSITIVE_INFINITY],
  ["Fnan\n", Number.NaN],
  ["S'a\\x00\\\\\\'\"\\n\\t'\n", "a\0\\'\"\n\t"],
  ['S"it\'s"\n', "it's"],
  ["U\x02\xe9z", "éz"],
  ["T\x01\0\0\0\xff", "ÿ"],
  ["Va\\u0041\\U0001f600\\x\\\\u0041\xe9\n", "aA😀\\x\\\\u0041é"],
  ["X\x02\0\0\0\xc3\xa9", "é"],
  ["\x8c\x03\xef\xbb\xbf", "\ufeff"],
  ["\x8d\x01\0\0\0\0\0\0\0a", "a"],
  ["N0K\x01", 1],
  ["K\x01(NN1", 1],
  ["K\x01(0", 1],
];

test("reads each value as Python's pickle.loads does", async (t) => {
  for (const [pickle, value] of VALUES) {
    await inCase(t, `reads ${JSON.stringify(pickle)}`, () => {
      t.is(run(pickle, "."), value);
    });
  }
});

test("reads bytes in every form, without copying them", (t) => {
  const forms = ["C\x03abc", "B\x03\0\0\0abc", "\x8e\x03\0\0\0\0\0\0\0abc", "\x96\x03\0\0\0\0\0\0\0abc"];
  for (const form of forms) {
    const bytes = raw(form, ".");
    const value = runPickle(new ByteReader("p", bytes));
    t.true(value instanceof Uint8Array && Buffer.from(value).toString() === "abc");
    t.true(value instanceof Uint8Array && value.buffer === bytes.buffer);
  }
});

test("reads containers in every form", (t) => {
  const isList = (value: PickledValue) => value instanceof PickledList && value.items.join() === "1,2";
  t.true(isList(run("]K\x01aK\x02a.")));
  t.true(isList(run("](K\x01K\x02e.")));
  t.true(isList(run("(K\x01K\x02l.")));
  const isTuple = (value: PickledValue) => value instanceof PickledTuple && value.items.join() === "1,2";
  t.true(isTuple(run("(K\x01K\x02t.")));
  t.true(isTuple(run("K\x01K\x02\x86.")));
  for (const dict of ["}X\x01\0\0\0aK\x01s.", "}(X\x01\0\0\0aK\x01u.", "(X\x01\0\0\0aK\x01d."]) {
    t.deepEqual(run(dict), new Map([["a", 1]]));
  }
});

test("remembers and recalls values in every form", (t) => {
  for (const memo of ["p0\n0g0\n", "q\x000h\x00", "r\0\0\0\x000j\0\0\0\0", "\x940h\x00"]) {
    t.is(run("K\x07", memo, "."), 7);
  }
  t.true(run("K\x012\x86.") instanceof PickledTuple);
});

test("keeps an encoded text as the text that it is", (t) => {
  const value = run("c_codecs\nencode\n(X\x02\0\0\0\xc3\xbfX\x06\0\0\0latin1tR.");
  t.deepEqual(value, new EncodedText("ÿ"));
});

const FORBIDDEN: readonly (readonly [title: string, pickle: string, name: string])[] = [
  ["os.system in protocol 0", "cos\nsystem\n(S'echo harmed'\ntR.", "os.system"],
  ["os.system in protocol 4", "\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x01x\x85R.", "os.system"],
  ["an instance by INST", "(S'x'\nios\nsystem\n.", "os.system"],
  ["an instance of an allowed class", "(inumpy\nndarray\n.", "numpy.ndarray"],
  ["an instance by OBJ", "(cnumpy\ndtype\no.", "an object of a class (OBJ)"],
  ["an instance by NEWOBJ", "cnumpy\ndtype\n)\x81.", "an object of a class (NEWOBJ)"],
  ["an instance by NEWOBJ_EX", "cnumpy\ndtype\n)}\x92.", "an object of a class (NEWOBJ_EX)"],
  ["a persistent object", "Pname\n.", "a persistent object (PERSID)"],
  ["a persistent object by value", "NQ.", "a persistent object (BINPERSID)"],
  ["an extension", "\x82\x01.", "an extension (EXT1)"],
  ["a set", "\x8f.", "a set (EMPTY_SET)"],
  ["a frozen set", "(\x91.", "a set (FROZENSET)"],
  ["a buffer outside", "\x97.", "a buffer outside the file (NEXT_BUFFER)"],
  ["a name that begins like an allowed one", "cnumpy\nload\n.", "numpy.load"],
  [
    "an allowed name of another module",
    "cnumpy.core\nmultiarray._reconstruct\n.",
    "numpy.core.multiarray._reconstruct",
  ],
  ["a name of Object.prototype", "c__proto__\nconstructor\n.", "__proto__.constructor"],
];

test("refuses each name and object that could run code", async (t) => {
  for (const [title, pickle, name] of FORBIDDEN) {
    await inCase(t, `refuses ${title}`, () => {
      t.like(coded(t, () => run(pickle), "ERR_PICKLE_FORBIDDEN").facts, { path: "p", name });
    });
  }
});

test("spells out control characters in a forbidden name", (t) => {
  const error = coded(t, () => run("cos\x1b[2J\nsystem\r\n."), "ERR_PICKLE_FORBIDDEN");
  t.regex(error.message, /os\\u\{1b\}\[2J\.system\\u\{d\}/);
});

const MALFORMED: Readonly<Record<string, string>> = {
  "an unknown opcode": "\xff.",
  "a protocol that does not exist": "\x80\x06N.",
  "an empty stack": ".",
  "a value below a mark": "N(.",
  "two values at the end": "NN.",
  "an open mark at the end": "(N.",
  "a tuple of more than there is": "N\x86.",
  "a mark that is not there": "Nt.",
  "appending to a tuple": ")Na.",
  "setting an item of a list": "]NNs.",
  "a key that is no text": "}NNs.",
  "a key without a value": "}(X\x01\0\0\0au.",
  "a key twice": "}(X\x01\0\0\0aNX\x01\0\0\0aNu.",
  "a memo entry that is not there": "h\x05.",
  "a memo index that is no number": "g-1\n.",
  "an integer that is none": "I1x\n.",
  "a long that is none": "LL\n.",
  "a float that is none": "F1..2\n.",
  "an empty float": "F\n.",
  "a negative length": "T\xff\xff\xff\xff.",
  "a negative length of an integer": "\x8b\xff\xff\xff\xff.",
  "a text without quotes": "Sabc\n.",
  "a text with one quote": "S'\n.",
  "an unknown escape": "S'\\q'\n.",
  "an escape without digits": "S'\\x4'\n.",
  "an escape that ends the text": "S'\\'\n.",
  "a Unicode escape without digits": "Va\\u12\n.",
  "a Unicode escape beyond Unicode": "V\\U00110000\n.",
  "a text that is no UTF-8": "\x8c\x01\xff.",
  "a name that is no text": "NN\x93.",
  "a call of a number": "K\x01)R.",
  "a call without a tuple": "cnumpy\ndtype\n]R.",
  "a call of numpy.ndarray": "cnumpy\nndarray\n)R.",
  "a dtype without a name": "cnumpy\ndtype\n)R.",
  "a dtype that is aligned": "cnumpy\ndtype\nX\x02\0\0\0f4\x88\x88\x87R.",
  "an array of another class": "cnumpy.core.multiarray\n_reconstruct\ncnumpy\ndtype\nK\x00\x85C\x01b\x87R.",
  "an array that does not begin empty":
    "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x01\x85C\x01b\x87R.",
  "an array of another letter":
    "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01d\x87R.",
  "an encoding to UTF-8": "c_codecs\nencode\nX\x01\0\0\0aX\x05\0\0\0utf-8\x86R.",
  "a buffer of nothing": "cnumpy.core.numeric\n_frombuffer\n)R.",
  "a state for a list": "])b.",
  "a state of no array": "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R)b.",
  "a state of no dtype": "cnumpy\ndtype\nX\x02\0\0\0f4\x89\x88\x87R(K\x03Ntb.",
  "a float with fields":
    "cnumpy\ndtype\nX\x02\0\0\0f4\x89\x88\x87R(K\x03X\x01\0\0\0<NN}J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb.",
  "a float with half a state": "cnumpy\ndtype\nX\x02\0\0\0f4\x89\x88\x87R(K\x03X\x01\0\0\0<NNNtb.",
  "a dtype with two states":
    "cnumpy\ndtype\nX\x02\0\0\0i4\x89\x88\x87R(K\x03X\x01\0\0\0<tb(K\x03X\x01\0\0\0>tb.",
};

test("refuses each malformed opcode", async (t) => {
  for (const [title, pickle] of Object.entries(MALFORMED)) {
    await inCase(t, `refuses ${title}`, () => {
      coded(t, () => run(pickle), "ERR_PICKLE_MALFORMED");
    });
  }
});

test("names the byte of the opcode at fault", (t) => {
  t.like(coded(t, () => run("\x80\x04N0\xff."), "ERR_PICKLE_MALFORMED").facts, { offset: 4, found: "0xff" });
});

test("holds opcodes to their frames", (t) => {
  t.is(run("\x80\x04\x95", u64(3), "K\x05."), 5);
  t.is(run("\x80\x04\x95", u64(2), "K\x05", "\x95", u64(1), "."), 5);
  // A frame within a frame; opcodes across the end of one; a frame longer than the file.
  coded(t, () => run("\x80\x04\x95", u64(20), "\x95", u64(1), "NNNNNNNNNNNNNN."), "ERR_PICKLE_MALFORMED");
  coded(t, () => run("\x80\x04\x95", u64(1), "K\x05."), "ERR_PICKLE_MALFORMED");
  coded(t, () => run("\x80\x04\x95", u64(2), "M\x05\x00."), "ERR_PICKLE_MALFORMED");
  coded(t, () => run("\x80\x04\x95", u64(4), "K\x05."), "ERR_PICKLE_TRUNCATED");
});

test("refuses integers beyond what a float64 holds exactly", (t) => {
  t.is(run("\x8a\x07\xff\xff\xff\xff\xff\xff\x1f."), Number.MAX_SAFE_INTEGER);
  for (const pickle of ["\x8a\x07\0\0\0\0\0\0\x20.", "L9007199254740992L\n.", `I${"9".repeat(500)}\n.`]) {
    coded(t, () => run(pickle), "ERR_PICKLE_LIMIT");
  }
  coded(t, () => run("\x8a\xff", new Uint8Array(255), "."), "ERR_PICKLE_LIMIT");
  coded(t, () => run("\x8b", u32(100_000), new Uint8Array(100_000), "."), "ERR_PICKLE_LIMIT");
});

/** Each costs little to write, and would cost much to read without limits. */
const HOSTILE: readonly (readonly [title: string, pickle: () => Uint8Array, what: string])[] = [
  ["200,000 marks", () => raw("(".repeat(200_000), "."), "values on the stack"],
  ["200,000 lists", () => raw("]".repeat(200_000), "a".repeat(199_999), "."), "values on the stack"],
  [
    "200,000 dicts",
    () => raw("}X\x01\0\0\0a".repeat(200_000), "s".repeat(199_999), "."),
    "values on the stack",
  ],
  ["endless work", () => raw("N0".repeat(PICKLE_LIMITS.opcodes / 2), "N."), "opcodes"],
  ["a memo without end", () => raw("N", "\x94".repeat(PICKLE_LIMITS.memoEntries + 1), "."), "memo entries"],
  ["a line without end", () => raw("I", "1".repeat(1001), "\n."), "bytes in a line"],
  [
    "a text of 256 MiB and a byte",
    () => raw("B\0\0\0\x000X", u32(2 ** 28 + 1), Buffer.alloc(2 ** 28 + 1)),
    "bytes in a text",
  ],
];

test("refuses each pickle that costs little to write and much to read", async (t) => {
  for (const [title, pickle, what] of HOSTILE) {
    await inCase(t, `refuses ${title}`, () => {
      const bytes = pickle();
      const error = coded(t, () => runPickle(new ByteReader("p", bytes)), "ERR_PICKLE_LIMIT");
      t.like(error.facts, { what });
    });
  }
});

test("makes 100,000 nested tuples without recursing", (t) => {
  t.true(run("N", "\x85".repeat(100_000), ".") instanceof PickledTuple);
});

test("lets a dict hold itself", (t) => {
  const value = run("}q\x00X\x01\0\0\0ah\x00s.");
  t.true(value instanceof Map && value.get("a") === value);
});
