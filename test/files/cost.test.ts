/** Readers whose work and memory stay in proportion to the file, whatever it claims. */
import { createWriteStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import test from "ava";
import { suggest } from "#src/base/text.js";
import { readPng } from "#src/data/pictures/read-png.js";
import { toDigit } from "#src/data/pictures/to-digit.js";
import { readResult } from "#src/evaluate/read-result.js";
import { rowMajor } from "#src/files/formats/arrays.js";
import { JsonStream, JsonTexts } from "#src/files/json-stream.js";
import { readJson } from "#src/files/read-document.js";
import { scanJson } from "#src/files/scan-json.js";
import { BatchwiseError, evaluate, loadNetwork, openDataset } from "#src/index.js";
import { peakBytes, resetPeak } from "../fuzz/peak-memory.js";
import { idxBytes } from "../helpers/idx.js";
import { inCase } from "../helpers/in-case.js";
import { npyDict, npyFile } from "../helpers/npy.js";
import { FLOAT16, fields, value } from "../helpers/onnx.js";
import { pngFile } from "../helpers/png.js";
import { temporaryFile, temporaryFolder } from "../helpers/temporary.js";
import { zipFile } from "../helpers/zip.js";
import { raw, u64 } from "../networks/coded.js";

test("a text before a colon is looked at once: texts with more colons than keys are refused", (t) => {
  for (const text of [
    `{}"${"a".repeat(100)}"${":".repeat(100)}`,
    `{"a"::1}`,
    `{:1}`,
    `["a":[1:2]]`,
    `{"a":1,"b":{"c":2:3}}`,
  ]) {
    t.deepEqual(scanJson(text, { depth: 9, strict: true })?.expected, "a key before each colon", text);
  }
  t.is(scanJson(`{"a":{"a":1},"b":[{"a":2}]}`, { depth: 9, strict: true }), undefined);
});

test("dimensions of size 1 do not change the order of elements, however many there are", (t) => {
  const values = Float64Array.of(1, 2, 3, 4, 5, 6);
  const ones = (count: number) => Array.from({ length: count }, () => 1);
  for (const shape of [[...ones(63), 6], [6, ...ones(63)], [1], ones(64)]) {
    t.is(rowMajor(values, shape), values);
  }
  for (const shape of [
    [2, 3],
    [...ones(20), 2, ...ones(20), 3],
    [2, 1, 3, 1],
  ]) {
    t.deepEqual([...rowMajor(values, shape)], [1, 3, 5, 2, 4, 6], `${shape}`);
  }
});

test("a document is looked over in pieces, and a list of whole numbers left out", async (t) => {
  const limits = { depth: 4, entries: 5, others: 8, keys: 3, keptBytes: 60, without: "long" };
  for (const [text, expected] of [
    ['{"long": [1, 22 ,333],"a":"[,]\\",,,,,,,"}', '{"long": [],"a":"[,]\\",,,,,,,"}'],
    ['{"a":{"long":[1,2]},"long":[]}', '{"a":{"long":[1,2]},"long":[]}'],
    ['{"long":"[1]", "long" : [ ]}', '{"long":"[1]", "long" : []}'],
    [`{"long":[${"0,".repeat(1000)}0]}`, '{"long":[]}'],
    ['["long", [1, 2]]', '["long", [1, 2]]'],
    ['{"long":[1,,2]}', "a list of whole numbers"],
    ['{"long":[1 2]}', "a list of whole numbers"],
    ['{"long":[1,[2]]}', "a list of whole numbers"],
    ['{"long":[1,]}', "a list of whole numbers"],
    ["[1,2,3,4,5,6,7]", "at most 5 entries"],
    [
      '{"a":[{"b":1},{"b":1},{"a":1},{"b":1}],"c":"d:e:f"}',
      '{"a":[{"b":1},{"b":1},{"a":1},{"b":1}],"c":"d:e:f"}',
    ],
    ['{"a":{"b":{"c":1}},"d":1}', "at most 3 different keys"],
    ["[[[[[", "nesting at most 4 deep"],
    [`["${"é".repeat(60)}"]`, "at most 60 bytes"],
    ['{"a":[1,"b",true]}', '{"a":[1,"b",true]}'],
    ['{"a":[1.5,"b",null,true]}', "at most 8 texts, fractions and words"],
  ] as const) {
    for (const size of [1, 2, 7, 10_000]) {
      await inCase(t, `${text.slice(0, 40)} in pieces of ${size}`, () => {
        const bytes = Buffer.from(text);
        const stream = new JsonStream(limits);
        let found: string | undefined;
        for (let at = 0; at < bytes.length && found === undefined; at += size) {
          found = stream.add(bytes.subarray(at, at + size))?.expected;
        }
        t.is(found ?? stream.text(), expected);
      });
    }
  }
  const path = await temporaryFile(t, `{"long":[${"0,".repeat(2 ** 21)}0],"other":[1]}`);
  t.deepEqual(await readJson(path, { without: "long" }), { long: [], other: [1] });
  const many = await temporaryFile(t, `{"other":[${"0,".repeat(2 ** 23)}0]}`);
  await t.throwsAsync(readJson(many, { without: "long" }), {
    code: "ERR_JSON_SHAPE",
    message: /at most 2228224 entries/,
  });
  const fractions = await temporaryFile(t, `{"other":[${"0.5,".repeat(300_000)}0.5]}`);
  await t.throwsAsync(readJson(fractions, { without: "long" }), {
    code: "ERR_JSON_SHAPE",
    message: /at most 262144 texts, fractions and words/,
  });
});

test("texts of a document are found in pieces, with those beyond a limit left out", async (t) => {
  const limits = { longest: 7, texts: 3, bytes: 100 };
  for (const [json, expected] of [
    ['{"a":[1,2,"b\\"c"],"":"é"}', ["a", 'b"c', ""]],
    ['["too long","a\\u0062"]', ["ab"]],
    ['["\\x","a"]', ["a"]],
    ['["a","a","b","c","d"]', ["a", "b", "c"]],
    ['["open', []],
  ] as const) {
    for (const size of [1, 2, 1_000]) {
      const found = new JsonTexts(limits);
      const bytes = Buffer.from(json);
      for (let at = 0; at < bytes.length; at += size) found.add(bytes.subarray(at, at + size));
      t.deepEqual([...found.texts], [...expected], `${json} in pieces of ${size}`);
    }
  }
  const found = new JsonTexts({ ...limits, texts: 100, bytes: 4 });
  found.add(Buffer.from('["aaa","bbb","ccc"]'));
  t.deepEqual([...found.texts], ["aaa", "bbb"]);
});

test.serial("a refused JSON file takes memory in proportion to its bytes", async (t) => {
  const keys = Array.from({ length: 400_000 }, (_, n) => `"k${n}":1`).join();
  for (const [name, text] of [
    ["brackets", "[".repeat(5_000_000)],
    ["keys", `{${keys}}`],
    ["objects with keys", `[${keys.replaceAll(",", "},{").replace(/^/, "{")}}]`],
    ["empty objects", `[${"{},".repeat(2_000_000)}{}]`],
    ["a list of numbers", `{"predictions":[${"0,".repeat(8_000_000)}0]}`],
    ["numbers", `[${"0,".repeat(3_000_000)}0]`],
    ["texts", `[${'"",'.repeat(2_000_000)}""]`],
    ["fractions", `[${"0.5,".repeat(2_000_000)}0.5]`],
  ] as const) {
    const path = await temporaryFile(t, text, "hostile.json");
    for (const read of [
      () => openDataset({ dataset: path, split: "test" }),
      () => loadNetwork(path),
      () => readResult(path),
    ]) {
      const before = resetPeak();
      await t.throwsAsync(read(), { instanceOf: BatchwiseError }, name);
      const used = peakBytes() - before;
      t.true(used <= 60e6 + Math.min(3 * text.length, 256e6), `${name}: ${Math.round(used / 1e6)} MB`);
    }
  }
});

test.serial("an image that no network fits is refused before its pixels are unpacked", async (t) => {
  const folder = await temporaryFolder(t);
  const refuse = async (options: { readonly dataset: string; readonly labels?: string }) => {
    const before = resetPeak();
    await t.throwsAsync(evaluate(options), { code: "ERR_NETWORK_INPUTS" });
    const used = peakBytes() - before;
    t.true(used <= 64e6, `${options.dataset}: ${Math.round(used / 1e6)} MB`);
  };
  const [dataset, labels] = [join(folder, "images.gz"), join(folder, "labels")];
  const side = 2 ** 14;
  const zeros = Buffer.alloc(2 ** 20);
  const pieces = [
    idxBytes("u8", [1, side, side], Uint8Array.of()),
    ...Array(side ** 2 / zeros.length).fill(zeros),
  ];
  await pipeline(Readable.from(pieces), createGzip({ level: 1 }), createWriteStream(dataset));
  await writeFile(labels, idxBytes("u8", [1], Uint8Array.of(0)));
  await refuse({ dataset, labels });

  const images = npyFile(npyDict("|u1", [1, side, side]), Buffer.alloc(side ** 2));
  const archive = join(folder, "set.npz");
  await writeFile(
    archive,
    zipFile([
      { name: "x_test.npy", content: images, deflated: true },
      { name: "y_test.npy", content: npyFile(npyDict("|u1", [1]), Buffer.of(0)) },
    ]),
  );
  await refuse({ dataset: archive });
});

test.serial("a picture takes a byte a pixel, however many bits its samples have", async (t) => {
  const side = 2 ** 12;
  for (const [colourType, depth, channels] of [
    [6, 16, 4],
    [2, 8, 3],
    [0, 1, 1],
  ] as const) {
    const header = { width: side, height: side, colourType, depth };
    const path = await temporaryFile(
      t,
      pngFile(header, Buffer.alloc(side * (1 + (side * channels * depth) / 8))),
    );
    const before = resetPeak();
    const error = await t.throwsAsync(readPng(path).then((picture) => toDigit(picture, path)));
    t.is((error as { code?: string }).code, "ERR_PICTURE_BLANK");
    const used = peakBytes() - before;
    t.true(used <= 64e6, `${depth} bits, ${channels} channels: ${Math.round(used / 1e6)} MB`);
  }
});

test.serial(
  "float16 weights take eight bytes each beside their file, and varints of a refused model none",
  async (t) => {
    const weights = 2 ** 23;
    const columns = 10_000;
    const shapes = { W1: [Math.floor(weights / columns), columns], b1: [columns] } as const;
    const count = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);
    const middle = count(shapes.W1) * 2;
    const end = middle + count(shapes.b1) * 2;
    const header = Buffer.from(
      JSON.stringify({
        W1: { dtype: "F16", shape: shapes.W1, data_offsets: [0, middle] },
        b1: { dtype: "F16", shape: shapes.b1, data_offsets: [middle, end] },
      }),
    );
    const path = await temporaryFile(
      t,
      raw(u64(header.length), header, new Uint8Array(end)),
      "f16.safetensors",
    );
    let before = resetPeak();
    await loadNetwork(path);
    const used = peakBytes() - before;
    t.true(used <= 60e6 + end + 8 * weights, `safetensors: ${Math.round(used / 1e6)} MB`);

    const many = 2 ** 24;
    const elements = fields([1, 1], [1, many], [2, FLOAT16], [5, Buffer.alloc(many)], [8, "w"]);
    const multiply = fields([1, "x"], [1, "w"], [2, "y"], [4, "MatMul"]);
    const graph = fields(
      [1, multiply],
      [5, elements],
      [11, value("x", ["N", 1])],
      [12, value("y", ["N", many])],
    );
    const model = await temporaryFile(t, fields([1, 8], [8, fields([2, 13])], [7, graph]), "f16.onnx");
    before = resetPeak();
    await t.throwsAsync(loadNetwork(model), { code: "ERR_NETWORK_OUTPUTS" });
    const refused = peakBytes() - before;
    t.true(refused <= 60e6 + 3 * many, `ONNX: ${Math.round(refused / 1e6)} MB`);
  },
);

test("a pair that a manifest lists many times is read and hashed as one", async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "images"), idxBytes("u8", [2, 1, 1], Uint8Array.of(7, 8)));
  await writeFile(join(folder, "labels"), idxBytes("u8", [2], Uint8Array.of(0, 1)));
  const manifest = join(folder, "set.json");
  const pair = { images: "images", labels: "labels" };
  await writeFile(manifest, JSON.stringify(Array.from({ length: 20_000 }, () => pair)));
  const set = await openDataset({ dataset: manifest, split: "test" });
  t.is(set.facts.total, 40_000);
  t.regex(await set.sha256(), /^[0-9a-f]{64}$/);
  for await (const { pixels } of set.slabs({ offset: 39_997, limit: 3 }, { multiple: 3, lanes: 1 })) {
    t.deepEqual([...pixels], [8, 7, 8]);
  }
});

test("a name too long to be a typing error gets no suggestion", (t) => {
  t.is(suggest("mnits", ["mnist"]), "mnist");
  t.is(suggest("mnist".repeat(1_000_000), ["mnist"]), undefined);
});
