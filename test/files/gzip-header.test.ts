/** Headers of gzip members, field by field. */

import { crc32, gzipSync } from "node:zlib";
import test from "ava";
import { DatasetError } from "#src/base/errors.js";
import { gzipHeaderBytes, isGzip } from "#src/files/inflate.js";
import { inCase } from "../helpers/in-case.js";

const [FHCRC, FEXTRA, FNAME, FCOMMENT] = [0x02, 0x04, 0x08, 0x10];
const EXTRA = [3, 0, 0xaa, 0, 0xbb];
const NAME = [...Buffer.from("digits\0")];
const COMMENT = [...Buffer.from("made by hand\0")];

function fixed(flags: number, method = 8): number[] {
  return [0x1f, 0x8b, method, flags, 1, 2, 3, 4, 0, 255];
}

function withChecksum(header: number[]): number[] {
  const crc16 = crc32(Uint8Array.from(header)) & 0xffff;
  return [...header, crc16 & 0xff, crc16 >> 8];
}

const headers: Record<string, number[]> = {
  "no optional field": fixed(0),
  "an extra field": [...fixed(FEXTRA), ...EXTRA],
  "an empty extra field": [...fixed(FEXTRA), 0, 0],
  "a name": [...fixed(FNAME), ...NAME],
  "a comment": [...fixed(FCOMMENT), ...COMMENT],
  "a checksum": withChecksum(fixed(FHCRC)),
  "all fields": withChecksum([...fixed(FHCRC | FEXTRA | FNAME | FCOMMENT), ...EXTRA, ...NAME, ...COMMENT]),
};

test("finds the end of a header with any optional fields", async (t) => {
  for (const [what, header] of Object.entries(headers)) {
    await inCase(t, `finds the end of a header with ${what}`, () => {
      t.is(gzipHeaderBytes(Uint8Array.from([...header, 3, 0, 9, 9]), "f"), header.length);
    });
  }
});

test("refuses a header with any optional fields, cut anywhere", async (t) => {
  for (const [what, header] of Object.entries(headers)) {
    await inCase(t, `refuses a header with ${what} cut anywhere`, () => {
      for (let length = 2; length < header.length; length++) {
        const cut = Uint8Array.from(header.slice(0, length));
        t.throws(() => gzipHeaderBytes(cut, "f"), {
          instanceOf: DatasetError,
          code: "ERR_GZIP_CORRUPT",
          message: /it ends within its header/,
        });
      }
    });
  }
});

test("refuses each reserved flag", (t) => {
  for (const flag of [0x20, 0x40, 0x80]) {
    const header = Uint8Array.from([...fixed(flag), 3, 0]);
    t.throws(() => gzipHeaderBytes(header, "f"), { code: "ERR_GZIP_CORRUPT", message: /reserved/ });
  }
});

test("refuses a compression method other than deflate", (t) => {
  const header = Uint8Array.from(fixed(0, 7));
  t.throws(() => gzipHeaderBytes(header, "f"), {
    code: "ERR_GZIP_CORRUPT",
    message: /method 7 instead of 8/,
  });
});

test("refuses a header that fails its own checksum", (t) => {
  const header = withChecksum([...fixed(FHCRC | FNAME), ...NAME]);
  header[11] ^= 1;
  t.throws(() => gzipHeaderBytes(Uint8Array.from(header), "f"), {
    code: "ERR_GZIP_CORRUPT",
    message: /checksum/,
  });
});

test("refuses an extra field longer than the file", (t) => {
  const header = Uint8Array.from([...fixed(FEXTRA), 0xff, 0xff, 1, 2, 3]);
  t.throws(() => gzipHeaderBytes(header, "f"), { code: "ERR_GZIP_CORRUPT" });
});

test("knows gzip by its first two bytes", (t) => {
  t.true(isGzip(gzipSync("x")));
  t.false(isGzip(Uint8Array.of(0x1f)));
  t.false(isGzip(Uint8Array.of(0, 0, 8, 3)));
});
