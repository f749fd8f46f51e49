/** Readers whose work stays in proportion to the file, whatever it claims. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { suggest } from "#src/base/text.js";
import { rowMajor } from "#src/files/formats/arrays.js";
import { JsonStream, JsonTexts } from "#src/files/json-stream.js";
import { readJson } from "#src/files/read-document.js";
import { scanJson } from "#src/files/scan-json.js";
import { openDataset } from "#src/index.js";
import { idxBytes } from "../helpers/idx.js";
import { inCase } from "../helpers/in-case.js";
import { temporaryFile, temporaryFolder } from "../helpers/temporary.js";

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
