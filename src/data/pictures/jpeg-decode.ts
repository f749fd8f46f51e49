/** Decodes JPEG pictures (ITU-T T.81) of Huffman codes, sequential and progressive. @throws Error in words, all functions */

import { isFrame, type JpegComponent, type JpegHeader, mostFactors, segmentAt } from "./jpeg.js";
import { flatDct, inverseDct, type Plane, pixelsOf } from "./jpeg-pixels.js";
import {
  type Band,
  Bits,
  BLOCK,
  BlockReader,
  type Huffman,
  huffmanOf,
  type ScanTables,
  ZIGZAG,
} from "./jpeg-scan.js";

const [DHT, EOI, SOS, DQT, DRI] = [0xc4, 0xd9, 0xda, 0xdb, 0xdd];
const SIDE = 8;
/** Most scans. Encoders write about ten, and the most frugal some twenty. */
const MAX_SCANS = 40;
/**
 * A progressive scan goes over all blocks, however short it is. Encoders write about six for a component; one of a plain picture
 * has some 24 blocks for each byte.
 */
const [FREE_VISITS, VISITS_PER_BYTE] = [2 ** 20, 16];
/** Most coefficients of a progressive picture, which are held in memory: those of 16 million pixels with halved colours. */
const MAX_HELD = 26 * 2 ** 20;

/** A component while its scans are read. */
interface Component extends JpegComponent {
  readonly index: number;
  /** Blocks that hold samples of the picture. */
  readonly blocksAcross: number;
  readonly blocksDown: number;
  /** Blocks of a row in memory: whole units. */
  readonly blockStride: number;
  readonly plane: Plane;
  /** Coefficients of a progressive picture: (blocks × 64) i16. */
  readonly held: Int16Array | undefined;
  /** Quantization, in the order of a row-major block: that of the first scan. */
  quantization: Uint16Array | undefined;
  /** Whether a scan had the first coefficients. */
  isSeen: boolean;
}

interface Tables {
  readonly quantization: (Uint16Array | undefined)[];
  readonly dc: (Huffman | undefined)[];
  readonly ac: (Huffman | undefined)[];
  /** Units between two restart markers; 0 for none. */
  restart: number;
}

/** (height × width × channels) u8, row-major. */
export function decodeJpeg(bytes: Uint8Array, header: JpegHeader): Uint8Array {
  const components = componentsOf(header);
  const tables: Tables = { quantization: [], dc: [], ac: [], restart: 0 };
  let [scans, visits, frames] = [0, 0, 0];
  for (let at = 2; ; ) {
    const { marker, start, end } = segmentAt(bytes, at);
    const content = bytes.subarray(start, end);
    at = end;
    if (marker === EOI) break;
    if (marker === DQT) readQuantization(content, tables);
    else if (marker === DHT) readHuffman(content, tables);
    else if (marker === DRI) tables.restart = (content[0] ?? 0) * 256 + (content[1] ?? 0);
    else if (isFrame(marker) && ++frames > 1) throw new Error("it has two frames");
    else if (marker === SOS) {
      if (++scans > MAX_SCANS) throw new Error(`it has more than ${MAX_SCANS} scans`);
      const scan = scanOf(content, header, components, tables);
      visits += scan.parts.reduce((sum, { component: { plane } }) => sum + plane.samples.length / BLOCK, 0);
      if (header.isProgressive && visits > FREE_VISITS + VISITS_PER_BYTE * bytes.length) {
        throw new Error("its scans are more than its bytes can fill");
      }
      at = readScan(new Bits(bytes, at), header, scan, tables.restart);
    }
  }
  for (const component of components) {
    if (!component.isSeen) throw new Error("a component of it has no scan");
    if (component.held !== undefined) transformAll(component, component.held);
  }
  const { width, height, isRgb } = header;
  return pixelsOf(
    components.map(({ plane }) => plane),
    width,
    height,
    isRgb,
  );
}

function componentsOf({ width, height, components, isProgressive }: JpegHeader): Component[] {
  const most = mostFactors(components);
  const [unitsAcross, unitsDown] = [
    Math.ceil(width / (SIDE * most.across)),
    Math.ceil(height / (SIDE * most.down)),
  ];
  const samples = components.map(({ across, down }) => unitsAcross * across * unitsDown * down * BLOCK);
  if (isProgressive && samples.reduce((sum, count) => sum + count, 0) > MAX_HELD) {
    throw new Error(`it is progressive and has more than ${MAX_HELD} samples: save it as a baseline JPEG`);
  }
  return components.map((component, index) => {
    const [across, down] = [most.across / component.across, most.down / component.down];
    const [columns, rows] = [Math.ceil(width / across), Math.ceil(height / down)];
    const blockStride = unitsAcross * component.across;
    const count = samples[index]!;
    return {
      ...component,
      index,
      blocksAcross: Math.ceil(columns / SIDE),
      blocksDown: Math.ceil(rows / SIDE),
      blockStride,
      plane: {
        samples: new Uint8ClampedArray(count),
        stride: blockStride * SIDE,
        columns,
        rows,
        across,
        down,
      },
      held: isProgressive ? new Int16Array(count) : undefined,
      quantization: undefined,
      isSeen: false,
    };
  });
}

/** Tables of 8 or 16 bits, in the order of the file (B.2.4.1). */
function readQuantization(content: Uint8Array, { quantization }: Tables): void {
  for (let at = 0; at < content.length; ) {
    const [isWide, number] = [content[at]! >> 4 === 1, content[at]! & 15];
    const bytes = isWide ? 2 : 1;
    if (number > 3 || content[at]! >> 4 > 1 || at + 1 + BLOCK * bytes > content.length) {
      throw new Error("a quantization table of it is cut");
    }
    const table = new Uint16Array(BLOCK);
    at++;
    for (let k = 0; k < BLOCK; k++, at += bytes) {
      table[ZIGZAG[k]!] = isWide ? content[at]! * 256 + content[at + 1]! : content[at]!;
    }
    quantization[number] = table;
  }
}

/** Counts of codes by length, then their values (B.2.4.2). */
function readHuffman(content: Uint8Array, { dc, ac }: Tables): void {
  for (let at = 0; at < content.length; ) {
    const [kind, number] = [content[at]! >> 4, content[at]! & 15];
    const counts = content.subarray(at + 1, at + 17);
    const total = counts.reduce((sum, count) => sum + count, 0);
    at += 17 + total;
    if (kind > 1 || number > 3 || total > 256 || at > content.length) {
      throw new Error("a Huffman table of it is cut");
    }
    (kind === 0 ? dc : ac)[number] = huffmanOf(counts, content.slice(at - total, at));
  }
}

interface Scan {
  readonly parts: readonly { readonly component: Component; readonly tables: ScanTables }[];
  readonly band: Band;
}

/** The components of a scan with their tables, and its band (B.2.3). */
function scanOf(
  content: Uint8Array,
  header: JpegHeader,
  components: readonly Component[],
  tables: Tables,
): Scan {
  const count = content[0] ?? 0;
  if (count < 1 || count > components.length || content.length < 4 + 2 * count) {
    throw new Error("a scan of it is cut");
  }
  const [first = 0, last = 0, bits = 0] = content.subarray(1 + 2 * count);
  const band: Band = { first, last, low: bits & 15, isRefining: bits >> 4 > 0 };
  if (header.isProgressive) {
    const isBand = first === 0 ? last === 0 : last >= first && last < BLOCK && count === 1;
    if (!isBand || band.low > 13 || (band.isRefining && bits >> 4 !== band.low + 1)) {
      throw new Error("a scan of it has no band of coefficients");
    }
  }
  const parts = Array.from({ length: count }, (_, n) => {
    const [id, numbers = 0] = [content[1 + 2 * n], content[2 + 2 * n]];
    const component = components.find((one) => one.id === id);
    if (component === undefined) throw new Error("a scan of it has an unknown component");
    if (!component.isSeen && first > 0) throw new Error("a scan of it comes before the first coefficients");
    if (component.isSeen && !header.isProgressive) throw new Error("a component of it has two scans");
    component.isSeen = true;
    component.quantization ??= tables.quantization[component.table];
    if (component.quantization === undefined) throw new Error("a quantization table of it is missing");
    return { component, tables: { dc: tables.dc[numbers >> 4], ac: tables.ac[numbers & 15] } };
  });
  return { parts, band };
}

/** Returns the place of the marker behind the scan. */
function readScan(bits: Bits, { isProgressive }: JpegHeader, { parts, band }: Scan, restart: number): number {
  const reader = new BlockReader(bits);
  const block = new Int16Array(BLOCK);
  const readBlock = ({ component, tables }: Scan["parts"][number], across: number, down: number) => {
    const { plane, held, quantization, index, blockStride } = component;
    if (isProgressive && held !== undefined) {
      reader.progressive(index, tables, band, held, (down * blockStride + across) * BLOCK);
    } else if (quantization !== undefined) {
      const to = (down * plane.stride + across) * SIDE;
      if (reader.sequential(index, tables, block)) {
        inverseDct(block, 0, quantization, plane.samples, to, plane.stride);
        block.fill(0);
      } else flatDct(block[0]! * quantization[0]!, plane.samples, to, plane.stride);
    }
  };
  const readUnit = (x: number, y: number) => {
    for (const part of parts) {
      const { across, down } = part.component;
      for (let row = 0; row < down; row++) {
        for (let column = 0; column < across; column++) readBlock(part, x * across + column, y * down + row);
      }
    }
  };
  const [single] = parts;
  if (single === undefined) throw new RangeError("a scan without components");
  // A component alone has its own blocks; several take turns unit by unit, up to the edges of whole units (A.2).
  const isAlone = parts.length === 1;
  const { blocksAcross, blocksDown, blockStride, across, down, plane } = single.component;
  const unitsAcross = isAlone ? blocksAcross : blockStride / across;
  const unitsDown = isAlone ? blocksDown : plane.samples.length / (plane.stride * SIDE) / down;
  const total = unitsAcross * unitsDown;
  const interval = restart > 0 ? restart : total;
  for (let first = 0; first < total; first += interval) {
    if (first > 0) {
      bits.restart(first / interval - 1);
      reader.reset();
    }
    const end = Math.min(total, first + interval);
    for (let unit = first; unit < end; unit++) {
      if (isAlone) unit += reader.skip(end - unit, band);
      if (unit === end) break;
      const [x, y] = [unit % unitsAcross, Math.floor(unit / unitsAcross)];
      if (isAlone) readBlock(single, x, y);
      else readUnit(x, y);
    }
  }
  return bits.end();
}

function transformAll({ plane, quantization, blockStride }: Component, held: Int16Array): void {
  if (quantization === undefined) return;
  for (let block = 0, from = 0; from < held.length; block++, from += BLOCK) {
    const [x, y] = [block % blockStride, Math.floor(block / blockStride)];
    inverseDct(held, from, quantization, plane.samples, (y * plane.stride + x) * SIDE, plane.stride);
  }
}
