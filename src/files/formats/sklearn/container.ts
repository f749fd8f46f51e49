/** Opens a file of scikit-learn: a pickle, or what joblib writes, as it is or compressed by zlib or gzip. */

import { constants, unzip, unzipSync } from "node:zlib";
import { inTurns } from "#src/base/abort.js";
import { NetworkError, reasonOf } from "#src/base/errors.js";
import { runPickleInSteps } from "#src/files/formats/pickle/machine.js";
import { ByteReader } from "#src/files/formats/pickle/reader.js";
import type { PickledValue } from "#src/files/formats/pickle/values.js";
import { isTooLong } from "#src/files/inflate.js";
import { SklearnVocabulary } from "./vocabulary.js";

/** Most bytes of an unpacked file. */
const MAX_UNPACKED = 2 ** 30;
/** A file may unpack to this and three times its size. Weights of a penalty that makes zeros shrink to a thirtieth. */
const FREE_BYTES = 2 ** 24;
const MAX_RATIO = 3;
/** Packed bytes that hold the first name of a pickle, and the most that they yield. */
const START_BYTES = 512;

/** A pickle of protocols 0 and 1, 2 and 3, or 4 and 5, that begins with the name of a class of scikit-learn. */
const NAMED =
  /^(ccopy_?reg\n_reconstructor\n(p0\n|q.)?\(csklearn\.|\x80.csklearn\.|\x80.(\x95.{8})?\x8c.sklearn\.)/s;

/** True for the beginning of a pickle of scikit-learn, as it is or in a gzip or zlib stream. */
export function looksLikeSklearn(bytes: Uint8Array): boolean {
  const start = isPacked(bytes) ? startOfPacked(bytes) : bytes.subarray(0, START_BYTES);
  return NAMED.test(Buffer.from(start).toString("latin1"));
}

/** True for the first bytes of a gzip member, and of a zlib stream with a window of 32 KB, as Python writes it. */
function isPacked(head: Uint8Array): boolean {
  const [first, second] = head;
  return (first === 0x1f && second === 0x8b) || (first === 0x78 && (0x7800 + (second ?? 0)) % 31 === 0);
}

/** The beginning of what a packed file holds; no bytes if it is damaged. */
function startOfPacked(bytes: Uint8Array): Uint8Array {
  try {
    return unzipSync(bytes.subarray(0, START_BYTES), { finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    return new Uint8Array();
  }
}

/** A value, and the number of bytes of the pickle that holds it. */
export interface SklearnFile {
  readonly root: PickledValue;
  readonly pickleBytes: number;
}

/** @throws NetworkError ERR_PICKLE_*; ERR_NETWORK_FORMAT for damaged compression */
export async function openSklearn(path: string, bytes: Uint8Array): Promise<SklearnFile> {
  const pickle = isPacked(bytes) ? await unpacked(path, bytes) : bytes;
  const reader = new ByteReader(path, pickle, { hasLongIntegers: true });
  const root = await inTurns(runPickleInSteps(reader, new SklearnVocabulary()));
  return { root, pickleBytes: pickle.length };
}

function unpacked(path: string, bytes: Uint8Array): Promise<Uint8Array> {
  const limit = Math.min(MAX_UNPACKED, FREE_BYTES + MAX_RATIO * bytes.length);
  return new Promise((resolve, reject) => {
    unzip(bytes, { maxOutputLength: limit }, (error, content) => {
      if (error === null) resolve(content);
      else if (isTooLong(error)) {
        reject(new NetworkError("ERR_PICKLE_LIMIT", { path, what: "unpacked bytes", limit }));
      } else {
        const facts = {
          path,
          expected: "a whole zlib or gzip stream around a model of scikit-learn",
          found: `a damaged one (${reasonOf(error)})`,
          next: "is the file complete?",
        };
        reject(new NetworkError("ERR_NETWORK_FORMAT", facts, { cause: error }));
      }
    });
  });
}
