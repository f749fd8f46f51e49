/** The header of a JPEG picture (ITU-T T.81): its frame, and how its components are colours. `jpeg-decode.ts` reads the pixels. */

/** Red, green and blue, or luma and two differences. */
const COLOURS = 3;

/** One of the planes that a JPEG holds. */
export interface JpegComponent {
  readonly id: number;
  /** Blocks across and down in each unit of the picture; a component with fewer is widened. */
  readonly across: number;
  readonly down: number;
  /** Number of its quantization table. */
  readonly table: number;
}

export interface JpegHeader {
  readonly width: number;
  readonly height: number;
  /** 1 for grey, 3 for colours. */
  readonly channels: number;
  readonly components: readonly JpegComponent[];
  readonly isProgressive: boolean;
  /** Whether the components are red, green and blue themselves. */
  readonly isRgb: boolean;
}

/** Whether a file begins as a JPEG does. */
export function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8;
}

const [APP0, APP14] = [0xe0, 0xee];
const PROGRESSIVE = 0xc2;
/** Frames of Huffman codes: baseline, extended sequential, progressive. */
const FRAMES = [0xc0, 0xc1, PROGRESSIVE];
/** DHT, JPG and DAC lie among the numbers of frames. */
const NO_FRAMES = [0xc4, 0xc8, 0xcc];
/** SOI, EOI, TEM and RSTn stand alone. */
const isAlone = (marker: number) => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd9);

export function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && !NO_FRAMES.includes(marker);
}

/** A marker and the bytes that it states the length of. */
export interface Segment {
  readonly marker: number;
  /** The first byte of the content, and the one behind it. */
  readonly start: number;
  readonly end: number;
}

/** The next segment from `at` on; fill bytes are skipped (B.1.1.2). @throws Error in words */
export function segmentAt(bytes: Uint8Array, at: number): Segment {
  let place = at;
  if (bytes[place] !== 0xff) throw new Error("a segment of it does not begin with a marker");
  while (bytes[place] === 0xff) place++;
  const marker = bytes[place];
  if (marker === undefined) throw new Error("it ends within its segments");
  const start = place + 1;
  if (isAlone(marker)) return { marker, start, end: start };
  const length = (bytes[start] ?? 0) * 256 + (bytes[start + 1] ?? 0);
  if (length < 2 || start + length > bytes.length) throw new Error("a segment of it is cut");
  return { marker, start: start + 2, end: start + length };
}

/** Walks the segments to the frame. @throws Error in words */
export function readJpegHeader(bytes: Uint8Array): JpegHeader {
  let [isJfif, adobe] = [false, -1];
  for (let at = 2; ; ) {
    const { marker, start, end } = segmentAt(bytes, at);
    if (isFrame(marker)) {
      if (FRAMES.includes(marker)) return frameHeader(bytes, marker, { start, end }, isJfif, adobe);
      throw new Error(`its frame is SOF${marker - 0xc0}, neither baseline nor progressive`);
    }
    if (isAlone(marker)) throw new Error("it has no frame");
    if (marker === APP0 && startsWith(bytes, start, end, "JFIF")) isJfif = true;
    if (marker === APP14 && startsWith(bytes, start, end, "Adobe")) adobe = bytes[start + 11] ?? -1;
    at = end;
  }
}

function startsWith(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  if (start + text.length > end) return false;
  for (let n = 0; n < text.length; n++) if (bytes[start + n] !== text.charCodeAt(n)) return false;
  return true;
}

/** Bits, height, width, components, then an ID, factors and a table for each component (B.2.2). */
function frameHeader(
  bytes: Uint8Array,
  marker: number,
  { start, end }: Omit<Segment, "marker">,
  isJfif: boolean,
  adobe: number,
): JpegHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, end - start);
  if (view.byteLength < 6) throw new Error("its frame is cut");
  const [bits, height, width, channels] = [
    view.getUint8(0),
    view.getUint16(1),
    view.getUint16(3),
    view.getUint8(5),
  ];
  if (bits !== 8) throw new Error(`it has ${bits} bits a sample`);
  if (width === 0 || height === 0) throw new Error("it has no pixels");
  if (channels !== 1 && channels !== COLOURS) {
    throw new Error(
      `it has ${channels} components, neither grey nor colours${channels === 4 ? ": CMYK" : ""}`,
    );
  }
  if (view.byteLength < 6 + 3 * channels) throw new Error("its frame is cut");
  const components = Array.from({ length: channels }, (_, n): JpegComponent => {
    const [id, factors, table] = [0, 1, 2].map((byte) => view.getUint8(6 + 3 * n + byte));
    return { id: id ?? 0, across: (factors ?? 0) >> 4, down: (factors ?? 0) & 15, table: table ?? 0 };
  });
  assertFactors(components);
  // Without JFIF's segment, Adobe's tells, or IDs that are letters (libjpeg's jdapimin.c).
  const isRgb =
    !isJfif && (adobe >= 0 ? adobe === 0 : String.fromCharCode(...components.map(({ id }) => id)) === "RGB");
  return { width, height, channels, components, isProgressive: marker === PROGRESSIVE, isRgb };
}

/** Factors are 1 to 4, each divides the largest, and a unit has at most ten blocks (B.2.3). */
function assertFactors(components: readonly JpegComponent[]): void {
  const most = mostFactors(components);
  for (const { across, down } of components) {
    if (across >= 1 && across <= 4 && down >= 1 && down <= 4) {
      if (most.across % across === 0 && most.down % down === 0) continue;
    }
    throw new Error(`a component of it has ${across} x ${down} blocks of ${most.across} x ${most.down}`);
  }
  if (components.length > 1 && components.reduce((sum, { across, down }) => sum + across * down, 0) > 10) {
    throw new Error("it has more than ten blocks in a unit");
  }
}

export function mostFactors(components: readonly JpegComponent[]): { across: number; down: number } {
  return {
    across: Math.max(...components.map(({ across }) => across)),
    down: Math.max(...components.map(({ down }) => down)),
  };
}
