/** Damages files: the same mutant for the same target, seed number and index, in any process. */
import { atLeast } from "#src/base/errors.js";
import { seeded } from "../helpers/random.js";
import type { Pieces, Seed, Target } from "./target.js";

/** Whole numbers from 0 up to, and without, the limit. */
type Below = (limit: number) => number;

export interface Mutant {
  readonly bytes: Uint8Array;
  /** The seed's name, and whether its pieces were changed or its bytes. */
  readonly origin: string;
}

/** No mutant is longer than this, unless its seed is. */
const MOST_BYTES = 2 ** 17;
const MOST_CHANGES = 4;
const MOST_CHUNK_BYTES = 64;
const MOST_REPEATS = 256;
/** Where formats keep their magics and lengths. */
const HEADER_BYTES = 32;
/** Knuth's multiplier spreads consecutive numbers over 32 bits. */
const SPREAD = 0x9e3779b1;

export function mutantOf(target: Target, seedNumber: number, index: number): Mutant {
  const random = seeded(Math.imul(index + 1, SPREAD) ^ seedNumber);
  const below: Below = (limit) => Math.floor(random() * limit);
  const right = target.seeds.filter(({ isMalformed }) => isMalformed === undefined);
  const seed = pick(below(2) === 0 ? right : target.seeds, below);
  const words = target.words.map((word) => (typeof word === "string" ? Buffer.from(word, "latin1") : word));
  if (seed.inner !== undefined && below(2) === 0) {
    const pieces = changePieces(seed.inner, otherPieces(target, below), words, below);
    return { bytes: seed.inner.pack(pieces), origin: `${seed.name}, inside` };
  }
  const bytes = changeBytes(seed.bytes, pick(target.seeds, below).bytes, words, below);
  return { bytes, origin: seed.name };
}

function pick<T>(list: readonly T[], below: Below): T {
  const [one] = atLeast(list.slice(below(list.length)), 1);
  return one;
}

function otherPieces({ seeds }: Target, below: Below): readonly Uint8Array[] {
  const inner = seeds.map((seed: Seed) => seed.inner).filter((pieces) => pieces !== undefined);
  return pick(inner, below).pieces;
}

/** One mostly: what is damaged in one place only gets furthest into a reader. */
function changes(below: Below): number {
  return below(2) === 0 ? 1 : 1 + below(MOST_CHANGES);
}

/** One piece or a few dropped, doubled, exchanged, replaced, or damaged themselves. */
function changePieces(
  { pieces }: Pieces,
  others: readonly Uint8Array[],
  words: readonly Uint8Array[],
  below: Below,
): Uint8Array[] {
  const changed = [...pieces];
  for (let times = changes(below); times > 0 && changed.length > 0; times--) {
    const at = below(changed.length);
    switch (below(8)) {
      case 0:
        changed.splice(at, 1);
        break;
      case 1:
        changed.splice(at, 0, changed[at]!);
        break;
      case 2: {
        const to = below(changed.length);
        [changed[at], changed[to]] = [changed[to]!, changed[at]!];
        break;
      }
      case 3:
        changed[at] = pick(others, below);
        break;
      case 4:
        changed[at] = pick(words, below);
        break;
      default:
        changed[at] = changeBytes(changed[at]!, pick(others, below), words, below);
    }
  }
  return changed;
}

type Change = (bytes: Buffer, below: Below, other: Uint8Array, words: readonly Uint8Array[]) => Uint8Array;

/** Each is as likely as any other. */
const CHANGES: readonly Change[] = [
  flipBit,
  setByte,
  setInteger,
  nudgeInteger,
  cut,
  leaveOut,
  double,
  repeat,
  insert,
  fill,
  splice,
];

function changeBytes(
  seed: Uint8Array,
  other: Uint8Array,
  words: readonly Uint8Array[],
  below: Below,
): Uint8Array {
  let bytes: Uint8Array = Uint8Array.from(seed);
  for (let times = changes(below); times > 0 && bytes.length > 0; times--) {
    bytes = pick(CHANGES, below)(Buffer.from(bytes), below, other, words);
  }
  return bytes.subarray(0, Math.max(MOST_BYTES, seed.length));
}

/** As often in the header as anywhere. */
function place(bytes: Uint8Array, below: Below): number {
  return below(below(2) === 0 ? Math.min(HEADER_BYTES, bytes.length) : bytes.length);
}

function chunk(bytes: Uint8Array, below: Below): readonly [begin: number, end: number] {
  const begin = place(bytes, below);
  return [begin, Math.min(bytes.length, begin + 1 + below(MOST_CHUNK_BYTES))];
}

function flipBit(bytes: Buffer, below: Below): Uint8Array {
  bytes[place(bytes, below)]! ^= 1 << below(8);
  return bytes;
}

function setByte(bytes: Buffer, below: Below): Uint8Array {
  bytes[place(bytes, below)] = below(256);
  return bytes;
}

/** Zero, one, and those at the ends of what is signed and unsigned; NaN and infinity among them. */
const INTERESTING = [
  0n,
  1n,
  2n,
  -1n,
  -2n,
  2n ** 7n,
  2n ** 15n - 1n,
  2n ** 31n,
  2n ** 31n - 1n,
  2n ** 32n - 1n,
  2n ** 53n,
  2n ** 62n,
  2n ** 63n - 1n,
  0x7ff0_0000_0000_0000n,
];
const WIDTHS = [1, 2, 4, 8];

function setInteger(bytes: Buffer, below: Below): Uint8Array {
  return putInteger(bytes, below, () => pick(INTERESTING, below));
}

/** A length that is one, or a few, too small or too large. */
function nudgeInteger(bytes: Buffer, below: Below): Uint8Array {
  const step = BigInt(1 + below(below(2) === 0 ? 1 : 16));
  return putInteger(bytes, below, (found) => (below(2) === 0 ? found + step : found - step));
}

function putInteger(bytes: Buffer, below: Below, make: (found: bigint) => bigint): Uint8Array {
  const width = Math.min(pick(WIDTHS, below), bytes.length);
  const at = Math.min(place(bytes, below), bytes.length - width);
  const field = bytes.subarray(at, at + width);
  const isLittle = below(2) === 0;
  if (isLittle) field.reverse();
  const found = BigInt(`0x${field.toString("hex")}`);
  const made = BigInt.asUintN(8 * width, make(found))
    .toString(16)
    .padStart(2 * width, "0");
  field.set(Buffer.from(made, "hex"));
  if (isLittle) field.reverse();
  return bytes;
}

function cut(bytes: Buffer, below: Below): Uint8Array {
  return bytes.subarray(0, Math.max(1, place(bytes, below)));
}

function leaveOut(bytes: Buffer, below: Below): Uint8Array {
  const [begin, end] = chunk(bytes, below);
  return Buffer.concat([bytes.subarray(0, begin), bytes.subarray(end)]);
}

function double(bytes: Buffer, below: Below): Uint8Array {
  const [begin, end] = chunk(bytes, below);
  return Buffer.concat([bytes.subarray(0, end), bytes.subarray(begin)]);
}

function repeat(bytes: Buffer, below: Below): Uint8Array {
  const [begin, end] = chunk(bytes, below);
  const copies = Array.from({ length: 2 + below(MOST_REPEATS) }, () => bytes.subarray(begin, end));
  return Buffer.concat([bytes.subarray(0, begin), ...copies, bytes.subarray(end)]);
}

function insert(bytes: Buffer, below: Below, _: Uint8Array, words: readonly Uint8Array[]): Uint8Array {
  const at = place(bytes, below);
  return Buffer.concat([bytes.subarray(0, at), pick(words, below), bytes.subarray(at + below(2))]);
}

function fill(bytes: Buffer, below: Below): Uint8Array {
  const [begin, end] = chunk(bytes, below);
  return bytes.fill(pick([0x00, 0x7f, 0xff, 0x20], below), begin, end);
}

/** This file's beginning and another's end. */
function splice(bytes: Buffer, below: Below, other: Uint8Array): Uint8Array {
  if (other.length === 0) return bytes;
  return Buffer.concat([bytes.subarray(0, place(bytes, below)), other.subarray(place(other, below))]);
}
