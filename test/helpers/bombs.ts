/** Small files that claim, or unpack to, 100 MB and more: too long to be kept beside the malformed ones, and soon made. */
import { crc32, deflateRawSync, gzipSync } from "node:zlib";
import type { ErrorCode } from "#src/base/errors.js";
import { idxHeader, imageBytes } from "./idx.js";
import { npyDict, npyFile } from "./npy.js";
import { pngFile } from "./png.js";
import { zipFile } from "./zip.js";

const BOMB_BYTES = 100 * 2 ** 20;

export interface Bomb {
  make(): Uint8Array;
  readonly code: ErrorCode;
}

const zeros = () => Buffer.alloc(BOMB_BYTES);

/** 100 MB of zeros behind a header of two numbers, which is what the entry speaks of. */
function understated(): Uint8Array {
  const honest = npyFile(npyDict("<f4", [1, 2]), Buffer.alloc(8));
  const packed = deflateRawSync(Buffer.concat([honest, zeros()]));
  const lies = { unpackedBytes: honest.length, crc: crc32(honest) };
  return zipFile([
    { name: "W1.npy", content: honest, packed, deflated: true, lies },
    { name: "b1.npy", content: npyFile(npyDict("<f4", [2]), Buffer.alloc(8)) },
  ]);
}

const honest = () =>
  zipFile([
    { name: "W1.npy", content: npyFile(npyDict("<f4", [BOMB_BYTES / 100, 25]), zeros()), deflated: true },
    { name: "b1.npy", content: npyFile(npyDict("<f4", [25]), Buffer.alloc(100)) },
  ]);

/** By the endings that the malformed files have. */
export const BOMBS: Readonly<Record<string, Bomb>> = {
  "100-mb-behind-ten-images.idx.gz": {
    make: () => gzipSync(Buffer.concat([imageBytes(10), zeros()])),
    code: "ERR_IDX_TRAILING",
  },
  "100-mb-of-2-gib.idx.gz": {
    make: () => gzipSync(Buffer.concat([idxHeader(0x08, [1, 2 ** 15, 2 ** 15]), zeros()])),
    code: "ERR_GZIP_CORRUPT",
  },
  // Read while it is evaluated; it names the bomb above.
  "100-mb-behind-ten-images.streamed.json": {
    make: () => Buffer.from('[{"images": "100-mb-behind-ten-images.idx.gz"}]'),
    code: "ERR_IDX_TRAILING",
  },
  "100-mb-in-an-entry-of-136-bytes.npz": { make: understated, code: "ERR_ZIP_SIZE" },
  "100-mb-of-weights.npz": { make: honest, code: "ERR_ZIP_LIMIT" },
  "100-mb-behind-two-pixels.png": {
    make: () => pngFile({ width: 1, height: 2 }, zeros()),
    code: "ERR_PICTURE_FORMAT",
  },
};
