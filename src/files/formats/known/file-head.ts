/** Reads the beginning of a file, from which its kind is recognized, and the contents of archives and pickles. */

import { inflateRawSync, inflateSync, constants as zlib } from "node:zlib";
import { BatchwiseError } from "#src/base/errors.js";
import { outlinePickle, type PickleOutline } from "#src/files/formats/pickle-outline.js";
import { readZipDirectory, startOfEntry } from "#src/files/formats/zip.js";
import type { ZipEntry } from "#src/files/formats/zip-entry.js";
import { readInto, withFile } from "#src/files/read-file.js";

/** Bytes that identify most formats. */
const HEAD_BYTES = 8 * 1024;
/** Longest ZIP, pickle or text that is read whole: the contents of a ZIP are listed at its end. */
const WHOLE_BYTES = 512 * 2 ** 20;
/** Bytes read of a longer file. */
const LONG_BYTES = 2 ** 20;
/** Bytes inflated of a compressed file. */
const PACKED_BYTES = 256 * 1024;
/** Most bytes that they yield: weights of a penalty that makes zeros shrink to a thirtieth. */
const MOST_UNPACKED = 2 ** 23;
const LIMIT_BYTES = 2 ** 31;
/** Longest `config.json` or `data.pkl` in bytes. */
const INNER_BYTES = 4 * 2 ** 20;

export interface FileHead {
  /** The first 8 KiB; `text` has one character per byte. */
  readonly bytes: Uint8Array;
  readonly text: string;
  /** The first 16 bytes in hexadecimal digits, for marks that are not text. */
  readonly hex: string;
  readonly sizeBytes: number;
  /** The whole file if `isWhole`, else its beginning. */
  readonly content: Uint8Array;
  readonly isWhole: boolean;
  /** Names of a ZIP archive's entries. */
  readonly names: readonly string[];
  /** `config.json` of Keras, from a ZIP. */
  readonly config: string | undefined;
  /** Code of TorchScript, from a ZIP: the beginning of its first module. */
  readonly code: string | undefined;
  /** Outline of a pickle, alone, in a ZIP (`data.pkl`) or in a .npy. */
  readonly pickle: PickleOutline | undefined;
  /** Arrays of a .npz by name, or the array of a .npy under the name "". */
  readonly arrays: ReadonlyMap<string, NpyOutline>;
  /** Beginning of the content of a gzip or zlib stream. */
  readonly inflated: FileHead | undefined;
}

/** @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY */
export function readFileHead(path: string): Promise<FileHead> {
  return withFile(path, async (handle, sizeBytes) => {
    const wanted = new Uint8Array(sizeBytes <= WHOLE_BYTES ? sizeBytes : LONG_BYTES);
    const content = wanted.subarray(0, await readInto(handle, wanted, 0));
    return headOf(path, content, sizeBytes);
  });
}

async function headOf(path: string, content: Uint8Array, sizeBytes: number): Promise<FileHead> {
  const bytes = content.subarray(0, HEAD_BYTES);
  const text = latin1(bytes);
  const entries = text.startsWith("PK") ? zipEntries(path, content) : [];
  const [config, code, data] = await Promise.all([
    innerText(
      path,
      entries.find(({ name }) => name === "config.json"),
    ),
    innerText(
      path,
      entries.find(({ name }) => /^[^/]+\/code\/.*\.py$/.test(name)),
    ),
    inner(
      path,
      entries.find(({ name }) => /^[^/]+\/data\.pkl$/.test(name)),
    ),
  ]);
  const inflated = inflatedStart(content);
  return {
    bytes,
    text,
    hex: hexOf(bytes),
    sizeBytes,
    content,
    isWhole: content.length === sizeBytes,
    names: entries.map(({ name }) => name),
    config,
    code,
    pickle: data === undefined ? pickleOf(content, text) : outlinePickle(data),
    arrays: await arraysOf(path, content, entries),
    inflated: inflated && (await headOf(path, inflated, Number.NaN)),
  };
}

/** Empty if the archive is damaged: its reader reports that. */
function zipEntries(path: string, content: Uint8Array): readonly ZipEntry[] {
  try {
    return readZipDirectory(path, content, LIMIT_BYTES);
  } catch (error) {
    if (error instanceof BatchwiseError) return [];
    throw error;
  }
}

async function inner(path: string, entry: ZipEntry | undefined): Promise<Uint8Array | undefined> {
  if (entry === undefined) return undefined;
  try {
    return await startOfEntry(path, entry, INNER_BYTES);
  } catch (error) {
    if (error instanceof BatchwiseError) return undefined;
    throw error;
  }
}

async function innerText(path: string, entry: ZipEntry | undefined): Promise<string | undefined> {
  const bytes = await inner(path, entry);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString("utf8");
}

/** True for the beginning of a pickle: a number for protocols 2 to 5; a dict, list, tuple or name for 0 and 1. */
function pickleOf(content: Uint8Array, text: string): PickleOutline | undefined {
  if (
    /^(800[2-5])/.test(hexOf(content)) ||
    /^(\(?[dlt]p\d|\(dp|\(lp|[}\])]q|\(c?[\w.]+\n|c[\w.]+\n)/.test(text)
  )
    return outlinePickle(content);
  const npy = outlineNpy(content);
  return npy?.descr === "|O" ? outlinePickle(content, npy.headerBytes) : undefined;
}

async function arraysOf(
  path: string,
  content: Uint8Array,
  entries: readonly ZipEntry[],
): Promise<Map<string, NpyOutline>> {
  const single = outlineNpy(content);
  if (single !== undefined) return new Map([["", single]]);
  const arrays = new Map<string, NpyOutline>();
  for (const entry of entries) {
    if (!entry.name.endsWith(".npy")) continue;
    const start = await inner(path, entry);
    const outline = start && outlineNpy(start);
    if (outline !== undefined) arrays.set(entry.name.slice(0, -".npy".length), outline);
  }
  return arrays;
}

/** Inflates the first undamaged bytes of gzip (RFC 1952), or of zlib (RFC 1950), which joblib writes. */
function inflatedStart(content: Uint8Array): Uint8Array | undefined {
  const isGzip = content[0] === 0x1f && content[1] === 0x8b;
  const isZlib = content[0] === 0x78 && ((content[0] << 8) | content[1]!) % 31 === 0;
  if (!isGzip && !isZlib) return undefined;
  const packed = content.subarray(0, PACKED_BYTES);
  const options = { finishFlush: zlib.Z_SYNC_FLUSH, maxOutputLength: MOST_UNPACKED };
  try {
    return isGzip
      ? inflateRawSync(packed.subarray(gzipHeader(packed)), options)
      : inflateSync(packed, options);
  } catch {
    return undefined;
  }
}

/** Offset of the deflate stream, after a header with a name or a comment. Writers put nothing else there. */
function gzipHeader(packed: Uint8Array): number {
  let at = 10;
  for (const flag of [0x08, 0x10]) {
    if (packed[3]! & flag) at = packed.indexOf(0, at) + 1;
  }
  return at;
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, 16)).toString("hex");
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

/** Header of a .npy file, for messages: any dtype, without a check of the elements. */
export interface NpyOutline {
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  readonly headerBytes: number;
}

/** Undefined if the bytes are not a .npy file (numpy.lib.format). */
export function outlineNpy(bytes: Uint8Array): NpyOutline | undefined {
  const head = Buffer.from(bytes.subarray(0, 12));
  if (head.length < 12 || head.toString("latin1", 0, 6) !== "\x93NUMPY") return undefined;
  const isShort = head[6] === 1;
  const dictAt = isShort ? 10 : 12;
  const headerBytes = dictAt + (isShort ? head.readUInt16LE(8) : head.readUInt32LE(8));
  const dict = Buffer.from(bytes.subarray(dictAt, Math.min(headerBytes, dictAt + 10_000))).toString("utf8");
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(dict)?.[1] ?? "records";
  const shape = /'shape'\s*:\s*\(([\d\s,L]*)\)/.exec(dict)?.[1];
  if (shape === undefined) return undefined;
  return {
    descr,
    fortranOrder: /'fortran_order'\s*:\s*True/.test(dict),
    shape: Array.from(shape.matchAll(/\d+/g), ([digits]) => Number(digits)),
    headerBytes,
  };
}
