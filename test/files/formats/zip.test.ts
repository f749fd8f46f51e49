/** ZIP archives: what NumPy, Java and info-zip write, each way to deceive, and the elements of arrays. */
import { deflateRawSync } from "node:zlib";
import test from "ava";
import { strFromU8, unzipSync } from "fflate";
import { atLeast, type ErrorCode } from "#src/base/errors.js";
import { decodeElements, type ElementType } from "#src/files/formats/arrays.js";
import { encodeZip, readZipDirectory, startOfEntry, wholeEntry } from "#src/files/formats/zip.js";
import { inCase } from "../../helpers/in-case.js";
import { type EndFields, type TestEntry, zip64Extra, zipFile } from "../../helpers/zip.js";
import { coded, codedAsync, raw } from "../../networks/coded.js";

const LIMIT_BYTES = 1_000_000;
const TEXT = Buffer.from("weights ".repeat(100));
const directory = (bytes: Uint8Array) => readZipDirectory("a.zip", bytes, LIMIT_BYTES);
const stored = (name: string, more: Partial<TestEntry> = {}): TestEntry => ({ name, content: TEXT, ...more });
const deflated = (name: string, more: Partial<TestEntry> = {}) => stored(name, { deflated: true, ...more });

async function contents(bytes: Uint8Array): Promise<[string, Uint8Array][]> {
  return Promise.all(
    directory(bytes).map(async (entry): Promise<[string, Uint8Array]> => {
      return [entry.name, Uint8Array.from(await wholeEntry("a.zip", entry))];
    }),
  );
}

const HONEST: readonly (readonly [title: string, bytes: Uint8Array])[] = [
  ["stored and deflated", zipFile([stored("a"), deflated("b")])],
  [
    "with a comment",
    zipFile([stored("a"), stored("b")], { comment: Buffer.from("PK\x05\x06 made by hand, no end") }),
  ],
  [
    "as NumPy writes them, with ZIP64 sizes before the content",
    zipFile([
      stored("a", {
        local: { packedBytes: 0xffffffff, unpackedBytes: 0xffffffff },
        extra: zip64Extra(TEXT.length, TEXT.length),
      }),
      deflated("b"),
    ]),
  ],
  [
    "written as a stream, with sizes behind the content",
    zipFile([
      deflated("a", { lies: { flags: 8 }, local: { crc: 0, packedBytes: 0, unpackedBytes: 0 } }),
      stored("b", { lies: { flags: 8 } }),
    ]),
  ],
];

test("reads entries as NumPy, Java and info-zip write them, and archives of nothing", async (t) => {
  await inCase(t, "reads entries as NumPy, Java and info-zip write them", async () => {
    for (const [title, bytes] of HONEST) {
      await inCase(t, `reads entries ${title}`, async () => {
        t.deepEqual(await contents(bytes), [
          ["a", new Uint8Array(TEXT)],
          ["b", new Uint8Array(TEXT)],
        ]);
      });
    }
  });

  await inCase(t, "reads an archive of nothing, an entry of nothing, and a name beyond ASCII", async () => {
    t.deepEqual(directory(zipFile([])), []);
    const name = Buffer.from("poids/é.npy").toString("latin1");
    const empty = new Uint8Array();
    for (const isDeflated of [false, true]) {
      t.deepEqual(await contents(zipFile([{ name, content: empty, deflated: isDeflated }])), [
        ["poids/é.npy", empty],
      ]);
    }
  });
});

test("unpacks no more of an entry than its start", async (t) => {
  for (const entry of directory(zipFile([stored("a"), deflated("b")]))) {
    t.is(String(await startOfEntry("a.zip", entry, 12)), "weights weig");
    t.is((await startOfEntry("a.zip", entry, 10_000)).length, TEXT.length);
  }
});

const end = (fields: Partial<EndFields>) => zipFile([stored("a")], fields);
const REFUSED: readonly (readonly [title: string, bytes: Uint8Array, code: ErrorCode])[] = [
  ["a file of nothing", raw(), "ERR_ZIP_STRUCTURE"],
  ["an archive without its end", zipFile([stored("a")]).subarray(0, -1), "ERR_ZIP_STRUCTURE"],
  ["a byte behind the end", raw(zipFile([stored("a")]), "\0"), "ERR_ZIP_STRUCTURE"],
  ["a byte before the archive", raw("\0", zipFile([stored("a")])), "ERR_ZIP_STRUCTURE"],
  ["a directory that begins elsewhere", end({ directoryOffset: 3 }), "ERR_ZIP_STRUCTURE"],
  ["a directory longer than it says", end({ directoryBytes: 40 }), "ERR_ZIP_STRUCTURE"],
  ["more entries than there are", end({ entries: 2 }), "ERR_ZIP_STRUCTURE"],
  ["fewer entries than there are", end({ entries: 0 }), "ERR_ZIP_STRUCTURE"],
  ["one disk of several", end({ disk: 1 }), "ERR_ZIP_UNSUPPORTED"],
  ["entries on other disks", end({ entriesHere: 0, entries: 1 }), "ERR_ZIP_UNSUPPORTED"],
  ["an entry on another disk", zipFile([stored("a", { lies: { disk: 1 } })]), "ERR_ZIP_UNSUPPORTED"],
  ["a ZIP64 directory", end({ entries: 0xffff }), "ERR_ZIP_UNSUPPORTED"],
  [
    "ZIP64 sizes in the directory",
    zipFile([stored("a", { lies: { packedBytes: 0xffffffff } })]),
    "ERR_ZIP_UNSUPPORTED",
  ],
  ["an encrypted entry", zipFile([stored("a", { lies: { flags: 1 } })]), "ERR_ZIP_UNSUPPORTED"],
  ["a strongly encrypted entry", zipFile([stored("a", { lies: { flags: 64 } })]), "ERR_ZIP_UNSUPPORTED"],
  ["another method", zipFile([stored("a", { lies: { method: 12 } })]), "ERR_ZIP_UNSUPPORTED"],
  ["a name that is empty", zipFile([stored("")]), "ERR_ZIP_NAME"],
  ["a name that leads out", zipFile([stored("../W1.npy")]), "ERR_ZIP_NAME"],
  ["a name that leads out by a detour", zipFile([stored("a/../../W1.npy")]), "ERR_ZIP_NAME"],
  ["an absolute name", zipFile([stored("/etc/W1.npy")]), "ERR_ZIP_NAME"],
  ["a name with a drive", zipFile([stored("C:W1.npy")]), "ERR_ZIP_NAME"],
  ["a name with backslashes", zipFile([stored("..\\W1.npy")]), "ERR_ZIP_NAME"],
  ["a name with a zero byte", zipFile([stored("W1\0.npy")]), "ERR_ZIP_NAME"],
  ["a name that is not UTF-8", zipFile([stored("\xff.npy")]), "ERR_ZIP_NAME"],
  ["a folder", zipFile([stored("a/")]), "ERR_ZIP_NAME"],
  ["a name given twice", zipFile([stored("a"), deflated("a")]), "ERR_ZIP_DUPLICATE"],
  ["an entry beyond the file", zipFile([stored("a", { lies: { offset: 5_000 } })]), "ERR_ZIP_STRUCTURE"],
  ["an entry within the directory", zipFile([stored("a", { lies: { offset: 820 } })]), "ERR_ZIP_STRUCTURE"],
  ["an entry that is no header", zipFile([stored("a", { lies: { offset: 1 } })]), "ERR_ZIP_STRUCTURE"],
  ["another name at the content", zipFile([stored("a", { local: { name: "b" } })]), "ERR_ZIP_STRUCTURE"],
  ["another method at the content", zipFile([stored("a", { local: { method: 8 } })]), "ERR_ZIP_STRUCTURE"],
  ["other flags at the content", zipFile([stored("a", { local: { flags: 8 } })]), "ERR_ZIP_STRUCTURE"],
  [
    "another size at the content",
    zipFile([stored("a", { local: { unpackedBytes: 1 } })]),
    "ERR_ZIP_STRUCTURE",
  ],
  ["another CRC-32 at the content", zipFile([stored("a", { local: { crc: 1 } })]), "ERR_ZIP_STRUCTURE"],
  [
    "ZIP64 sizes at the content that lie",
    zipFile([
      stored("a", {
        local: { packedBytes: 0xffffffff, unpackedBytes: 0xffffffff },
        extra: zip64Extra(2 ** 40, 800),
      }),
    ]),
    "ERR_ZIP_STRUCTURE",
  ],
  [
    "ZIP64 sizes at the content that are missing",
    zipFile([stored("a", { local: { packedBytes: 0xffffffff, unpackedBytes: 0xffffffff } })]),
    "ERR_ZIP_STRUCTURE",
  ],
  [
    "a content cut by the directory",
    zipFile([deflated("a", { lies: { packedBytes: 900 } })]),
    "ERR_ZIP_STRUCTURE",
  ],
  [
    "a stored entry of two sizes",
    zipFile([stored("a", { lies: { unpackedBytes: 900 } })]),
    "ERR_ZIP_STRUCTURE",
  ],
  [
    "a claim that deflate cannot reach",
    zipFile([deflated("a", { lies: { unpackedBytes: 900_000 } })]),
    "ERR_ZIP_STRUCTURE",
  ],
  ["claims of more than the limit together", zipFile(manyZeros()), "ERR_ZIP_LIMIT"],
  ["2,001 entries", zipFile([], { entries: 2_001 }), "ERR_ZIP_LIMIT"],
  ["two entries with one content", zipFile([stored("a"), stored("b")].map(sharing)), "ERR_ZIP_OVERLAP"],
];

/** Ten entries that are honest, of 200 kB each. */
function manyZeros(): TestEntry[] {
  return Array.from({ length: 10 }, (_, n) => ({
    name: `${n}`,
    content: Buffer.alloc(200_000),
    deflated: true,
  }));
}

/** The first entry holds the second's header in its content, as an overlapping bomb does. */
function sharing(entry: TestEntry, index: number, entries: readonly TestEntry[]): TestEntry {
  if (index === 1) return { ...entry, lies: { offset: 31 } };
  const [, second] = atLeast(entries, 2);
  const inner = zipFile([second]).subarray(0, 31 + TEXT.length);
  return { ...entry, content: inner };
}

test("refuses each archive whose directory deceives, with its code", async (t) => {
  for (const [title, bytes, code] of REFUSED) {
    await inCase(t, `refuses ${title}`, () => {
      const { message } = coded(t, () => directory(bytes), code);
      t.true(message.length < 300, message);
    });
  }
});

const DAMAGED: readonly (readonly [title: string, entry: TestEntry, code: ErrorCode])[] = [
  ["a stored content of another CRC-32", stored("a", { lies: { crc: 1 } }), "ERR_ZIP_CORRUPT"],
  ["a deflated content of another CRC-32", deflated("a", { lies: { crc: 1 } }), "ERR_ZIP_CORRUPT"],
  ["a content that inflates to more", deflated("a", { lies: { unpackedBytes: 799 } }), "ERR_ZIP_SIZE"],
  [
    "a content that inflates to more than nothing",
    deflated("a", { lies: { unpackedBytes: 0 } }),
    "ERR_ZIP_SIZE",
  ],
  ["a content that inflates to less", deflated("a", { lies: { unpackedBytes: 801 } }), "ERR_ZIP_SIZE"],
  [
    "a deflate stream that is cut",
    deflated("a", { packed: deflateRawSync(TEXT).subarray(0, -4) }),
    "ERR_ZIP_CORRUPT",
  ],
  [
    "a deflate stream with more behind it",
    deflated("a", { packed: raw(deflateRawSync(TEXT), "x") }),
    "ERR_ZIP_CORRUPT",
  ],
  ["what is no deflate stream", deflated("a", { packed: Buffer.alloc(20, 0xff) }), "ERR_ZIP_CORRUPT"],
];

test("refuses each entry whose content is damaged, with its code", async (t) => {
  await inCase(t, "refuses each entry whose content is damaged, with its code", async () => {
    for (const [title, entry, code] of DAMAGED) {
      await inCase(t, `refuses ${title}`, async () => {
        await codedAsync(t, contents(zipFile([entry])), code);
      });
    }
  });

  await inCase(t, "refuses the start of what is no deflate stream", async () => {
    const [entry] = atLeast(directory(zipFile([deflated("a", { packed: Buffer.alloc(20, 0xff) })])), 1);
    await codedAsync(t, startOfEntry("a.zip", entry, 10), "ERR_ZIP_CORRUPT");
  });
});

test("writes archives that other readers read, the same bytes each time and in every time zone", (t) => {
  const entries = new Map([
    ["W1.npy", TEXT],
    ["b1.npy", Buffer.from("biases")],
  ]);
  for (const isDeflated of [false, true]) {
    const bytes = encodeZip(entries, isDeflated);
    const unzipped = unzipSync(bytes);
    t.deepEqual(Object.keys(unzipped), ["W1.npy", "b1.npy"]);
    t.is(strFromU8(unzipped["W1.npy"]!), String(TEXT));
    t.deepEqual(encodeZip(entries, isDeflated), bytes);
    // 1980-01-01 00:00:00 as DOS has it, at offset 10 of the first header.
    t.is(new DataView(bytes.buffer, bytes.byteOffset).getUint32(10, true), 0x00210000);
    t.is(directory(bytes)[0]?.method, isDeflated ? "deflated" : "stored");
  }
});

function u16s(values: readonly number[], littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(values.length * 2);
  values.forEach((value, index) => {
    new DataView(bytes.buffer).setUint16(index * 2, value, littleEndian);
  });
  return bytes;
}

test("decodes elements of each type, in either byte order, from any offset", async (t) => {
  await inCase(t, "decodes float16 as IEEE 754 binary16, in either byte order", () => {
    const bits = [
      0x0000, 0x8000, 0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x83ff, 0x3555, 0x7c00, 0xfc00, 0x7e00,
    ];
    const values = [
      0,
      -0,
      1,
      -2,
      65504,
      2 ** -14,
      2 ** -24,
      -1023 * 2 ** -24,
      0.333251953125,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      Number.NaN,
    ];
    for (const littleEndian of [true, false]) {
      t.deepEqual([...decodeElements(u16s(bits, littleEndian), "float16", littleEndian)], values);
    }
  });

  await inCase(t, "decodes bfloat16 as the upper half of a float32", () => {
    const decoded = decodeElements(u16s([0x3f80, 0xc049, 0x7f80, 0x0001], true), "bfloat16", true);
    t.deepEqual([...decoded], [1, -3.140625, Number.POSITIVE_INFINITY, 2 ** -133]);
  });

  await inCase(t, "decodes float32 and float64 from any offset", () => {
    const bytes = new Uint8Array(1 + 8);
    new DataView(bytes.buffer).setFloat64(1, Math.PI, false);
    t.deepEqual([...decodeElements(bytes.subarray(1), "float64", false)], [Math.PI]);
    new DataView(bytes.buffer).setFloat32(1, Math.PI, true);
    t.deepEqual([...decodeElements(bytes.subarray(1, 5), "float32", true)], [Math.fround(Math.PI)]);
  });

  await inCase(t, "decodes no bytes to no elements", () => {
    for (const type of ["float16", "bfloat16", "float32", "float64"] satisfies ElementType[]) {
      t.is(decodeElements(new Uint8Array(0), type, true).length, 0);
    }
  });
});
