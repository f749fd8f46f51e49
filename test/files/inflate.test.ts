/** Exact gunzip: all of one member, and nothing else. */

import { constants, deflateRawSync, gzipSync } from "node:zlib";
import test, { type ExecutionContext } from "ava";
import { DatasetError } from "#src/base/errors.js";
import { inflateExactly, inflateFirst, openGzip } from "#src/files/inflate.js";
import { inCase } from "../helpers/in-case.js";

const CONTENT = Uint8Array.from({ length: 5000 }, (_, i) => (i * i) % 251);
const MEMBER = gzipSync(CONTENT);

function inflate(bytes: Uint8Array, expectedBytes = CONTENT.length): Promise<Uint8Array> {
  return inflateExactly(openGzip(bytes, "f.gz"), expectedBytes);
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
      t.deepEqual(new Uint8Array(await inflate(gzipSync(content), length)), content);
      await refuses(
        t,
        inflate(gzipSync(new Uint8Array(length + 1)), length),
        "ERR_IDX_TRAILING",
        /found more/,
      );
      const short = gzipSync(new Uint8Array(length - 1));
      await refuses(t, inflate(short, length), "ERR_IDX_TRUNCATED", /after inflating, found/);
    });
  }
});

test("inflates content of several checksum slices", async (t) => {
  const content = new Uint8Array(9 * 2 ** 20).fill(3);
  t.is((await inflate(gzipSync(content), content.length)).length, content.length);
});

test("refuses a member cut at any byte", async (t) => {
  const content = Uint8Array.from({ length: 100 }, (_, i) => i * 7);
  const member = gzipSync(content);
  for (let length = 10; length < member.length; length++) {
    await refuses(t, inflate(member.subarray(0, length), content.length), "ERR_GZIP_CORRUPT", /damaged/);
  }
});

test("refuses a second member", async (t) => {
  const both = Buffer.concat([MEMBER, gzipSync("more")]);
  await refuses(t, inflate(both), "ERR_GZIP_TRAILING", /found 24 bytes behind it/);
});

test("refuses an empty second member", async (t) => {
  await refuses(t, inflate(Buffer.concat([MEMBER, gzipSync("")])), "ERR_GZIP_TRAILING", /20 bytes/);
});

test("refuses zeros behind the member", async (t) => {
  await refuses(t, inflate(Buffer.concat([MEMBER, Buffer.alloc(512)])), "ERR_GZIP_TRAILING", /512 bytes/);
});

test("refuses a single byte behind the member", async (t) => {
  await refuses(t, inflate(Buffer.concat([MEMBER, Buffer.of(0x0a)])), "ERR_GZIP_TRAILING", /1 bytes/);
});

test("refuses content that fails its CRC-32", async (t) => {
  const damaged = Buffer.from(MEMBER);
  damaged[damaged.length - 8] ^= 1;
  await refuses(t, inflate(damaged), "ERR_GZIP_CORRUPT", /CRC-32/);
});

test("refuses a length field that disagrees", async (t) => {
  const damaged = Buffer.from(MEMBER);
  damaged[damaged.length - 1] ^= 1;
  await refuses(t, inflate(damaged), "ERR_GZIP_CORRUPT", /length field/);
});

test("refuses a stream that is no deflate", async (t) => {
  const damaged = Buffer.concat([MEMBER.subarray(0, 10), Buffer.alloc(100, 0xff)]);
  await refuses(t, inflate(damaged), "ERR_GZIP_CORRUPT", /invalid block type/);
});

test("refuses to expect more than the compressed bytes could hold", async (t) => {
  const tiny = gzipSync("tiny");
  await refuses(
    t,
    inflate(tiny, 2 ** 31),
    "ERR_GZIP_CORRUPT",
    /14 compressed bytes cannot hold 2,147,483,648/,
  );
});

test("allows the densest stream that deflate can make", async (t) => {
  const zeros = new Uint8Array(50 * 2 ** 20);
  const densest = gzipSync(zeros, { level: 9 });
  t.true(zeros.length / densest.length > 1020);
  t.is((await inflate(densest, zeros.length)).length, zeros.length);
});

test("inflates the first bytes and no more", async (t) => {
  const first = await inflateFirst(openGzip(MEMBER, "f.gz"), 1024);
  t.deepEqual(new Uint8Array(first), CONTENT.subarray(0, 1024));
});

test("inflates all where there is less than asked for", async (t) => {
  const first = await inflateFirst(openGzip(gzipSync("short"), "f.gz"), 1024);
  t.is(Buffer.from(first).toString(), "short");
});

test("inflates the first bytes though thousands of empty blocks stand before them", async (t) => {
  const emptyBlock = Buffer.of(0, 0, 0, 0xff, 0xff);
  const blocks = Array.from({ length: 20_000 }, () => emptyBlock);
  const header = MEMBER.subarray(0, 10);
  const bytes = Buffer.concat([header, ...blocks, deflateRawSync("found")]);
  t.is(Buffer.from(await inflateFirst(openGzip(bytes, "f.gz"), 1024)).toString(), "found");
});

test("inflates the first bytes of a stream flushed in small pieces", async (t) => {
  const pieces = deflateRawSync(CONTENT, { strategy: constants.Z_FIXED, memLevel: 1 });
  const bytes = Buffer.concat([MEMBER.subarray(0, 10), pieces]);
  t.deepEqual(new Uint8Array(await inflateFirst(openGzip(bytes, "f.gz"), 1024)), CONTENT.subarray(0, 1024));
});

test("refuses a stream damaged before the first bytes are found", async (t) => {
  const damaged = Buffer.concat([MEMBER.subarray(0, 10), Buffer.alloc(100, 0xff)]);
  await refuses(t, inflateFirst(openGzip(damaged, "f.gz"), 1024), "ERR_GZIP_CORRUPT", /invalid block type/);
});

test("leaves the event loop free while it inflates", async (t) => {
  const zeros = gzipSync(new Uint8Array(64 * 2 ** 20), { level: 1 });
  let turns = 0;
  const counter = setInterval(() => turns++, 1);
  t.teardown(() => clearInterval(counter));
  await inflate(zeros, 64 * 2 ** 20);
  t.true(turns > 3, `${turns} turns`);
});
