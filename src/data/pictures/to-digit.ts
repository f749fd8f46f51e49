/** From a drawing of any size to an image like MNIST's, by MNIST's own rules (LeCun et al., yann.lecun.com/exdb/mnist). */

import { PictureError } from "#src/base/errors.js";

/** Rows and columns of the image. */
export const DIGIT_SIDE = 28;
/** The drawing fits a box of so many pixels, its aspect kept. */
const BOX_SIDE = 20;
/** Share of the strongest ink, which is 1. */
export const SURE_INK = 0.5;
/** This share of the inked pixels is darkened fully: a thin pen on a large sheet would else leave but a shade. */
const FULL_INK_QUANTILE = 0.75;

/** A picture in shades of grey, in memory: a byte a pixel. */
export interface GreyPicture {
  readonly width: number;
  readonly height: number;
  /** (height × width) u8, row-major; 0 is black, WHITE is white. */
  readonly shades: Uint8Array;
}
export const WHITE = 255;

/** (28 × 28) u8, row-major, ink is bright: scaled into 20 × 20, anti-aliased, its centre of mass in the middle. */
export function toDigit(picture: GreyPicture, path: string): Uint8Array {
  const ink = inkOf(picture, path);
  return centred(strengthened(shrunk(picture, boxOf(picture, ink), ink)));
}

/** Ink of a drawing that was scaled. */
interface Inked {
  readonly width: number;
  readonly height: number;
  /** (height × width), row-major, from 0, paper, to 1, the strongest ink. */
  readonly values: Float32Array;
}

/** Rectangle within a picture, in pixels. */
interface Box {
  readonly top: number;
  readonly left: number;
  readonly width: number;
  readonly height: number;
}

/** The smallest rectangle with all that is surely ink: the paper's grain does not widen it. */
function boxOf({ width, height, shades }: GreyPicture, ink: Float32Array): Box {
  let [top, bottom, left, right] = [height, -1, width, -1];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      if (ink[shades[row * width + column]!]! < SURE_INK) continue;
      top = Math.min(top, row);
      bottom = row;
      left = Math.min(left, column);
      right = Math.max(right, column);
    }
  }
  return { top, left, width: right - left + 1, height: bottom - top + 1 };
}

/** The longer side of the box becomes BOX_SIDE pixels; each pixel is the mean of what it covers. */
function shrunk(picture: GreyPicture, { top, left, width, height }: Box, ink: Float32Array): Inked {
  const scale = Math.max(width, height) / BOX_SIDE;
  const [newWidth, newHeight] = [
    Math.max(1, Math.round(width / scale)),
    Math.max(1, Math.round(height / scale)),
  ];
  const line = new Float32Array(width);
  const narrowed = new Float32Array(newWidth * height);
  for (let row = 0; row < height; row++) {
    const from = (top + row) * picture.width + left;
    for (let column = 0; column < width; column++) line[column] = ink[picture.shades[from + column]!]!;
    averageAlong(line, 0, 1, width, narrowed, row * newWidth, 1, newWidth);
  }
  const shrunken = new Float32Array(newWidth * newHeight);
  for (let column = 0; column < newWidth; column++) {
    averageAlong(narrowed, column, newWidth, height, shrunken, column, newWidth, newHeight);
  }
  return { width: newWidth, height: newHeight, values: shrunken };
}

/** One line of `count` values (from, step) becomes one of `newCount`: the mean over each new one's share of the line. */
function averageAlong(
  source: Float32Array,
  from: number,
  step: number,
  count: number,
  target: Float32Array,
  to: number,
  toStep: number,
  newCount: number,
): void {
  const share = count / newCount;
  for (let n = 0; n < newCount; n++) {
    const [low, high] = [n * share, (n + 1) * share];
    let sum = 0;
    for (let k = Math.floor(low); k < Math.min(count, Math.ceil(high)); k++) {
      sum += source[from + k * step]! * (Math.min(k + 1, high) - Math.max(k, low));
    }
    target[to + n * toStep] = sum / share;
  }
}

function strengthened({ width, height, values }: Inked): Inked {
  const inked = values.filter((value) => value > 0).sort();
  const full = inked[Math.floor(inked.length * FULL_INK_QUANTILE)]!;
  return { width, height, values: values.map((value) => Math.min(1, value / full)) };
}

/** Moved by whole pixels, as far as all of it stays inside; the mean index of MNIST's mass is 14.0 either way. */
function centred({ width, height, values }: Inked): Uint8Array {
  let [mass, x, y] = [0, 0, 0];
  for (let pixel = 0; pixel < values.length; pixel++) {
    mass += values[pixel]!;
    x += values[pixel]! * (pixel % width);
    y += values[pixel]! * Math.floor(pixel / width);
  }
  const left = shiftOf(x / mass, width);
  const top = shiftOf(y / mass, height);
  const image = new Uint8Array(DIGIT_SIDE * DIGIT_SIDE);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      image[(top + row) * DIGIT_SIDE + left + column] = Math.round(255 * values[row * width + column]!);
    }
  }
  return image;
}

function shiftOf(centreOfMass: number, side: number): number {
  return Math.min(Math.max(0, Math.round(DIGIT_SIDE / 2 - centreOfMass)), DIGIT_SIDE - side);
}

/** A drawing whose ink differs from its paper by less than this is taken for blank paper. */
const LEAST_CONTRAST = 32;
/** Shades nearer to the paper than this share of the strongest ink are paper: its grain, a scanner's noise. */
const PAPER_SHARE = 0.15;

/** Ink (256) of each shade, from 0, paper, to 1, the strongest. @throws PictureError ERR_PICTURE_BLANK */
export function inkOf(picture: GreyPicture, path: string): Float32Array {
  const paper = median(borderOf(picture));
  const counts = new Uint32Array(WHITE + 1);
  const { shades } = picture;
  for (let pixel = 0; pixel < shades.length; pixel++) counts[shades[pixel]!]!++;
  let [lighter, darker] = [0, 0];
  for (const [shade, count] of counts.entries()) {
    if (shade > paper) lighter += count * (shade - paper);
    else darker += count * (paper - shade);
  }
  const isLight = lighter > darker;
  const extreme = isLight ? counts.findLastIndex(isFound) : counts.findIndex(isFound);
  const strongest = Math.abs(extreme - paper);
  if (strongest < LEAST_CONTRAST) throw new PictureError("ERR_PICTURE_BLANK", { path });
  return Float32Array.from(counts, (_, shade) => {
    const share = (isLight ? shade - paper : paper - shade) / strongest;
    return share < PAPER_SHARE ? 0 : share;
  });
}

const isFound = (count: number) => count > 0;

/** Most pixels of one side whose shades are compared: the median of a longer side hardly changes. */
const MOST_OF_SIDE = 2 ** 14;

/** The outermost pixels, which are paper in all but a few drawings. Of a long side, every n-th one. */
function borderOf({ width, height, shades }: GreyPicture): Uint8Array {
  const [across, down] = [Math.ceil(width / MOST_OF_SIDE), Math.ceil(height / MOST_OF_SIDE)];
  const border = new Uint8Array(2 * (Math.ceil(width / across) + Math.ceil(height / down)));
  let n = 0;
  for (let column = 0; column < width; column += across) {
    border[n++] = shades[column]!;
    border[n++] = shades[(height - 1) * width + column]!;
  }
  for (let row = 0; row < height; row += down) {
    border[n++] = shades[row * width]!;
    border[n++] = shades[(row + 1) * width - 1]!;
  }
  return border;
}

function median(values: Uint8Array): number {
  return values.sort()[Math.floor(values.length / 2)]!;
}
