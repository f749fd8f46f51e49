/** JPEG pictures that a test wrote itself: restarts, factors, and everything that is refused. */
import test from "ava";
import { decodePicture } from "#src/data/pictures/decode.js";
import {
  BASELINE,
  type FlatJpeg,
  flatJpeg,
  HUFFMAN,
  jpegFrame,
  jpegScan,
  jpegSegment,
  PROGRESSIVE,
} from "../../helpers/jpeg.js";
import { codedAsync } from "../../networks/coded.js";

const decoded = async (bytes: Uint8Array) => decodePicture(bytes, "a.jpg");

/** Shades of the blocks of a grey picture as pixels. */
function blocksOf(width: number, height: number, shades: readonly number[]): number[] {
  const across = Math.ceil(width / 8);
  return Array.from({ length: width * height }, (_, n) => {
    const block = Math.floor(Math.floor(n / width) / 8) * across + Math.floor((n % width) / 8);
    return shades[block % shades.length]!;
  });
}

test("reads flat blocks, with restarts at any distance, sequential and progressive", async (t) => {
  const shades = [0, 255, 17, 128, 129, 127, 200];
  for (const frame of [BASELINE, PROGRESSIVE]) {
    for (const [width, height] of [
      [8, 8],
      [1, 1],
      [33, 18],
      [70, 9],
    ] as const) {
      for (const restart of [0, 1, 2, 3, 5, 100]) {
        const picture = await decoded(flatJpeg({ width, height, shades, restart, frame }));
        t.like(picture, { width, height, channels: 1 });
        t.deepEqual([...picture.pixels], blocksOf(width, height, shades), `${width} × ${height}, ${restart}`);
      }
    }
  }
});

test("takes JFIF's word, then Adobe's, then the components' letters for the colours", async (t) => {
  const factors = [
    [1, 1],
    [1, 1],
    [1, 1],
  ] as const;
  const shades = [100, 200, 50];
  const jfif = jpegSegment(0xe0, Buffer.from("JFIF\0\x01\x01\0\0\x01\0\x01\0\0", "latin1"));
  const adobe = (transform: number) =>
    jpegSegment(0xee, [...Buffer.from("Adobe\0d\0\0\0\0", "latin1"), transform]);
  // Y, Cb and Cr of 100, 200 and 50 are 0, 131 and 228 (jdcolor.c).
  const converted = [0, 131, 228];
  for (const [before, expected] of [
    [[], converted],
    [[jfif], converted],
    [[adobe(1)], converted],
    [[adobe(0)], shades],
    [[jfif, adobe(0)], converted],
  ] as const) {
    const { pixels } = await decoded(flatJpeg({ width: 1, height: 1, factors, shades, before }));
    t.deepEqual([...pixels], expected);
  }
});

const GREY: FlatJpeg = { width: 16, height: 8, shades: [10, 90] };
const COLOURS: FlatJpeg = {
  ...GREY,
  factors: [
    [2, 1],
    [1, 1],
    [1, 1],
  ],
};
const grey = flatJpeg(GREY);
const START = Buffer.of(0xff, 0xd8);
const END = Buffer.of(0xff, 0xd9);
const replaced = (bytes: Buffer, from: Buffer, to: Buffer) => {
  const at = bytes.indexOf(from);
  return Buffer.concat([bytes.subarray(0, at), to, bytes.subarray(at + from.length)]);
};
/** Scans that say of all blocks, 8,192 a byte, that nothing comes. */
const scans = (count: number, side: number) => {
  const first = flatJpeg({ width: side, height: side, frame: PROGRESSIVE }).subarray(0, -2);
  const longRun = jpegSegment(0xc4, [0x10, 1, ...Buffer.alloc(15), 0xe0]);
  const scan = Buffer.concat([
    longRun,
    jpegScan(1, [1, 63, 0]),
    Buffer.alloc(Math.max(2, side ** 2 / 2 ** 19)),
  ]);
  return Buffer.concat([first, ...new Array<Buffer>(count).fill(scan), END]);
};

/** What is wrong, and what the message says of it. */
const REFUSED: Readonly<Record<string, readonly [bytes: Buffer, says: RegExp]>> = {
  "no frame": [Buffer.concat([START, END]), /it has no frame/],
  "the end of the file within the markers": [
    Buffer.concat([START, Buffer.alloc(9, 0xff)]),
    /ends within its segments/,
  ],
  "a segment that is too long": [
    Buffer.concat([START, Buffer.of(0xff, 0xe0, 0xff, 0xff)]),
    /a segment of it is cut/,
  ],
  "no marker": [Buffer.concat([START, Buffer.alloc(40, 7)]), /does not begin with a marker/],
  "a frame that is cut": [Buffer.concat([START, jpegSegment(BASELINE, [8, 0, 8])]), /its frame is cut/],
  "lossless frames": [flatJpeg({ ...GREY, frame: 0xc3 }), /SOF3, neither baseline nor progressive/],
  "arithmetic codes": [flatJpeg({ ...GREY, frame: 0xc9 }), /SOF9, neither/],
  "12 bits": [flatJpeg({ ...GREY, bits: 12 }), /12 bits a sample/],
  "no rows": [Buffer.concat([START, jpegFrame({ ...GREY, height: 0 })]), /no pixels/],
  CMYK: [
    flatJpeg({
      ...GREY,
      factors: [
        [1, 1],
        [1, 1],
        [1, 1],
        [1, 1],
      ],
    }),
    /4 components, .*: CMYK/,
  ],
  "two components": [
    flatJpeg({
      ...GREY,
      factors: [
        [1, 1],
        [1, 1],
      ],
    }),
    /2 components/,
  ],
  "factors that do not divide": [
    flatJpeg({
      ...GREY,
      factors: [
        [3, 1],
        [2, 1],
        [1, 1],
      ],
    }),
    /2 x 1 blocks of 3 x 1/,
  ],
  "a factor of 0": [Buffer.concat([START, jpegFrame({ ...GREY, factors: [[0, 1]] })]), /0 x 1 blocks/],
  "more than ten blocks a unit": [
    flatJpeg({
      ...GREY,
      factors: [
        [4, 2],
        [2, 1],
        [1, 1],
      ],
    }),
    /more than ten blocks/,
  ],
  "two frames": [
    replaced(grey, jpegFrame(GREY), Buffer.concat([jpegFrame(GREY), jpegFrame(GREY)])),
    /two frames/,
  ],
  "no Huffman tables": [replaced(grey, HUFFMAN, Buffer.of()), /a Huffman table of it is missing/],
  "too many codes": [
    replaced(grey, HUFFMAN, jpegSegment(0xc4, [0, 3, ...Buffer.alloc(15), 1, 2, 3])),
    /has too many codes/,
  ],
  "a Huffman table that is cut": [
    replaced(grey, HUFFMAN, jpegSegment(0xc4, [0, 1])),
    /a Huffman table of it is cut/,
  ],
  "no quantization": [
    replaced(grey, Buffer.of(0xff, 0xdb), Buffer.of(0xff, 0xfe)),
    /quantization table of it is missing/,
  ],
  "quantization that is cut": [
    replaced(grey, jpegFrame(GREY), Buffer.concat([jpegSegment(0xdb, [0, 1]), jpegFrame(GREY)])),
    /a quantization table of it is cut/,
  ],
  "a scan of an unknown component": [
    replaced(grey, jpegScan(1, [0, 63, 0]), jpegScan(1, [0, 63, 0], 9)),
    /unknown component/,
  ],
  "a scan that is cut": [
    replaced(grey, jpegScan(1, [0, 63, 0]), jpegSegment(0xda, [1, 1])),
    /a scan of it is cut/,
  ],
  "a component without a scan": [
    replaced(flatJpeg(COLOURS), jpegScan(3, [0, 63, 0]), jpegScan(3, [0, 63, 0], 1)),
    /component of it has no scan/,
  ],
  "a component with two scans": [
    Buffer.concat([grey.subarray(0, -2), grey.subarray(grey.indexOf(jpegScan(1, [0, 63, 0])))]),
    /two scans/,
  ],
  "a band of two components": [
    replaced(flatJpeg({ ...COLOURS, frame: PROGRESSIVE }), jpegScan(3, [0, 0, 0]), jpegScan(3, [1, 5, 0])),
    /no band of coefficients/,
  ],
  "a band before the first coefficients": [
    replaced(flatJpeg({ ...GREY, frame: PROGRESSIVE }), jpegScan(1, [0, 0, 0]), jpegScan(1, [1, 5, 0])),
    /before the first coefficients/,
  ],
  "a marker within the pixels": [Buffer.concat([grey.subarray(0, -3), END]), /cut by a marker/],
  "no end": [grey.subarray(0, -2), /its end is missing/],
  "a restart marker of another number": [
    replaced(flatJpeg({ ...GREY, restart: 1 }), Buffer.of(0xff, 0xd0), Buffer.of(0xff, 0xd3)),
    /a restart marker of it is missing/,
  ],
  "more than forty scans": [scans(40, 8), /more than 40 scans/],
  "scans beyond the bytes": [scans(39, 2048), /more than its bytes can fill/],
  "a progressive picture that takes 100 MB": [
    flatJpeg({
      ...COLOURS,
      width: 4096,
      height: 4096,
      frame: PROGRESSIVE,
      factors: [
        [1, 1],
        [1, 1],
        [1, 1],
      ],
    }).subarray(0, 400),
    /save it as a baseline JPEG/,
  ],
};

test("refuses what is no JPEG, is damaged, or would cost more than it is", async (t) => {
  for (const [what, [bytes, says]] of Object.entries(REFUSED)) {
    t.regex((await codedAsync(t, decoded(bytes), "ERR_PICTURE_FORMAT")).message, says, what);
  }
  const large = flatJpeg({ width: 8, height: 8 });
  const size = await codedAsync(
    t,
    decoded(
      replaced(large, jpegFrame({ width: 8, height: 8 }), jpegFrame({ width: 65_535, height: 65_535 })),
    ),
    "ERR_PICTURE_SIZE",
  );
  t.regex(size.message, /found 65535 × 65535/);
});
