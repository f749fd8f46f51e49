/** Writes JPEG files for tests, right ones and wrong ones, by the standard (ITU-T T.81) and not by the code under test. */

export interface FlatJpeg {
  readonly width: number;
  readonly height: number;
  /** Blocks across and down in a unit, for each component. Default: one component of one block. */
  readonly factors?: readonly (readonly [across: number, down: number])[];
  /** Shade of each block, in the order of the scan; fewer go round. Default: 128 for all. */
  readonly shades?: readonly number[];
  /** Units between restart markers. */
  readonly restart?: number;
  /** Marker of the frame. Default: baseline. A progressive one has a scan of first coefficients alone. */
  readonly frame?: number;
  readonly bits?: number;
  /** Segments before the frame. */
  readonly before?: readonly Uint8Array[];
}

const MARKERS = { DHT: 0xc4, SOI: 0xd8, EOI: 0xd9, SOS: 0xda, DQT: 0xdb, DRI: 0xdd } as const;
export const [BASELINE, PROGRESSIVE] = [0xc0, 0xc2];

/** A marker, the length, the content. */
export function jpegSegment(marker: number, content: Uint8Array | readonly number[]): Buffer {
  const length = content.length + 2;
  return Buffer.concat([Buffer.of(0xff, marker, length >> 8, length & 255), Buffer.from(content)]);
}

const word = (value: number) => [value >> 8, value & 255];

/** Every step is 8, so that a first coefficient of 1 is one shade of a flat block. */
const QUANTIZATION = jpegSegment(MARKERS.DQT, [0, ...new Array<number>(64).fill(8)]);
/** Twelve codes of four bits for the sizes 0 to 11; one code of one bit, which ends a block. */
export const HUFFMAN = jpegSegment(MARKERS.DHT, [
  ...[0x00, 0, 0, 0, 12, ...new Array<number>(12).fill(0), ...Array.from({ length: 12 }, (_, n) => n)],
  ...[0x10, 1, ...new Array<number>(15).fill(0), 0],
]);

/** The header of the frame. */
export function jpegFrame({
  width,
  height,
  factors = [[1, 1]],
  frame = BASELINE,
  bits = 8,
}: FlatJpeg): Buffer {
  const each = factors.flatMap(([across, down], n) => [n + 1, across * 16 + down, 0]);
  return jpegSegment(frame, [bits, ...word(height), ...word(width), factors.length, ...each]);
}

/** The header of a scan of all components, or of the one of this number. */
export function jpegScan(
  components: number,
  band: readonly [first: number, last: number, bits: number],
  only?: number,
) {
  const ids = only === undefined ? Array.from({ length: components }, (_, n) => n + 1) : [only];
  return jpegSegment(MARKERS.SOS, [ids.length, ...ids.flatMap((id) => [id, 0]), ...band]);
}

/** A picture whose blocks are flat. */
export function flatJpeg(options: FlatJpeg): Buffer {
  const { restart = 0, before = [], factors = [[1, 1]], frame = BASELINE } = options;
  return Buffer.concat([
    Buffer.of(0xff, MARKERS.SOI),
    ...before,
    QUANTIZATION,
    HUFFMAN,
    ...(restart > 0 ? [jpegSegment(MARKERS.DRI, word(restart))] : []),
    jpegFrame(options),
    jpegScan(factors.length, frame === PROGRESSIVE ? [0, 0, 0] : [0, 63, 0]),
    entropyCoded(options),
    Buffer.of(0xff, MARKERS.EOI),
  ]);
}

function entropyCoded({
  width,
  height,
  factors = [[1, 1]],
  shades = [128],
  restart = 0,
  frame,
}: FlatJpeg): Buffer {
  const most = [0, 1].map((n) => Math.max(...factors.map((factor) => factor[n]!)));
  const units = Math.ceil(width / (8 * most[0]!)) * Math.ceil(height / (8 * most[1]!));
  const pieces: Buffer[] = [];
  let [bits, sums, block] = ["", factors.map(() => 0), 0];
  for (let unit = 0; unit < units; unit++) {
    if (restart > 0 && unit > 0 && unit % restart === 0) {
      pieces.push(stuffed(bits), Buffer.of(0xff, 0xd0 + ((unit / restart - 1) & 7)));
      [bits, sums] = ["", factors.map(() => 0)];
    }
    for (const [component, [across, down]] of factors.entries()) {
      for (let n = 0; n < across * down; n++) {
        const value = shades[block++ % shades.length]! - 128;
        bits += difference(value - sums[component]!) + (frame === PROGRESSIVE ? "" : "0");
        sums[component] = value;
      }
    }
  }
  return Buffer.concat([...pieces, stuffed(bits)]);
}

/** The size of a difference in four bits, then its bits (F.1.2.1). */
function difference(value: number): string {
  const size = value === 0 ? 0 : Math.floor(Math.log2(Math.abs(value))) + 1;
  const bits = value < 0 ? value + 2 ** size - 1 : value;
  return size.toString(2).padStart(4, "0") + (size === 0 ? "" : bits.toString(2).padStart(size, "0"));
}

/** Bytes of bits, filled up by ones; a byte FF is followed by 00. */
function stuffed(bits: string): Buffer {
  const bytes = bits.match(/.{1,8}/g) ?? [];
  return Buffer.from(
    bytes
      .map((byte) => Number.parseInt(byte.padEnd(8, "1"), 2))
      .flatMap((byte) => (byte === 255 ? [255, 0] : byte)),
  );
}
