/** Entropy-coded scans of a JPEG: Huffman codes to blocks of 64 coefficients (ITU-T T.81, annexes F and G). @throws Error in words */

/** Coefficients of a block. */
export const BLOCK = 64;

/** Places of the coefficients, in the order of the file (figure A.6). */
export const ZIGZAG = Uint8Array.of(
  ...[
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
    14, 21, 28,
  ],
  ...[
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60,
    61, 54, 47, 55, 62, 63,
  ],
);

/** Codes of up to this many bits are looked up. */
const FAST_BITS = 9;
const LONGEST = 16;

/** Codes of one table. */
export interface Huffman {
  /** (2^FAST_BITS): length × 256 + value of the code that the bits begin with; 0 for a longer one. */
  readonly fast: Uint16Array;
  /** (LONGEST + 1): the largest code of each length; −1 where there is none. */
  readonly largest: Int32Array;
  /** (LONGEST + 1): a code plus this is the place of its value. */
  readonly offset: Int32Array;
  readonly values: Uint8Array;
}

/** @param counts (16) number of codes of 1 to 16 bits @param values of the codes, in order */
export function huffmanOf(counts: Uint8Array, values: Uint8Array): Huffman {
  const fast = new Uint16Array(1 << FAST_BITS);
  const [largest, offset] = [new Int32Array(LONGEST + 1).fill(-1), new Int32Array(LONGEST + 1)];
  for (let length = 1, code = 0, place = 0; length <= LONGEST; length++, code <<= 1) {
    const count = counts[length - 1]!;
    if (code + count > 1 << length) throw new Error("a Huffman table of it has too many codes");
    offset[length] = place - code;
    for (let n = 0; n < count; n++, code++, place++) {
      if (length > FAST_BITS) continue;
      const first = code << (FAST_BITS - length);
      fast.fill(length * 256 + values[place]!, first, first + (1 << (FAST_BITS - length)));
    }
    if (count > 0) largest[length] = code - 1;
  }
  return { fast, largest, offset, values };
}

/** The bits of a scan, up to a marker; FF 00 is a byte FF (B.1.1.5). */
export class Bits {
  readonly #bytes: Uint8Array;
  /** The next byte. After a scan, the marker that ends it. */
  #at: number;
  #held = 0;
  #count = 0;
  /** Bits of zeros that follow the last byte. */
  #padding = 0;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  #fill(): void {
    const bytes = this.#bytes;
    while (this.#count <= 24) {
      let byte = bytes[this.#at];
      if (byte === undefined || (byte === 0xff && bytes[this.#at + 1] !== 0)) {
        byte = 0;
        this.#padding += 8;
      } else {
        this.#at += byte === 0xff ? 2 : 1;
      }
      this.#held = (this.#held << 8) | byte;
      this.#count += 8;
    }
  }

  /** The next value of the table's codes. */
  code({ fast, largest, offset, values }: Huffman): number {
    if (this.#count < LONGEST) this.#fill();
    const found = fast[(this.#held >>> (this.#count - FAST_BITS)) & ((1 << FAST_BITS) - 1)]!;
    if (found !== 0) {
      this.#count -= found >> 8;
      return found & 255;
    }
    for (let length = FAST_BITS + 1; length <= LONGEST; length++) {
      const code = (this.#held >>> (this.#count - length)) & ((1 << length) - 1);
      if (code > largest[length]!) continue;
      this.#count -= length;
      return values[code + offset[length]!]!;
    }
    throw new Error("a code of it is in no table");
  }

  /** The next `length` bits, 0 to 16, as a number. */
  take(length: number): number {
    if (length === 0) return 0;
    if (this.#count < length) this.#fill();
    this.#count -= length;
    return (this.#held >>> this.#count) & ((1 << length) - 1);
  }

  /** The next `length` bits as a difference: those of the lower half are negative (F.2.2.1). */
  signed(length: number): number {
    const value = this.take(length);
    return length > 0 && value < 1 << (length - 1) ? value - (1 << length) + 1 : value;
  }

  /** Checks that no bit behind the last byte was taken. */
  check(): void {
    if (this.#padding > this.#count) throw new Error("its pixels are cut by a marker");
  }

  /** Place of the marker behind the bits: other bytes before it are skipped, as libjpeg does. */
  end(): number {
    this.#held = 0;
    this.#count = 0;
    this.#padding = 0;
    const bytes = this.#bytes;
    for (; this.#at + 1 < bytes.length; this.#at++) {
      if (bytes[this.#at] === 0xff && bytes[this.#at + 1] !== 0 && bytes[this.#at + 1] !== 0xff)
        return this.#at;
    }
    throw new Error("its end is missing");
  }

  /** Passes the marker RST of this number (E.2.4). */
  restart(number: number): void {
    this.check();
    this.#at = this.end();
    if (this.#bytes[this.#at + 1] !== 0xd0 + (number & 7))
      throw new Error("a restart marker of it is missing");
    this.#at += 2;
  }
}

/** What a scan reads of a component. */
export interface ScanTables {
  readonly dc: Huffman | undefined;
  readonly ac: Huffman | undefined;
}

/** Coefficients and bits of a progressive scan (B.2.3). */
export interface Band {
  readonly first: number;
  readonly last: number;
  /** The lowest bit that the scan brings. */
  readonly low: number;
  /** Whether higher bits came in another scan. */
  readonly isRefining: boolean;
}

/** Reads block after block. */
export class BlockReader {
  readonly #bits: Bits;
  /** Blocks whose band ends at once. */
  #ended = 0;
  /** Differences of the first coefficients add up, by component. */
  readonly #sums = new Int32Array(4);

  constructor(bits: Bits) {
    this.#bits = bits;
  }

  reset(): void {
    this.#ended = 0;
    this.#sums.fill(0);
  }

  /** Passes blocks to which a scan brings nothing, `most` at most. Returns their number. */
  skip(most: number, { isRefining }: Band): number {
    const skipped = isRefining ? 0 : Math.min(this.#ended, most);
    this.#ended -= skipped;
    return skipped;
  }

  /** All coefficients of a block. `out` (64) is zeros before. Returns whether one behind the first is not zero. */
  sequential(component: number, { dc, ac }: ScanTables, out: Int16Array): boolean {
    const bits = this.#bits;
    let hasMore = false;
    out[0] = this.#first(component, dc);
    if (ac === undefined) throw new Error(MISSING_TABLE);
    for (let k = 1; k < BLOCK; k++) {
      const code = bits.code(ac);
      const size = code & 15;
      if (size === 0) {
        if (code !== ZEROS) break;
        k += 15;
        continue;
      }
      k += code >> 4;
      if (k >= BLOCK) throw new Error(BEYOND);
      out[ZIGZAG[k]!] = bits.signed(size);
      hasMore = true;
    }
    bits.check();
    return hasMore;
  }

  /** What a progressive scan brings of a block: the 64 coefficients from `at` on. */
  progressive(component: number, { dc, ac }: ScanTables, band: Band, x: Int16Array, at: number): void {
    if (band.first === 0) {
      if (!band.isRefining) x[at] = this.#first(component, dc) << band.low;
      else if (this.#bits.take(1) === 1) x[at]! |= 1 << band.low;
    } else if (ac === undefined) {
      throw new Error(MISSING_TABLE);
    } else if (band.isRefining) {
      this.#refine(ac, band, x, at);
    } else {
      this.#begin(ac, band, x, at);
    }
    this.#bits.check();
  }

  #first(component: number, dc: Huffman | undefined): number {
    if (dc === undefined) throw new Error(MISSING_TABLE);
    const size = this.#bits.code(dc);
    if (size > LONGEST) throw new Error(BEYOND);
    this.#sums[component]! += this.#bits.signed(size);
    return this.#sums[component]!;
  }

  /** First bits of a band (G.1.2.2), in a block that `skip` has not passed. */
  #begin(ac: Huffman, { first, last, low }: Band, x: Int16Array, at: number): void {
    const bits = this.#bits;
    for (let k = first; k <= last; k++) {
      const code = bits.code(ac);
      const [run, size] = [code >> 4, code & 15];
      if (size === 0) {
        if (code !== ZEROS) {
          this.#ended = (1 << run) - 1 + bits.take(run);
          return;
        }
        k += 15;
        continue;
      }
      k += run;
      if (k > last) throw new Error(BEYOND);
      x[at + ZIGZAG[k]!] = bits.signed(size) << low;
    }
  }

  /** One more bit of a band, and coefficients that were zero until now (G.1.2.3). */
  #refine(ac: Huffman, { first, last, low }: Band, x: Int16Array, at: number): void {
    const bits = this.#bits;
    const bit = 1 << low;
    let k = first;
    if (this.#ended === 0) {
      for (; k <= last; k++) {
        const code = bits.code(ac);
        let run = code >> 4;
        let value = 0;
        if ((code & 15) !== 0) {
          if ((code & 15) !== 1) throw new Error(BEYOND);
          value = bits.take(1) === 1 ? bit : -bit;
        } else if (code !== ZEROS) {
          this.#ended = (1 << run) + bits.take(run);
          break;
        }
        // Coefficients that are not zero get their bit; `run` of the others stay zero.
        for (; k <= last; k++) {
          const place = at + ZIGZAG[k]!;
          if (x[place] !== 0) this.#add(x, place, bit);
          else if (--run < 0) break;
        }
        if (value === 0) continue;
        if (k > last) throw new Error(BEYOND);
        x[at + ZIGZAG[k]!] = value;
      }
    }
    if (this.#ended === 0) return;
    for (; k <= last; k++) {
      const place = at + ZIGZAG[k]!;
      if (x[place] !== 0) this.#add(x, place, bit);
    }
    this.#ended--;
  }

  #add(x: Int16Array, place: number, bit: number): void {
    if (this.#bits.take(1) === 0 || (x[place]! & bit) !== 0) return;
    x[place]! += x[place]! > 0 ? bit : -bit;
  }
}

/** Code of sixteen zeros. */
const ZEROS = 0xf0;
const MISSING_TABLE = "a Huffman table of it is missing";
const BEYOND = "a block of it has more than 64 coefficients";
