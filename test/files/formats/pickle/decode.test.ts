import { readdirSync, readFileSync } from "node:fs";
import test from "ava";
import { atLeast, type NetworkError } from "#src/base/errors.js";
import { FIXTURES } from "#src/base/package.js";
import { decodePickle } from "#src/files/formats/pickle/decode.js";
import { buildLayers } from "#src/networks/validate.js";
import { inCase } from "../../../helpers/in-case.js";
import { MALFORMED_NETWORKS } from "../../../helpers/malformed.js";
import { coded, raw, u32, u64 } from "../../../networks/coded.js";

const PICKLES = new URL("pickles/", FIXTURES);
const MALFORMED = new URL("malformed/", FIXTURES);

type Expected = Record<string, Record<string, number[]>>;
const expected: Expected = JSON.parse(readFileSync(new URL("expected.json", PICKLES), "utf8"));

const files = readdirSync(PICKLES).filter((name) => name.endsWith(".pkl"));

test("finds pickles of NumPy 1, NumPy 2 and Python 2, of every protocol", (t) => {
  for (const made of ["numpy1", "numpy2"]) {
    for (const protocol of [0, 1, 2, 3, 4, 5]) {
      t.true(files.some((name) => name.startsWith(`${made}-protocol${protocol}-`)));
    }
  }
  t.is(files.filter((name) => name.startsWith("python2-")).length, 5);
});

test("reads every element of every pickle as Python does", async (t) => {
  for (const file of files) {
    await inCase(t, `reads every element of ${file} as Python does`, () => {
      const { arrays } = decodePickle(file, readFileSync(new URL(file, PICKLES)));
      const [, , dtype = ""] = file.replace(".pkl", "").replace("big-", "").split("-");
      t.deepEqual([...arrays.keys()].sort(), ["W1", "W2", "b1", "b2"]);
      t.deepEqual(arrays.get("W1")?.shape, [4, 3]);
      t.deepEqual(arrays.get("b2")?.shape, [2]);
      for (const [name, values] of Object.entries(expected[dtype] ?? {})) {
        t.deepEqual([...(arrays.get(name)?.data ?? [])], values, name);
      }
      t.is(Object.keys(expected[dtype] ?? {}).length, 4);
    });
  }
});

test("reads lists, an OrderedDict, and numbers beside the arrays, as one network", async (t) => {
  const folder = new URL("layouts/", PICKLES);
  for (const file of readdirSync(folder)) {
    await inCase(t, `reads ${file}`, () => {
      const { arrays } = decodePickle(file, readFileSync(new URL(file, folder)));
      const [first, second] = atLeast(buildLayers(file, arrays, "relu"), 2);
      t.deepEqual([...first.weights], expected.f4?.W1);
      t.deepEqual([...first.biases], expected.f4?.b1);
      t.deepEqual([...second.weights], expected.f4?.W2);
      t.deepEqual([...second.biases], expected.f4?.b2);
    });
  }
});

test("names nested arrays, and reads values that refer to each other within a budget", async (t) => {
  await inCase(t, "names the arrays of dicts and lists by their keys, and keeps texts", () => {
    const floats = arrayOf("K\x02\x85", TWO_FLOATS);
    const entries = [
      ["net", raw("(", floats, floats, "t")],
      ["more", raw("}K\x07", floats, "s")],
      ["act", raw("X", u32(4), "relu")],
      ["sizes", raw("(K\x03K\x04l")],
    ] as const;
    const { arrays, texts } = decodePickle("hand", dictOf(...entries));
    t.deepEqual([...arrays.keys()], ["net.0", "net.1", "more.7", "sizes"]);
    t.deepEqual(arrays.get("sizes"), { shape: [2], data: Float64Array.of(3, 4), isWhole: true });
    t.deepEqual([...texts], [["act", "relu"]]);
  });

  await inCase(t, "refuses lists of lists that claim more values than the file has", () => {
    const references = Array.from({ length: 90 }, () => raw("h\0"));
    const list = raw("0(", ...references, "lq\0");
    const bomb = raw("\x80\x04(K\x01lq\0", list, list, list, list, ".");
    coded(t, () => decodePickle("hand", bomb), "ERR_PICKLE_LIMIT");
  });

  await inCase(t, "refuses a list that holds itself", () => {
    coded(t, () => decodePickle("hand", raw("\x80\x04]q\0h\0a.")), "ERR_NETWORK_FORMAT");
  });
});

const refusals: Record<string, readonly [NetworkError["code"], Readonly<Record<string, unknown>>]> = {
  "axes.pkl": ["ERR_ARRAY_LAYOUT", { layer: "W1", found: "order K" }],
  "empty-array-protocol2.pkl": ["ERR_PICKLE_FORBIDDEN", { name: "__builtin__.bytes" }],
  "empty-array.pkl": ["ERR_NETWORK_CHAIN", { layer: "b2", found: [0] }],
  "eval.pkl": ["ERR_PICKLE_FORBIDDEN", { name: "builtins.eval" }],
  "infinite.pkl": ["ERR_NETWORK_NOT_FINITE", { layer: "W2", index: 2, found: "Infinity" }],
  "integers.pkl": ["ERR_ARRAY_DTYPE", { layer: "W1", found: "dtype i8" }],
  "objects.pkl": ["ERR_NETWORK_KEYS", { found: "no W1; unexpected W1.3, W2, b2" }],
  "os-system.pkl": ["ERR_PICKLE_FORBIDDEN", { name: "posix.system" }],
  "out-of-band.pkl": ["ERR_PICKLE_FORBIDDEN", { name: "a buffer outside the file (NEXT_BUFFER)" }],
  "proto-key.pkl": ["ERR_NETWORK_KEYS", { found: "unexpected __proto__" }],
  "records.pkl": ["ERR_ARRAY_DTYPE", { layer: "b1", found: "dtype V12" }],
  "unchained.pkl": ["ERR_NETWORK_CHAIN", { layer: "W2", expected: "(3, outputs)", found: [4, 2] }],
};

test("knows every malformed pickle of NumPy's", (t) => {
  const found = readdirSync(MALFORMED).filter(
    (name) => name.endsWith(".pkl") && !Object.hasOwn(MALFORMED_NETWORKS, name) && !name.endsWith(".set.pkl"),
  );
  t.deepEqual(found.sort(), Object.keys(refusals).sort());
});

test("refuses each malformed pickle of NumPy's with its code and facts", async (t) => {
  for (const [file, [code, facts]] of Object.entries(refusals)) {
    await inCase(t, `refuses ${file} with ${code}`, () => {
      const bytes = readFileSync(new URL(file, MALFORMED));
      const error = coded(t, () => buildLayers(file, decodePickle(file, bytes).arrays, "sigmoid"), code);
      t.like(error.facts, { path: file, ...facts });
    });
  }
});

/** A dtype f4, an array (2,) of it, as protocol 4 writes them without a memo. */
const F4 =
  "cnumpy\ndtype\n\x8c\x02f4\x89\x88\x87R(K\x03\x8c\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb";
const RECONSTRUCT = "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R";

function arrayOf(shape: string, payload: Uint8Array): Uint8Array {
  return raw(RECONSTRUCT, "(K\x01", shape, F4, "\x89", payload, "tb");
}

function dictOf(...entries: readonly (readonly [name: string, value: Uint8Array])[]): Uint8Array {
  const items = entries.map(([name, value]) => raw("X", u32(name.length), name, value));
  return raw("\x80\x04}(", ...items, "u.");
}

const TWO_FLOATS = raw("C\x08", new Uint8Array(Float32Array.of(1, 2).buffer));

test("reads an array built by hand, which the next tests damage", (t) => {
  const { arrays } = decodePickle("hand", dictOf(["W1", arrayOf("K\x02\x85", TWO_FLOATS)]));
  t.deepEqual(arrays.get("W1"), { shape: [2], data: Float64Array.of(1, 2) });
});

test("refuses arrays whose shape or state is not what they claim", async (t) => {
  await inCase(t, "refuses an array whose shape claims more or fewer bytes than it has", () => {
    for (const shape of ["K\x03\x85", "K\x01\x85", "K\x02K\x02\x86", ")"]) {
      const error = coded(
        t,
        () => decodePickle("hand", dictOf(["W1", arrayOf(shape, TWO_FLOATS)])),
        "ERR_ARRAY_LAYOUT",
      );
      t.like(error.facts, { layer: "W1", found: "8" });
    }
  });

  await inCase(t, "refuses an array whose shape claims terabytes", () => {
    const huge = raw("\x8a\x06\0\0\0\0\0\x10"); // LONG1: 2^44
    coded(
      t,
      () =>
        decodePickle(
          "hand",
          dictOf(["W1", raw(arrayOf(`${Buffer.from(huge).toString("latin1")}\x85`, TWO_FLOATS))]),
        ),
      "ERR_WEIGHTS_SIZE",
    );
  });

  await inCase(t, "refuses shapes that are no tuple of whole numbers", () => {
    for (const shape of [
      "K\x02",
      "J\xff\xff\xff\xff\x85",
      "N\x85",
      "G?\xf8\0\0\0\0\0\0\x85",
      `(${"K\x01".repeat(65)}t`,
    ]) {
      coded(
        t,
        () => decodePickle("hand", dictOf(["W1", arrayOf(shape, TWO_FLOATS)])),
        "ERR_PICKLE_MALFORMED",
      );
    }
  });

  await inCase(t, "refuses an array without a state, and one whose data are no bytes", () => {
    coded(t, () => decodePickle("hand", dictOf(["W1", raw(RECONSTRUCT)])), "ERR_ARRAY_LAYOUT");
    coded(t, () => decodePickle("hand", dictOf(["W1", arrayOf("K\x02\x85", raw("]"))])), "ERR_ARRAY_LAYOUT");
    // Four characters, one beyond a byte.
    const text = raw("X", u32(5), "abc\xc4\x80");
    coded(t, () => decodePickle("hand", dictOf(["W1", arrayOf("K\x01\x85", text)])), "ERR_ARRAY_LAYOUT");
  });
});

test("lets two keys share one array, and decodes it once", (t) => {
  const shared = raw(arrayOf("K\x02\x85", TWO_FLOATS), "q\x00");
  const { arrays } = decodePickle("hand", dictOf(["W1", shared], ["W2", raw("h\x00")]));
  t.is(arrays.get("W1"), arrays.get("W2"));
});

test("refuses texts that are shared to claim more than the file holds", async (t) => {
  await inCase(t, "refuses arrays that share one text of bytes to claim more than the file holds", () => {
    const payload = raw("B", u32(4000), new Uint8Array(4000), "q\x00");
    const shape = "M\xe8\x03\x85";
    const entries = Array.from(
      { length: 50 },
      (_, index) => [`W${index}`, arrayOf(shape, index === 0 ? payload : raw("h\x00"))] as const,
    );
    const error = coded(t, () => decodePickle("hand", dictOf(...entries)), "ERR_PICKLE_LIMIT");
    t.like(error.facts, { what: "bytes of elements, as many as the file has" });
  });

  await inCase(t, "refuses encoded texts that are shared to claim more than the file holds", () => {
    const text = raw("c_codecs\nencode\nX", u32(4000), new Uint8Array(4000), "q\x00X", u32(6), "latin1\x86R");
    const again = raw("c_codecs\nencode\nh\x00X", u32(6), "latin1\x86R");
    const entries = Array.from(
      { length: 50 },
      (_, index) => [`W${index}`, arrayOf("M\xe8\x03\x85", index === 0 ? text : again)] as const,
    );
    coded(t, () => decodePickle("hand", dictOf(...entries)), "ERR_PICKLE_LIMIT");
  });
});

test("keeps a key named __proto__ a key, and every prototype as it was", (t) => {
  const { arrays } = decodePickle("hand", dictOf(["__proto__", arrayOf("K\x02\x85", TWO_FLOATS)]));
  t.deepEqual([...arrays.keys()], ["__proto__"]);
  t.is(Object.getPrototypeOf(arrays), Map.prototype);
  t.is(Reflect.get({}, "shape"), undefined);
});

test("refuses a file cut at any byte, whatever wrote it", (t) => {
  for (const file of files) {
    const whole = readFileSync(new URL(file, PICKLES));
    for (let length = 0; length < whole.length; length += 1) {
      const error = t.throws(() => decodePickle(file, whole.subarray(0, length)));
      if (!/^ERR_PICKLE_(TRUNCATED|MALFORMED)$/.test(String(Reflect.get(error, "code")))) {
        t.fail(`${file} cut at ${length}: ${error.message}`);
      }
    }
  }
});

test("refuses bytes behind the end, and lengths that are not there", async (t) => {
  await inCase(t, "refuses bytes behind the end", () => {
    const whole = readFileSync(new URL("numpy2-protocol4-f4-c.pkl", PICKLES));
    const error = coded(t, () => decodePickle("long", raw(whole, "\0")), "ERR_PICKLE_MALFORMED");
    t.like(error.facts, { found: "1 bytes more" });
  });

  await inCase(t, "refuses lengths that are not there without allocating them", () => {
    const lengths = [
      raw("\x8e", u64(2 ** 40)),
      raw("\x96", u64(2 ** 40)),
      raw("\x8d", u64(2n ** 64n - 1n)),
      raw("\x95", u64(2 ** 40)),
      raw("B", u32(2 ** 32 - 1)),
      raw("X", u32(2 ** 32 - 1)),
      raw("T", u32(2 ** 31 - 1)),
      raw("\x8b", u32(4)),
    ];
    for (const bytes of lengths) {
      coded(t, () => decodePickle("short", raw("\x80\x05", bytes, "abc")), "ERR_PICKLE_TRUNCATED");
    }
  });
});
