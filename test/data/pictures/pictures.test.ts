import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execPath, memoryUsage } from "node:process";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";
import test from "ava";
import { encode } from "fast-png";
import jpeg from "jpeg-js";
import { FIXTURES } from "#src/base/package.js";
import { encodePng, MAX_PIXELS, readPng } from "#src/data/pictures/read-png.js";
import { countShapes } from "#src/data/pictures/shapes.js";
import type { GreyPicture } from "#src/data/pictures/to-digit.js";
import { DIGIT_SIDE, inkOf, toDigit } from "#src/data/pictures/to-digit.js";
import { CLI, runCli } from "../../helpers/cli.js";
import { inCase } from "../../helpers/in-case.js";
import { ADAM7_PASSES, pngFile, pngOfSamples } from "../../helpers/png.js";
import { seeded } from "../../helpers/random.js";
import { temporaryFile, temporaryFolder } from "../../helpers/temporary.js";

const drawing = (name: string) => fileURLToPath(new URL(`pictures/${name}.png`, FIXTURES));

const bytesOf = ({ shades }: GreyPicture) => [...shades];

/** A white sheet with a black upright bar: columns 10 to 13 of 40, rows 5 to 34 of 50. */
function barPicture(ink = 0, paper = 255): GreyPicture {
  const [width, height] = [40, 50];
  const shades = new Uint8Array(width * height).fill(paper);
  for (let row = 5; row < 35; row++) shades.fill(ink, row * width + 10, row * width + 14);
  return { width, height, shades };
}

function centreOfMass(image: Uint8Array): [x: number, y: number] {
  let [mass, x, y] = [0, 0, 0];
  for (const [pixel, value] of image.entries()) {
    mass += value;
    x += value * (pixel % DIGIT_SIDE);
    y += value * Math.floor(pixel / DIGIT_SIDE);
  }
  return [x / mass, y / mass];
}

test("scales the ink to a box of 20 pixels and centres it by mass", (t) => {
  const image = toDigit(barPicture(), "bar");
  const rows = Array.from({ length: DIGIT_SIDE }, (_, row) =>
    image.subarray(row * DIGIT_SIDE, (row + 1) * DIGIT_SIDE),
  );
  t.is(rows.filter((row) => row.some((value) => value > 0)).length, 20);
  const [x, y] = centreOfMass(image);
  t.true(Math.abs(x - 14) <= 0.5 && Math.abs(y - 14) <= 0.5, `${x}, ${y}`);
});

test("takes dark ink on light paper and light on dark for the same", (t) => {
  t.deepEqual(toDigit(barPicture(0, 255), "a"), toDigit(barPicture(255, 0), "b"));
  t.deepEqual(toDigit(barPicture(60, 200), "a"), toDigit(barPicture(200, 60), "b"));
});

test("refuses a sheet on which nothing can be told from the paper", (t) => {
  const error = t.throws(() => inkOf(barPicture(240, 255), "sheet.png"));
  t.is((error as { code?: string }).code, "ERR_PICTURE_BLANK");
});

test("takes the paper of a long sheet from every n-th pixel of its sides", (t) => {
  // Ink on a third of the upper side; the paper is half of all sides.
  const [width, height] = [100_000, 3];
  const shades = new Uint8Array(width * height).fill(200);
  shades.fill(10, 0, 30_000);
  const ink = inkOf({ width, height, shades }, "sheet.png");
  t.deepEqual([ink[10], ink[200]], [1, 0]);
});

test("refuses a picture whose rows or columns are too many, however few its pixels", async (t) => {
  for (const size of [
    { width: 1, height: 2 ** 16 },
    { width: 2 ** 16, height: 1 },
  ]) {
    const path = await temporaryFile(t, pngFile(size, Buffer.of(0, 0)));
    await t.throwsAsync(readPng(path), { code: "ERR_PICTURE_SIZE", message: /65,535 a side, found/ });
  }
});

test("shows the paper where a picture is transparent, and weighs colours by their luma", async (t) => {
  const path = join(await temporaryFolder(t), "a.png");
  const data = Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 255, 0, 0, 0, 51]);
  await writeFile(path, encode({ width: 4, height: 1, data, channels: 4 }));
  const values = bytesOf(await readPng(path));
  t.deepEqual(values, [255, 0, 76, 204]);
});

test("reads one, four, eight and sixteen bits a sample", async (t) => {
  await inCase(t, "reads sixteen bits a sample", async () => {
    const path = join(await temporaryFolder(t), "a.png");
    const data = Uint16Array.from([0, 65535, 32768]);
    await writeFile(path, encode({ width: 3, height: 1, data, channels: 1, depth: 16 }));
    const values = bytesOf(await readPng(path));
    t.deepEqual(values, [0, 255, 128]);
  });

  await inCase(t, "reads one, four and eight bits a sample alike", async () => {
    const whole = bytesOf(await readPng(drawing("seven")));
    for (const name of ["seven-1-bit", "seven-4-bit"]) {
      const packed = bytesOf(await readPng(drawing(name)));
      t.is(packed.length, whole.length);
      const differing = packed.filter((value, n) => Math.abs(value - whole[n]!) > 128).length;
      t.true(differing < whole.length / 100, `${differing}`);
    }
  });
});

test("refuses what is no PNG, is damaged, or claims more pixels than it may have", async (t) => {
  await inCase(
    t,
    "refuses a picture that claims more pixels than it may have, before it decodes one",
    async () => {
      const path = join(await temporaryFolder(t), "bomb.png");
      await writeFile(path, pngFile({ width: 2 ** 31, height: 1 }, Buffer.alloc(2)));
      const error = await t.throwsAsync(readPng(path));
      t.is((error as { code?: string }).code, "ERR_PICTURE_SIZE");
      t.true(2 ** 31 > MAX_PIXELS);
    },
  );

  await inCase(t, "refuses what is no PNG, and a PNG that is damaged", async () => {
    const folder = await temporaryFolder(t);
    const png = encode({ width: 9, height: 9, data: new Uint8Array(81), channels: 1 });
    const cases: [string, Uint8Array][] = [
      ["text", Buffer.from("P5 not a png at all, but long enough to be read")],
      ["cut", png.subarray(0, png.length - 20)],
      ["turned", png.map((byte, n) => (n === 45 ? byte ^ 0xff : byte))],
    ];
    for (const [name, bytes] of cases) {
      const path = join(folder, name);
      await writeFile(path, bytes);
      const error = await t.throwsAsync(readPng(path));
      t.is((error as { code?: string }).code, "ERR_PICTURE_FORMAT", name);
    }
  });
});

test("reads the pixels alone: what else is in a picture is not unpacked, nor believed", async (t) => {
  const bomb = Buffer.concat([Buffer.from("name\0\0"), deflateSync(Buffer.alloc(10_000_000))]);
  const extra = [
    ["iCCP", bomb],
    ["tEXt", Buffer.from("without an end")],
    ["PLTE", Buffer.of(1, 2, 3)],
    ["what", Buffer.of(0)],
  ] as const;
  const bytes = pngFile({ width: 2, height: 1 }, Buffer.of(0, 0, 255), extra);
  const before = memoryUsage().arrayBuffers;
  const values = bytesOf(await readPng(await temporaryFile(t, bytes)));
  t.deepEqual(values, [0, 255]);
  t.true(memoryUsage().arrayBuffers - before < 5_000_000);
});

test("reads interlaced pictures, of which all passes count", async (t) => {
  // 8 × 8: a row of each pass behind its filter type, all white but the first pass, which is one pixel.
  const rows = ADAM7_PASSES.flatMap(([columns, count], pass) =>
    Array.from({ length: count }, () => Buffer.alloc(columns + 1, pass === 0 ? 0 : 255).fill(0, 0, 1)),
  );
  const header = { width: 8, height: 8, isInterlaced: true };
  const values = bytesOf(await readPng(await temporaryFile(t, pngFile(header, Buffer.concat(rows)))));
  t.deepEqual(
    values,
    Array.from({ length: 64 }, (_, n) => (n === 0 ? 0 : 255)),
  );
  const short = await temporaryFile(t, pngFile(header, Buffer.concat(rows.slice(0, -1))));
  await t.throwsAsync(readPng(short), { code: "ERR_PICTURE_FORMAT", message: /fewer pixels/ });
});

test("reads every colour type, depth, filter and pass, with the transparency of each", async (t) => {
  const depthsOf = { 0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16] };
  const channelsOf = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
  const uniform = seeded(7);
  const random = () => Math.floor(uniform() * 65536);
  for (const colourType of [0, 2, 3, 4, 6] as const) {
    for (const depth of depthsOf[colourType]) {
      for (const [width, height] of [
        [1, 1],
        [3, 2],
        [5, 9],
        [13, 8],
      ] as const) {
        for (const isInterlaced of [false, true]) {
          const channels = channelsOf[colourType];
          const most = 2 ** depth - 1;
          const samples = Array.from({ length: width * height * channels }, () => random() & most);
          const colours = Array.from({ length: 3 * (most + 1) }, () => random() & 255);
          const covers = Array.from({ length: (most + 1) / 2 }, () => random() & 255);
          const clear = samples.slice(0, channels);
          const transparency =
            colourType === 3
              ? Buffer.from(covers)
              : Buffer.from(clear.flatMap((value) => [value >> 8, value & 255]));
          const luma = ([r, g, b]: readonly number[]) => 0.299 * r! + 0.587 * g! + 0.114 * b!;
          const expected = Array.from({ length: width * height }, (_, n) => {
            const pixel = samples.slice(n * channels, (n + 1) * channels);
            const [index] = pixel as [number];
            if (colourType === 3) {
              const shade = luma(colours.slice(3 * index, 3 * index + 3));
              return 255 + ((covers[index] ?? 255) / 255) * (shade - 255);
            }
            const shade = ((colourType & 2 ? luma(pixel) : index) / most) * 255;
            const isClear = colourType < 3 && pixel.every((value, channel) => value === clear[channel]);
            const cover = colourType < 3 ? (isClear ? 0 : 1) : pixel.at(-1)! / most;
            return 255 + cover * (shade - 255);
          });
          const bytes = pngOfSamples({ width, height, depth, colourType, isInterlaced }, channels, samples, [
            ...(colourType === 3 ? [["PLTE", Buffer.from(colours)] as const] : []),
            ...(colourType <= 3 ? [["tRNS", transparency] as const] : []),
          ]);
          const values = bytesOf(await readPng(await temporaryFile(t, bytes)));
          const furthest = Math.max(...values.map((value, n) => Math.abs(value - expected[n]!)));
          t.true(
            furthest < 0.501,
            `${colourType}, ${depth} bits, ${width} × ${height}, ${isInterlaced}: ${furthest}`,
          );
        }
      }
    }
  }
});

test("refuses a transparent colour of another length, an unknown filter, depth and colour, and chunks beyond number", async (t) => {
  const header = { width: 2, height: 1 };
  const row = Buffer.of(0, 0, 255);
  const empty = Array.from({ length: 100_001 }, () => ["what", Buffer.alloc(0)] as const);
  const cases: [RegExp, Buffer][] = [
    [/tRNS has 1 bytes/, pngFile(header, row, [["tRNS", Buffer.of(0)]])],
    [
      /two chunks tRNS/,
      pngFile(header, row, [
        ["tRNS", Buffer.of(0, 0)],
        ["tRNS", Buffer.of(0, 0)],
      ]),
    ],
    [/the filter 5/, pngFile(header, Buffer.of(5, 0, 255))],
    [/3 bits a sample/, pngFile({ ...header, depth: 3 }, row)],
    [/colour type is 5/, pngFile({ ...header, colourType: 5 }, row)],
    [/more than 100000 chunks/, pngFile(header, row, empty)],
  ];
  for (const [message, bytes] of cases) {
    await t.throwsAsync(readPng(await temporaryFile(t, bytes)), { code: "ERR_PICTURE_FORMAT", message });
  }
});

const DRAWINGS = [
  ["zero", 0],
  ["two", 2],
  ["three", 3],
  ["seven", 7],
  ["seven-1-bit", 7],
] as const;
test("predicts the drawings of digits", async (t) => {
  for (const [name, label] of DRAWINGS) {
    await inCase(t, `predicts the drawing of a ${name}`, async () => {
      const { status, stdout } = await runCli(["predict", drawing(name), "--format", "json"]);
      t.is(status, 0);
      const [answer] = JSON.parse(stdout);
      t.is(answer.label, label);
      t.is(answer.probabilities.length, 10);
      t.true(Math.abs(answer.probabilities.reduce((a: number, b: number) => a + b) - 1) < 1e-12);
    });
  }
});

test("prints the drawing as the network sees it, with bars and the answer", async (t) => {
  const { status, stdout } = await runCli(["predict", drawing("seven"), drawing("two")]);
  t.is(status, 0);
  t.is(stdout.match(/\.png: \d \(\d\.\d{4}\)$/gm)?.length, 2);
  t.regex(stdout, /seven\.png: 7 /);
});

test("names the file that is no picture", async (t) => {
  const { status, stderr } = await runCli(["predict", "package.json"]);
  t.is(status, 3);
  t.regex(stderr, /^batchwise: ERR_PICTURE_FORMAT: package\.json: expected a PNG or JPEG picture/);
});

test("answers the pictures beside a bad one, and names the bad one at the end", async (t) => {
  const args = ["predict", drawing("seven"), "package.json", drawing("two"), "--format", "json"];
  const { status, stdout, stderr } = await runCli(args);
  t.is(status, 3);
  t.deepEqual(
    JSON.parse(stdout).map(({ label }: { readonly label: number }) => label),
    [7, 2],
  );
  t.regex(stderr, /^batchwise: ERR_PICTURE_FORMAT: package\.json/m);
});

/** Pictures side by side, of the same height. */
function sideBySide(pictures: readonly GreyPicture[]): GreyPicture {
  const width = pictures.reduce((sum, picture) => sum + picture.width, 0);
  const height = pictures[0]?.height ?? 0;
  const shades = new Uint8Array(width * height);
  let left = 0;
  for (const picture of pictures) {
    for (let row = 0; row < height; row++) {
      const line = picture.shades.subarray(row * picture.width, (row + 1) * picture.width);
      shades.set(line, row * width + left);
    }
    left += picture.width;
  }
  return { width, height, shades };
}

test("says when a picture seems to hold several digits", async (t) => {
  for (const [name] of DRAWINGS) t.is(countShapes(await readPng(drawing(name)), name), 1, name);
  const [seven, other] = [await readPng(drawing("seven")), await readPng(drawing("seven"))];
  const pair = sideBySide([seven, other]);
  t.is(countShapes(pair, "pair"), 2);
  t.is(countShapes(sideBySide([pair, seven]), "three"), 3);
  const file = encodePng(pair.shades, { rows: pair.height, columns: pair.width, channels: 1 });
  const path = await temporaryFile(t, file, "pair.png");
  const { status, stdout, stderr } = await runCli(["predict", path, "--format", "json"]);
  t.is(status, 0);
  t.is(JSON.parse(stdout)[0].shapes, 2);
  t.regex(stderr, /^hint: .*pair\.png seems to hold 2 digits/m);
});

test("predicts a JPEG as the PNG of the same drawing", async (t) => {
  const { width, height, shades } = await readPng(drawing("seven"));
  const data = Buffer.from([...shades].flatMap((shade) => [shade, shade, shade, 255]));
  const path = await temporaryFile(t, jpeg.encode({ data, width, height }, 95).data, "seven.jpg");
  const { status, stdout, stderr } = await runCli(["predict", path, drawing("seven"), "--format", "json"]);
  t.is(status, 0, stderr);
  const [decoded, exact] = JSON.parse(stdout);
  t.is(decoded.label, 7);
  t.true(Math.abs(decoded.probability - exact.probability) < 1e-3);
});

test("reads a picture from standard input", async (t) => {
  const input = await readFile(drawing("seven"));
  const { status, stdout } = spawnSync(execPath, [CLI, "predict", "-"], { input, encoding: "utf8" });
  t.is(status, 0);
  t.regex(stdout, /^-: 7 /m);
});
