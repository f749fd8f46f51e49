/** Gzipped IDX files: headers field by field, all of one member, and nothing else. */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { constants, crc32, deflateRawSync, gzipSync, type ZlibOptions } from "node:zlib";
import test, { type ExecutionContext } from "ava";
import { DatasetError } from "#src/base/errors.js";
import { gzipHeaderBytes, inflateFirst, isGzip, openGzip } from "#src/files/inflate.js";
import { readIdx } from "#src/index.js";
import { idxBytes, idxHeader } from "../helpers/idx.js";
import { inCase } from "../helpers/in-case.js";

const CONTENT = Uint8Array.from({ length: 5000 }, (_, i) => (i * i) % 251);
const MEMBER = idxMember(CONTENT);
const folder = await mkdtemp(join(tmpdir(), "batchwise-inflate-"));
test.after.always(() => rm(folder, { recursive: true, force: true }));

function idxMember(content: Uint8Array, options?: ZlibOptions): Buffer {
  return gzipSync(idxBytes("u8", [content.length], content), options);
}

async function inflate(bytes: Uint8Array): Promise<Uint8Array> {
  const path = join(folder, randomUUID());
  await writeFile(path, bytes);
  return (await readIdx(path, { dtype: "u8" })).data;
}

async function refuses(
  t: ExecutionContext,
  inflating: Promise<Uint8Array>,
  code: string,
  message: RegExp,
): Promise<void> {
  await t.throwsAsync(inflating, { instanceOf: DatasetError, code, message });
}

test("inflates a member of the length expected", async (t) => {
  t.deepEqual(new Uint8Array(await inflate(MEMBER)), CONTENT);
});

test("inflates exactly the bytes expected, no more and no fewer", async (t) => {
  for (const length of [2, 63, 64, 65, 16_384]) {
    await inCase(t, `inflates ${length} bytes exactly`, async () => {
      const content = new Uint8Array(length).fill(9);
      t.deepEqual(new Uint8Array(await inflate(idxMember(content))), content);
      const claims = (elements: number) =>
        gzipSync(Buffer.concat([idxHeader(0x08, [length]), Buffer.alloc(elements)]));
      await refuses(t, inflate(claims(length + 1)), "ERR_IDX_TRAILING", /found more/);
      await refuses(t, inflate(claims(length - 1)), "ERR_IDX_TRUNCATED", /after inflating, found/);
    });
  }
});

test("inflates content of several checksum slices", async (t) => {
  const content = new Uint8Array(9 * 2 ** 20).fill(3);
  t.is((await inflate(idxMember(content))).length, content.length);
});

test("refuses a member cut at any byte", async (t) => {
  const content = Uint8Array.from({ length: 100 }, (_, i) => i * 7);
  const member = idxMember(content);
  for (let length = 10; length < member.length; length++) {
    await refuses(t, inflate(member.subarray(0, length)), "ERR_GZIP_CORRUPT", /damaged/);
  }
});

test("refuses a second member, and anything else behind the first", async (t) => {
  await inCase(t, "refuses a second member", async () => {
    const both = Buffer.concat([MEMBER, gzipSync("more")]);
    await refuses(t, inflate(both), "ERR_GZIP_TRAILING", /found 24 bytes after it/);
  });

  await inCase(t, "refuses an empty second member", async () => {
    await refuses(t, inflate(Buffer.concat([MEMBER, gzipSync("")])), "ERR_GZIP_TRAILING", /20 bytes/);
  });

  await inCase(t, "refuses zeros behind the member", async () => {
    await refuses(t, inflate(Buffer.concat([MEMBER, Buffer.alloc(512)])), "ERR_GZIP_TRAILING", /512 bytes/);
  });

  await inCase(t, "refuses a single byte behind the member", async () => {
    await refuses(t, inflate(Buffer.concat([MEMBER, Buffer.of(0x0a)])), "ERR_GZIP_TRAILING", /1 bytes/);
  });
});

test("refuses a member whose content, checksum or length is damaged", async (t) => {
  await inCase(t, "refuses content that fails its CRC-32", async () => {
    const damaged = Buffer.from(MEMBER);
    damaged[damaged.length - 8]! ^= 1;
    await refuses(t, inflate(damaged), "ERR_GZIP_CORRUPT", /CRC-32/);
  });

  await inCase(t, "refuses a length field that disagrees", async () => {
    const damaged = Buffer.from(MEMBER);
    damaged[damaged.length - 1]! ^= 1;
    await refuses(t, inflate(damaged), "ERR_GZIP_CORRUPT", /length field/);
  });

  await inCase(t, "refuses a stream that is no deflate", async () => {
    const damaged = Buffer.concat([MEMBER.subarray(0, 10), Buffer.alloc(100, 0xff)]);
    await refuses(t, inflate(damaged), "ERR_GZIP_CORRUPT", /invalid block type/);
  });

  await inCase(t, "refuses to expect more than the compressed bytes could hold", async () => {
    const tiny = gzipSync(idxHeader(0x08, [2 ** 31 - 8]));
    await refuses(t, inflate(tiny), "ERR_GZIP_CORRUPT", /compressed bytes cannot hold 2,147,483,648/);
  });
});

test("allows the densest stream that deflate can make", async (t) => {
  const zeros = new Uint8Array(50 * 2 ** 20);
  const densest = idxMember(zeros, { level: 9 });
  t.true(zeros.length / densest.length > 1020);
  t.is((await inflate(densest)).length, zeros.length);
});

test("inflates the first bytes and no more, wherever they stand", async (t) => {
  await inCase(t, "inflates the first bytes and no more", async () => {
    const first = await inflateFirst(openGzip(gzipSync(CONTENT), "f.gz"), 1024);
    t.deepEqual(new Uint8Array(first), CONTENT.subarray(0, 1024));
  });

  await inCase(t, "inflates all where there is less than asked for", async () => {
    const first = await inflateFirst(openGzip(gzipSync("short"), "f.gz"), 1024);
    t.is(Buffer.from(first).toString(), "short");
  });

  await inCase(t, "inflates the first bytes though thousands of empty blocks stand before them", async () => {
    const emptyBlock = Buffer.of(0, 0, 0, 0xff, 0xff);
    const blocks = Array.from({ length: 20_000 }, () => emptyBlock);
    const header = MEMBER.subarray(0, 10);
    const bytes = Buffer.concat([header, ...blocks, deflateRawSync("found")]);
    t.is(Buffer.from(await inflateFirst(openGzip(bytes, "f.gz"), 1024)).toString(), "found");
  });

  await inCase(t, "inflates the first bytes of a stream flushed in small pieces", async () => {
    const pieces = deflateRawSync(CONTENT, { strategy: constants.Z_FIXED, memLevel: 1 });
    const bytes = Buffer.concat([MEMBER.subarray(0, 10), pieces]);
    t.deepEqual(new Uint8Array(await inflateFirst(openGzip(bytes, "f.gz"), 1024)), CONTENT.subarray(0, 1024));
  });
});

test("refuses a stream damaged before the first bytes are found", async (t) => {
  const damaged = Buffer.concat([MEMBER.subarray(0, 10), Buffer.alloc(100, 0xff)]);
  await refuses(t, inflateFirst(openGzip(damaged, "f.gz"), 1024), "ERR_GZIP_CORRUPT", /invalid block type/);
});

test("leaves the event loop free while it inflates", async (t) => {
  const zeros = idxMember(new Uint8Array(64 * 2 ** 20), { level: 1 });
  let turns = 0;
  const counter = setInterval(() => turns++, 1);
  t.teardown(() => clearInterval(counter));
  await inflate(zeros);
  t.true(turns > 3, `${turns} turns`);
});

// Headers of gzip members, field by field.

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

test("refuses a header with a flag, a method, a checksum or a field that it may not have", async (t) => {
  await inCase(t, "refuses each reserved flag", () => {
    for (const flag of [0x20, 0x40, 0x80]) {
      const header = Uint8Array.from([...fixed(flag), 3, 0]);
      t.throws(() => gzipHeaderBytes(header, "f"), { code: "ERR_GZIP_CORRUPT", message: /reserved/ });
    }
  });

  await inCase(t, "refuses a compression method other than deflate", () => {
    const header = Uint8Array.from(fixed(0, 7));
    t.throws(() => gzipHeaderBytes(header, "f"), {
      code: "ERR_GZIP_CORRUPT",
      message: /method 7 instead of 8/,
    });
  });

  await inCase(t, "refuses a header that fails its own checksum", () => {
    const header = withChecksum([...fixed(FHCRC | FNAME), ...NAME]);
    header[11]! ^= 1;
    t.throws(() => gzipHeaderBytes(Uint8Array.from(header), "f"), {
      code: "ERR_GZIP_CORRUPT",
      message: /checksum/,
    });
  });

  await inCase(t, "refuses an extra field longer than the file", () => {
    const header = Uint8Array.from([...fixed(FEXTRA), 0xff, 0xff, 1, 2, 3]);
    t.throws(() => gzipHeaderBytes(header, "f"), { code: "ERR_GZIP_CORRUPT" });
  });
});

test("knows gzip by its first two bytes", (t) => {
  t.true(isGzip(gzipSync("x")));
  t.false(isGzip(Uint8Array.of(0x1f)));
  t.false(isGzip(Uint8Array.of(0, 0, 8, 3)));
});
