/** Readers whose memory stays in proportion to the file, whatever it claims. One test at a time: each looks at its process. */
import { createWriteStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32, createDeflateRaw, createGzip } from "node:zlib";
import test from "ava";
import { readPng } from "#src/data/pictures/read-png.js";
import { toDigit } from "#src/data/pictures/to-digit.js";
import { readResult } from "#src/evaluate/read-result.js";
import { BatchwiseError, evaluate, loadNetwork, openDataset } from "#src/index.js";
import { peakBytes, resetPeak } from "../fuzz/peak-memory.js";
import { idxBytes } from "../helpers/idx.js";
import { npyDict, npyFile } from "../helpers/npy.js";
import { FLOAT16, fields, value } from "../helpers/onnx.js";
import { pngFile } from "../helpers/png.js";
import { temporaryFile, temporaryFolder } from "../helpers/temporary.js";
import { zipFile } from "../helpers/zip.js";
import { raw, u64 } from "../networks/coded.js";

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

test.serial("a set that unpacks to a thousand times its file passes through slabs", async (t) => {
  const folder = await temporaryFolder(t);
  const images = 200_000;
  const piece = Buffer.alloc(images * 28);
  const pieces = (header: Uint8Array) => Readable.from([header, ...Array(28).fill(piece)]);
  const [gzipped, labels] = [join(folder, "images.gz"), join(folder, "labels")];
  const idx = idxBytes("u8", [images, 28, 28], Uint8Array.of());
  await pipeline(pieces(idx), createGzip({ level: 1 }), createWriteStream(gzipped));
  await writeFile(labels, idxBytes("u8", [images], new Uint8Array(images)));

  const npy = npyFile(npyDict("|u1", [images, 28, 28]), Buffer.of());
  const packed = Buffer.concat(
    await pieces(npy)
      .pipe(createDeflateRaw({ level: 1 }))
      .toArray(),
  );
  const crc = Array(28)
    .fill(piece)
    .reduce((sum: number, bytes: Buffer) => crc32(bytes, sum), crc32(npy));
  const unpackedBytes = npy.length + 28 * piece.length;
  const archive = join(folder, "set.npz");
  await writeFile(
    archive,
    zipFile([
      { name: "x_test.npy", content: npy, packed, lies: { method: 8, crc, unpackedBytes } },
      {
        name: "y_test.npy",
        content: npyFile(npyDict("|u1", [images]), Buffer.alloc(images)),
        deflated: true,
      },
    ]),
  );
  for (const options of [{ dataset: gzipped, labels }, { dataset: archive }]) {
    for (const limit of [1, images]) {
      const before = resetPeak();
      const { result } = await evaluate({ ...options, limit, threads: 0, engine: "simd" });
      const used = peakBytes() - before;
      t.is(result.total, limit);
      t.true(used <= 120e6, `${options.dataset}, ${limit} images: ${Math.round(used / 1e6)} MB`);
    }
  }
});
