/** safetensors files, written and read. */
import test from "ava";
import type { Activation, DenseLayer, Network } from "#src/base/contracts/network.js";
import { BatchwiseError } from "#src/base/errors.js";
import { decodeSafetensors } from "#src/networks/safetensors.js";
import { encodeSafetensors } from "#src/networks/write-safetensors.js";
import { inCase } from "../helpers/in-case.js";
import { coded, raw, u64 } from "./coded.js";

function layer(inputs: number, outputs: number, activation: Activation): DenseLayer {
  return {
    kind: "dense",
    inputs,
    outputs,
    weights: Float64Array.from({ length: inputs * outputs }, (_, i) => i / 4 - 1),
    biases: Float64Array.from({ length: outputs }, (_, i) => -i / 8),
    activation,
  };
}

const small: Pick<Network, "layers" | "preprocessing"> = {
  layers: [layer(4, 3, "sigmoid"), layer(3, 2, "identity")],
  preprocessing: { kind: "scale" },
};

test("writes a header of JSON and aligned tensors, the same bytes each time", async (t) => {
  await inCase(
    t,
    "writes a header of JSON, padded to eight bytes with spaces, and contiguous little-endian F32 tensors",
    () => {
      const bytes = encodeSafetensors(small);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const headerBytes = Number(view.getBigUint64(0, true));
      const text = new TextDecoder().decode(bytes.subarray(8, 8 + headerBytes));
      t.is(headerBytes % 8, 0);
      t.regex(text, /^\{.*\} {0,7}$/);
      t.deepEqual(JSON.parse(text), {
        __metadata__: { format: "batchwise", activation: "sigmoid", normalize: "scale" },
        W1: { dtype: "F32", shape: [4, 3], data_offsets: [0, 48] },
        b1: { dtype: "F32", shape: [3], data_offsets: [48, 60] },
        W2: { dtype: "F32", shape: [3, 2], data_offsets: [60, 84] },
        b2: { dtype: "F32", shape: [2], data_offsets: [84, 92] },
      });
      t.is(bytes.length, 8 + headerBytes + 92);
      t.is(view.getFloat32(8 + headerBytes, true), -1);
      t.is(view.getFloat32(8 + headerBytes + 44, true), 11 / 4 - 1);
      t.is(view.getFloat32(8 + headerBytes + 88, true), -1 / 8);
    },
  );

  await inCase(t, "writes the same bytes for the same network", () => {
    t.deepEqual(encodeSafetensors(small), encodeSafetensors(structuredClone(small)));
  });
});

test("refuses to write activations and weights that the format cannot hold", async (t) => {
  await inCase(
    t,
    "refuses to write hidden layers of different activations, and a last layer that has one",
    () => {
      const mixed = [layer(4, 3, "sigmoid"), layer(3, 3, "relu"), layer(3, 2, "identity")];
      for (const layers of [mixed, mixed.slice(0, 2)]) {
        const error = t.throws(() => encodeSafetensors({ layers, preprocessing: { kind: "none" } }), {
          instanceOf: BatchwiseError,
        });
        t.is(error?.code, "ERR_NETWORK_ACTIVATIONS");
      }
    },
  );

  await inCase(t, "refuses to write a weight that float32 cannot hold", () => {
    const large = layer(1, 2, "identity");
    large.weights[1] = 1e39;
    const error = t.throws(() => encodeSafetensors({ layers: [large], preprocessing: { kind: "scale" } }), {
      instanceOf: BatchwiseError,
    });
    t.is(error?.code, "ERR_NETWORK_F32");
    t.like(error?.facts, { layer: "W1", index: 1 });
  });
});

/** A file with this header, as it stands, and so many zero bytes behind it. */
function file(header: string | object, dataBytes = 0): Uint8Array {
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  return raw(u64(text.length), text, new Uint8Array(dataBytes));
}

const tensor = (begin: number, end: number, shape: unknown = [2], dtype: unknown = "F32") => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

test("reads what the writer wrote, every float type, and nothing at all", async (t) => {
  await inCase(t, "reads back what the writer wrote, rounded to float32", () => {
    const layer: DenseLayer = {
      kind: "dense",
      inputs: 2,
      outputs: 3,
      weights: Float64Array.of(0.1, -0.2, 0.3, 1e-40, 5, 6),
      biases: Float64Array.of(1 / 3, 0, -1),
      activation: "identity",
    };
    const { arrays, metadata } = decodeSafetensors(
      "n",
      encodeSafetensors({ layers: [layer], preprocessing: { kind: "none" } }),
    );
    t.deepEqual(arrays.get("W1"), { shape: [2, 3], data: layer.weights.map(Math.fround) });
    t.deepEqual(arrays.get("b1"), { shape: [3], data: layer.biases.map(Math.fround) });
    t.deepEqual(
      metadata,
      new Map([
        ["format", "batchwise"],
        ["activation", "identity"],
        ["normalize", "none"],
      ]),
    );
  });

  await inCase(t, "reads F16, BF16, F32 and F64, in whatever order the header names them", () => {
    const header = JSON.stringify({
      d: tensor(8, 16, [1], "F64"),
      c: tensor(4, 8, [1, 1], "F32"),
      b: tensor(2, 4, [1], "BF16"),
      a: tensor(0, 2, [], "F16"),
    });
    const data = raw("\x00\x3c", "\x80\xbf", "\x00\x00\x00\x40", "\x00\x00\x00\x00\x00\x00\x08\x40");
    const { arrays, metadata } = decodeSafetensors("n", raw(u64(header.length), header, data));
    t.deepEqual(
      [...arrays].map(
        ([
          name,
          {
            shape,
            data: [value],
          },
        ]) => [name, shape, value],
      ),
      [
        ["a", [], 1],
        ["b", [1], -1],
        ["c", [1, 1], 2],
        ["d", [1], 3],
      ],
    );
    t.is(metadata.size, 0);
  });

  await inCase(t, "reads a file of no tensors, and tensors of no elements", () => {
    t.is(decodeSafetensors("n", file("{}")).arrays.size, 0);
    const { arrays } = decodeSafetensors("n", file({ a: tensor(0, 0, [0, 3]), b: tensor(0, 8) }, 8));
    t.deepEqual(arrays.get("a"), { shape: [0, 3], data: new Float64Array(0) });
  });
});

test("keeps a tensor named __proto__ a name, and every prototype as it was", (t) => {
  const { arrays, metadata } = decodeSafetensors(
    "n",
    file(
      '{"__proto__":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"__metadata__":{"__proto__":"x"}}',
      8,
    ),
  );
  t.deepEqual([...arrays.keys()], ["__proto__"]);
  t.deepEqual([...metadata], [["__proto__", "x"]]);
  t.is(Reflect.get({}, "dtype"), undefined);
});

const HEADERS: Readonly<Record<string, Uint8Array>> = {
  "a file too short for a length": raw("\x01\0\0\0"),
  "a header longer than the file": raw(u64(100), "{}"),
  "a header length of 2^64 - 1": raw(u64(2n ** 64n - 1n), "{}"),
  "a header of more than 100 MB": raw(u64(100_000_001), Buffer.alloc(100_000_001, " ")),
  "no header": raw(u64(0)),
  "a header that is no UTF-8": raw(u64(3), '{"\xff'),
  "a header with a byte order mark": raw(u64(5), "\xef\xbb\xbf{}"),
  "a header that begins with a space": file(" {}"),
  "a header that is a list": file("[]"),
  "a header cut short": file('{"a":'),
  "a header with a text that does not end": file('{"a'),
  "a header with something behind it": file("{} {}"),
  "a tensor that is no object": file({ a: 5 }),
  "a tensor that is a list": file({ a: [1] }),
  "a tensor without dtype": file({ a: { shape: [2], data_offsets: [0, 8] } }, 8),
  "a dtype that is a number": file({ a: tensor(0, 8, [2], 4) }, 8),
  "a tensor without shape": file({ a: { dtype: "F32", data_offsets: [0, 8] } }, 8),
  "a shape that is a number": file({ a: tensor(0, 8, 2) }, 8),
  "a shape of texts": file({ a: tensor(0, 8, ["2"]) }, 8),
  "a negative size": file({ a: tensor(0, 8, [-2]) }, 8),
  "a fraction as size": file({ a: tensor(0, 8, [2.5]) }, 8),
  "an exponent as size": file('{"a":{"dtype":"F32","shape":[2e0],"data_offsets":[0,8]}}', 8),
  "a size beyond 2^53": file('{"a":{"dtype":"F32","shape":[9007199254740993],"data_offsets":[0,8]}}', 8),
  "65 dimensions": file({ a: tensor(0, 4, Array(65).fill(1)) }, 4),
  "one data offset": file({ a: { dtype: "F32", shape: [2], data_offsets: [0] } }, 8),
  "three data offsets": file({ a: { dtype: "F32", shape: [2], data_offsets: [0, 8, 8] } }, 8),
  "data offsets that run backwards": file({ a: tensor(8, 0) }, 8),
  "a truth value": file('{"a":true}'),
  "null as metadata": file('{"__metadata__":null}'),
  "a number as metadata": file({ __metadata__: { a: 1 } }),
  "a list as metadata": file({ __metadata__: ["a"] }),
  "a tensor given twice": file(
    '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
    8,
  ),
  "a tensor given twice, once escaped": file(
    '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"\\u0061":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
    8,
  ),
  "a shape given twice": file('{"a":{"dtype":"F32","shape":[1],"shape":[2],"data_offsets":[0,8]}}', 8),
  "metadata given twice": file('{"__metadata__":{"a":"x","a":"y"}}'),
  "bytes behind the last tensor": file({ a: tensor(0, 8) }, 9),
  "a file that ends before its last tensor": file({ a: tensor(0, 8) }, 7),
  "data that no tensor names": file({}, 1),
  "200,000 lists in each other": file(`{"a":${"[".repeat(200_000)}${"]".repeat(200_000)}}`),
  "200,000 objects in each other": file(`${'{"a":'.repeat(200_000)}1${"}".repeat(200_000)}`),
  "a million and more entries": file(`{"a":{"shape":[${"1,".repeat(2 ** 20)}1]}}`),
};

test("refuses each malformed header, in a short message", async (t) => {
  for (const [title, bytes] of Object.entries(HEADERS)) {
    await inCase(t, `refuses ${title}`, () => {
      const error = coded(t, () => decodeSafetensors("n", bytes), "ERR_SAFETENSORS_HEADER");
      t.true(error.message.length < 300, error.message);
    });
  }
});

test("tells keys that only look given twice apart", (t) => {
  const metadata = { a: '"a":"', "a\\": 'x","a":"y', '"': "a" };
  t.deepEqual(
    decodeSafetensors("n", file({ __metadata__: metadata })).metadata,
    new Map(Object.entries(metadata)),
  );
});

test("refuses tensors whose type, shape or place is not what the header says", async (t) => {
  await inCase(t, "refuses a dtype that no weight has", () => {
    const error = coded(
      t,
      () => decodeSafetensors("n", file({ a: tensor(0, 8, [1], "I64") }, 8)),
      "ERR_ARRAY_DTYPE",
    );
    t.like(error.facts, { path: "n", layer: "a", found: "I64" });
  });

  await inCase(t, "refuses a shape that does not fill its range", () => {
    for (const shape of [[3], [1], [], [2, 2], [0]]) {
      coded(t, () => decodeSafetensors("n", file({ a: tensor(0, 8, shape) }, 8)), "ERR_ARRAY_LAYOUT");
    }
  });

  await inCase(t, "refuses a shape that claims terabytes", () => {
    coded(t, () => decodeSafetensors("n", file({ a: tensor(0, 8, [2 ** 40]) }, 8)), "ERR_WEIGHTS_SIZE");
  });

  await inCase(t, "refuses tensors with a hole between them or before them, and tensors that overlap", () => {
    const layouts = [
      { a: tensor(0, 8), b: tensor(9, 17) },
      { a: tensor(1, 9), b: tensor(9, 17) },
      { a: tensor(0, 8), b: tensor(4, 12) },
      { a: tensor(0, 8), b: tensor(0, 8) },
    ];
    for (const header of layouts) {
      const error = coded(t, () => decodeSafetensors("n", file(header, 17)), "ERR_ARRAY_LAYOUT");
      t.regex(error.message, /without holes or overlaps/);
    }
  });
});
