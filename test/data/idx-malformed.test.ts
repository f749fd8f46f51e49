/** IDX files that are not whole, not IDX, or not what was asked for: each refused with its code. */

import { gzipSync } from "node:zlib";
import test from "ava";
import { BatchwiseError } from "#src/base/errors.js";
import { type ReadIdxOptions, readIdx } from "#src/data/idx.js";
import { type IdxHeaderOptions, parseIdxHeader } from "#src/data/idx-header.js";
import { idxBytes, idxHeader, imageBytes, labelBytes } from "../helpers/idx.js";
import { inCase } from "../helpers/in-case.js";
import { temporaryFile, temporaryFolder } from "../helpers/temporary.js";

const U8 = 0x08;
const F64 = 0x0e;
const MAX_U32 = 2 ** 32 - 1;
const WHOLE = imageBytes(10);

interface Case {
  readonly bytes: Uint8Array;
  readonly code: string;
  readonly says: RegExp;
  readonly options?: ReadIdxOptions;
}

/** Each is refused as it stands and, unless it says otherwise, as the content of a gzip member. */
const cases: Record<string, Case> = {
  "a file one byte short": {
    bytes: WHOLE.subarray(0, -1),
    code: "ERR_IDX_TRUNCATED",
    says: /expected 76 bytes( after inflating)?, found 75; is the download complete\?/,
  },
  "a file of its header alone": {
    bytes: WHOLE.subarray(0, 16),
    code: "ERR_IDX_TRUNCATED",
    says: /expected 76 bytes.*, found 16;/,
  },
  "a file cut within its dimensions": {
    bytes: WHOLE.subarray(0, 15),
    code: "ERR_IDX_TRUNCATED",
    says: /expected 16 bytes.*, found 15;/,
  },
  "a file cut within its magic": {
    bytes: WHOLE.subarray(0, 3),
    code: "ERR_IDX_TRUNCATED",
    says: /expected 4 bytes.*, found 3;/,
  },
  "a file of one zero byte": {
    bytes: Buffer.of(0),
    code: "ERR_IDX_TRUNCATED",
    says: /expected 4 bytes.*, found 1;/,
  },
  "a file one byte too long": {
    bytes: Buffer.concat([WHOLE, Buffer.of(0)]),
    code: "ERR_IDX_TRAILING",
    says: /expected 76 bytes.*, found (77|more);/,
  },
  "a file that is no IDX": {
    bytes: Buffer.from("PK\x03\x04, a zip"),
    code: "ERR_IDX_MAGIC",
    says: /found 50 4b 03 04;/,
  },
  "a file of one byte that is no IDX": { bytes: Buffer.of(7), code: "ERR_IDX_MAGIC", says: /found 07;/ },
  "a second byte other than zero": {
    bytes: Buffer.of(0, 1, 8, 1, 0, 0, 0, 1, 0),
    code: "ERR_IDX_MAGIC",
    says: /found 00 01 08 01;/,
  },
  "an element type that does not exist": {
    bytes: idxHeader(0x0a, [1]),
    code: "ERR_IDX_DTYPE",
    says: /expected IDX elements of type u8, i8, i16, i32, f32, f64, found 0x0a/,
  },
  "rank 0": {
    bytes: Buffer.concat([idxHeader(U8, []), Buffer.of(1)]),
    code: "ERR_IDX_RANK",
    says: /expected rank 1 to 255, found rank 0; is the header damaged\?/,
  },
  "a dimension of zero": {
    bytes: idxHeader(U8, [0, 28, 28]),
    code: "ERR_IDX_DIMENSIONS",
    says: /expected dimensions above 0 .*found 0 × 28 × 28/,
  },
  "a dimension of zero beside ones beyond any limit": {
    bytes: idxHeader(U8, [MAX_U32, 0, MAX_U32]),
    code: "ERR_IDX_DIMENSIONS",
    says: /4294967295 × 0 × 4294967295/,
  },
  "a dimension of 2^32 − 1": {
    bytes: idxHeader(U8, [MAX_U32]),
    code: "ERR_IDX_DIMENSIONS",
    says: /expected dimensions above 0 that make at most 2,147,483,648 bytes/,
  },
  "dimensions whose product passes 2^64": {
    bytes: idxHeader(U8, [MAX_U32, MAX_U32, MAX_U32]),
    code: "ERR_IDX_DIMENSIONS",
    says: /at most/,
  },
  "255 dimensions whose product passes every float": {
    bytes: idxHeader(F64, Array(255).fill(MAX_U32)),
    code: "ERR_IDX_DIMENSIONS",
    says: /at most/,
  },
  "dimensions whose product is 2^64, which wraps to zero": {
    bytes: idxHeader(U8, [2 ** 31, 2 ** 31, 4]),
    code: "ERR_IDX_DIMENSIONS",
    says: /at most/,
  },
  "elements that fit the limit, in bytes that do not": {
    bytes: idxHeader(F64, [2 ** 28]),
    code: "ERR_IDX_DIMENSIONS",
    says: /at most/,
  },
  "another rank than asked for": {
    bytes: labelBytes(10),
    code: "ERR_IDX_RANK",
    says: /expected rank 3, found rank 1; are images and labels swapped\?/,
    options: { rank: 3 },
  },
  "another element type than asked for": {
    bytes: idxBytes("f32", [2], [0, 1]),
    code: "ERR_IDX_DTYPE",
    says: /expected IDX elements of type u8, found f32/,
    options: { dtype: "u8" },
  },
};

test("refuses each damaged or foreign file with its code, plain and gzipped", async (t) => {
  for (const [what, { bytes, code, says, options }] of Object.entries(cases)) {
    for (const [how, fileBytes] of [
      ["plain", bytes],
      ["gzipped", gzipSync(bytes)],
    ] as const) {
      await inCase(t, `refuses ${what}, ${how}`, async () => {
        const path = await temporaryFile(t, fileBytes);
        const error = await t.throwsAsync(readIdx(path, options), { instanceOf: BatchwiseError, code });
        t.regex(error.message, says);
        if (code === "ERR_IDX_TRUNCATED") t.is(error.message.includes("after inflating"), how === "gzipped");
        t.true(error.message.startsWith(`${path}: `));
        t.false(error.message.includes("\n"));
        t.is(error.exitStatus, 3);
      });
    }
  }
});

test("refuses files that claim more than they hold, or than the limit", async (t) => {
  await inCase(t, "refuses a plain file that claims gigabytes and holds a few bytes", async () => {
    const path = await temporaryFile(t, idxHeader(U8, [2 ** 31 - 8]));
    await t.throwsAsync(readIdx(path), {
      code: "ERR_IDX_TRUNCATED",
      message: /expected 2,147,483,648 bytes/,
    });
  });

  await inCase(t, "refuses a gzipped file that claims gigabytes and could not hold them", async () => {
    const path = await temporaryFile(t, gzipSync(idxHeader(U8, [2 ** 31 - 8])));
    await t.throwsAsync(readIdx(path), { code: "ERR_GZIP_CORRUPT", message: /cannot hold 2,147,483,648/ });
  });

  await inCase(t, "refuses a gzipped header that claims more than the limit of the call", async () => {
    const path = await temporaryFile(t, gzipSync(imageBytes(1000)));
    await t.throwsAsync(readIdx(path, { limitBytes: 6015 }), {
      code: "ERR_IDX_DIMENSIONS",
      message: /6,015/,
    });
    t.deepEqual((await readIdx(path, { limitBytes: 6016 })).shape, [1000, 3, 2]);
  });
});

test("a header that is cut is of a plain file, unless its reader says that it was inflated", (t) => {
  const messageOf = (options?: IdxHeaderOptions) =>
    t.throws(() => parseIdxHeader(WHOLE.subarray(0, 3), "f", options))?.message;
  t.is(messageOf(), "f: expected 4 bytes, found 3; is the download complete?");
  t.is(
    messageOf({ inflated: true }),
    "f: expected 4 bytes after inflating, found 3; is the download complete?",
  );
});

test("refuses an empty file, a folder, and a gzip member of nothing", async (t) => {
  await inCase(t, "refuses an empty file", async () => {
    await t.throwsAsync(readIdx(await temporaryFile(t, "")), { code: "ERR_FILE_EMPTY" });
  });

  await inCase(t, "refuses a gzip member of nothing", async () => {
    const error = await t.throwsAsync(readIdx(await temporaryFile(t, gzipSync(""))), {
      code: "ERR_IDX_TRUNCATED",
    });
    t.regex(error?.message ?? "", /expected 4 bytes after inflating, found 0/);
  });

  await inCase(t, "refuses a folder", async () => {
    await t.throwsAsync(readIdx(await temporaryFolder(t)), {
      code: "ERR_FILE_READ",
      message: /it is a folder/,
    });
  });
});

test("refuses a file cut at any byte", async (t) => {
  await inCase(t, "refuses a gzipped file cut at any byte", async () => {
    const member = gzipSync(WHOLE);
    for (let length = 2; length < member.length; length++) {
      const path = await temporaryFile(t, member.subarray(0, length));
      await t.throwsAsync(readIdx(path), { code: "ERR_GZIP_CORRUPT" }, `${length} of ${member.length} bytes`);
    }
  });

  await inCase(t, "refuses a plain file cut at any byte", async () => {
    for (let length = 1; length < WHOLE.length; length++) {
      const path = await temporaryFile(t, WHOLE.subarray(0, length));
      await t.throwsAsync(readIdx(path), { code: "ERR_IDX_TRUNCATED" }, `${length} of ${WHOLE.length} bytes`);
    }
  });
});

test("refuses anything behind the gzip member", async (t) => {
  const member = gzipSync(WHOLE);
  for (const trailing of [member, gzipSync(""), Buffer.alloc(1024), Buffer.from("junk")]) {
    const path = await temporaryFile(t, Buffer.concat([member, trailing]));
    await t.throwsAsync(readIdx(path), { code: "ERR_GZIP_TRAILING" });
  }
});
