/**
 * JPEG pictures (ITU-T T.81), baseline and progressive, grey and in colours. jpeg-js decodes the samples; smaller planes of colour are
 * widened and colours converted as in libjpeg-turbo, which Pillow and TensorFlow use: jpeg-js only repeats samples.
 */

/** Red, green and blue, or luma and two differences. */
const COLOURS = 3;
/** Most scans of a progressive JPEG: each goes over all blocks, however short it is. Encoders write about ten. */
const MAX_SCANS = 100;
/** Memory of the decoder: about 20 bytes per pixel and component. */
const MEMORY_MB = 1024;

/** Samples of a component per sample of the largest one, as a divisor along each axis. */
interface Sampling {
  readonly across: number;
  readonly down: number;
}

export interface JpegHeader {
  readonly width: number;
  readonly height: number;
  /** 1 for grey, 3 for colours. */
  readonly channels: number;
  readonly sampling: readonly Sampling[];
  /** Whether the components are red, green and blue themselves. */
  readonly isRgb: boolean;
  /** Position of Adobe's segment. */
  readonly adobeAt: number | undefined;
}

/** Whether a file begins as a JPEG does. */
export function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8;
}

const APP14 = 0xee;
/** Frames that jpeg-js decodes: baseline, extended sequential, progressive. */
const FRAMES = [0xc0, 0xc1, 0xc2];
/** DHT, JPG and DAC lie among the numbers of frames. */
const NO_FRAMES = [0xc4, 0xc8, 0xcc];
const SOS = Buffer.of(0xff, 0xda);

/** Walks the segments to the frame's header. @throws Error in words */
export function readJpegHeader(bytes: Uint8Array): JpegHeader {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let adobeAt: number | undefined;
  for (let at = 2; at + 19 <= file.length; ) {
    if (file[at] !== 0xff) throw new Error("a segment of it does not begin with a marker");
    const marker = file[at + 1]!;
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (marker === APP14 && file.toString("latin1", at + 4, at + 9) === "Adobe") adobeAt = at + 4;
    if (marker >= 0xc0 && marker <= 0xcf && !NO_FRAMES.includes(marker)) {
      if (!FRAMES.includes(marker))
        throw new Error(`its frame is SOF${marker - 0xc0}, neither baseline nor progressive`);
      return frameHeader(file, at + 4, adobeAt);
    }
    at += 2 + file.readUInt16BE(at + 2);
  }
  throw new Error("it has no frame");
}

/** Bits, height, width, components, then an ID, factors and a table for each component (annex B.2.2). */
function frameHeader(file: Buffer, at: number, adobeAt: number | undefined): JpegHeader {
  const [bits, channels] = [file[at]!, file[at + 5]!];
  const [height, width] = [file.readUInt16BE(at + 1), file.readUInt16BE(at + 3)];
  if (bits !== 8) throw new Error(`it has ${bits} bits a sample`);
  if (width === 0 || height === 0) throw new Error("it has no pixels");
  if (channels !== 1 && channels !== COLOURS)
    throw new Error(`it has ${channels} components, neither grey nor colours`);
  if (at + 6 + COLOURS * channels > file.length) throw new Error("its frame is cut");
  const factors = Array.from({ length: channels }, (_, n) => file[at + 7 + COLOURS * n]!);
  const [mostAcross, mostDown] = [
    Math.max(...factors.map((f) => f >> 4)),
    Math.max(...factors.map((f) => f & 15)),
  ];
  const ids = Array.from({ length: channels }, (_, n) => file[at + 6 + COLOURS * n]!);
  return {
    width,
    height,
    channels,
    sampling: factors.map((f) => ({ across: mostAcross / (f >> 4), down: mostDown / (f & 15) })),
    // Adobe's segment ends with 0 for RGB. Without one, the IDs can be the letters (libjpeg, jdapimin.c).
    isRgb: adobeAt === undefined ? String.fromCharCode(...ids) === "RGB" : file[adobeAt + 11] === 0,
    adobeAt,
  };
}

/** Loads the decoder at the first JPEG. */
export async function loadJpegDecoder(): Promise<(bytes: Uint8Array, header: JpegHeader) => Uint8Array> {
  const { default: jpeg } = await import("jpeg-js");
  return (bytes, header) => {
    const { width, height, channels, isRgb, adobeAt } = header;
    assertFewScans(bytes);
    // A copy that is not Adobe's: jpeg-js would convert its colours.
    const file = Uint8Array.from(bytes);
    if (adobeAt !== undefined) file[adobeAt] = 0;
    const { data, ...found } = jpeg.decode(file, {
      useTArray: true,
      formatAsRGBA: false,
      colorTransform: false,
      tolerantDecoding: false,
      maxMemoryUsageInMB: MEMORY_MB,
    });
    if (found.width !== width || found.height !== height) throw new Error("it has two frames");
    if (channels === 1) {
      // The decoder repeats each shade three times.
      const shades = new Uint8Array(width * height);
      for (let n = 0; n < shades.length; n++) shades[n] = data[n * COLOURS]!;
      return shades;
    }
    if (!isRgb) {
      for (let plane = 1; plane < COLOURS; plane++) smooth(data, plane, header);
      toRgb(data);
    }
    return data;
  };
}

function assertFewScans(bytes: Uint8Array): void {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let scans = 0;
  for (let at = file.indexOf(SOS); at >= 0; at = file.indexOf(SOS, at + 2)) {
    if (++scans > MAX_SCANS) throw new Error(`it has more than ${MAX_SCANS} scans`);
  }
}

/** Shortest row whose samples libjpeg-turbo weighs. */
const LEAST_SMOOTH = 3;

/**
 * Replaces repeated samples of a plane, one for two pixels along an axis, by ¾ of the nearer sample and ¼ of the next one
 * (`h2v1_fancy_upsample`, `h1v2_fancy_upsample` and `h2v2_fancy_upsample` of libjpeg-turbo's jdsample.c).
 */
function smooth(data: Uint8Array, plane: number, { width, height, sampling }: JpegHeader): void {
  const { across, down } = sampling[plane] ?? { across: 1, down: 1 };
  const [columns, rows] = [Math.ceil(width / across), Math.ceil(height / down)];
  const isWide = across === 2 && down <= 2 && columns >= LEAST_SMOOTH;
  const isHigh = down === 2 && across === 1;
  if (!isWide && !isHigh) return;
  const samples = new Uint8Array(rows * columns);
  for (let row = 0, n = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      samples[n++] = data[(row * down * width + column * across) * COLOURS + plane]!;
    }
  }
  /** Sums of a row: ¾ and ¼ of two rows, in quarters; or the row itself. */
  const sums = new Int32Array(columns);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y / down);
    const other = Math.min(rows - 1, Math.max(0, row + (y % 2 === 0 ? -1 : 1)));
    for (let column = 0; column < columns; column++) {
      const near = samples[row * columns + column]!;
      sums[column] = down === 2 ? 3 * near + samples[other * columns + column]! : near;
    }
    let at = y * width * COLOURS + plane;
    for (let x = 0; x < width; x++, at += COLOURS) {
      if (across === 1) {
        data[at] = (sums[x]! + (y % 2 === 0 ? 1 : 2)) >> 2;
        continue;
      }
      const isLeft = x % 2 === 0;
      const column = x >> 1;
      const next = Math.min(columns - 1, Math.max(0, column + (isLeft ? -1 : 1)));
      const sum = 3 * sums[column]! + sums[next]!;
      data[at] = down === 2 ? (sum + (isLeft ? 8 : 7)) >> 4 : (sum + (isLeft ? 1 : 2)) >> 2;
    }
  }
}

/** Luma and differences to red, green and blue, in 16-bit fixed point (libjpeg-turbo, jdcolor.c). */
function toRgb(data: Uint8Array): void {
  const HALF = 1 << 15;
  for (let at = 0; at < data.length; at += COLOURS) {
    const [y, blue, red] = [data[at]!, data[at + 1]! - 128, data[at + 2]! - 128];
    data[at] = byteOf(y + ((91_881 * red + HALF) >> 16));
    data[at + 1] = byteOf(y + ((-22_554 * blue - 46_802 * red + HALF) >> 16));
    data[at + 2] = byteOf(y + ((116_130 * blue + HALF) >> 16));
  }
}

const byteOf = (value: number) => Math.min(255, Math.max(0, value));
