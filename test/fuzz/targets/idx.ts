/** Readers of whole IDX files, plain and gzipped. */
import { gunzipSync, gzipSync } from "node:zlib";
import { readIdx } from "#src/data/idx.js";
import { idxBytes, idxHeader, imageBytes, labelBytes } from "../../helpers/idx.js";
import type { Seed, Target } from "../target.js";
import { malformed } from "./malformed.js";

const PLAIN: Readonly<Record<string, Uint8Array>> = {
  images: imageBytes(12),
  labels: labelBytes(40),
  floats: idxBytes("f32", [2, 3], [1, 2, 3, 4, 5, 6]),
  doubles: idxBytes("f64", [3], [1, -0.5, 1e300]),
  shorts: idxBytes("i16", [2, 2, 2], [1, 2, 3, 4, 5, 6, 7, -8]),
  "two gigabytes of claims": idxHeader(0x08, [2 ** 31 - 8]),
};

export const IDX_WORDS: Target["words"] = [
  Buffer.of(0, 0, 8, 3),
  Buffer.of(0, 0, 0x0e, 0xff),
  Buffer.of(0xff, 0xff, 0xff, 0xff),
  Buffer.alloc(1_020, 0xff),
];

/** The answer, written again, must be what the file holds. */
async function readAgain(
  content: (bytes: Uint8Array) => Uint8Array,
  bytes: Uint8Array,
  path: string,
): Promise<string | undefined> {
  const { dtype, shape, data } = await readIdx(path);
  const written = idxBytes(dtype, shape, data);
  return written.equals(content(bytes)) || hasNaN(data)
    ? undefined
    : `read ${dtype} of shape ${shape}, which is not what the file holds`;
}

/** There are many NaN, and a number keeps only one of them. */
function hasNaN(data: ArrayLike<number>): boolean {
  return Array.from(data).some(Number.isNaN);
}

const idx: Target = {
  name: "idx",
  seeds: [...Object.entries(PLAIN).map(([name, bytes]) => ({ name, bytes })), ...malformed(".idx")],
  words: IDX_WORDS,
  codes: /^ERR_(FILE_READ|FILE_EMPTY|IDX_\w+|GZIP_\w+)$/,
  onDisk: true,
  read: (bytes, path) => readAgain((whole) => (whole[0] === 0x1f ? gunzipSync(whole) : whole), bytes, path),
};

export function gzipped(name: string, content: Uint8Array): Seed {
  return {
    name,
    bytes: gzipSync(content),
    inner: { pieces: [content], pack: (pieces) => gzipSync(Buffer.concat(pieces), { level: 1 }) },
  };
}

/** A header with everything in it that RFC 1952 allows: extra field, name, comment. */
const fullHeader = () => {
  const member = gzipSync(PLAIN.images ?? "");
  const flags = Buffer.from(member.subarray(0, 10));
  flags[3] = 0x1c;
  return Buffer.concat([flags, Buffer.from("\x04\0abcdname\0comment\0", "latin1"), member.subarray(10)]);
};

const gzip: Target = {
  ...idx,
  name: "gzip",
  seeds: [
    ...Object.entries(PLAIN).map(([name, content]) => gzipped(name, content)),
    { name: "a full header", bytes: fullHeader() },
    ...malformed(".gz"),
  ],
  words: [...IDX_WORDS, Buffer.of(0x1f, 0x8b, 8, 0), gzipSync("x")],
};

export const DATASET_TARGETS: readonly Target[] = [idx, gzip];
