/** Tells ink from paper, whichever of them is the darker. */
import { PictureError } from "#src/base/errors.js";
import type { GreyPicture } from "./grey.js";

/** A drawing whose ink differs from its paper by less than this, of 255, is taken for blank paper. */
const LEAST_CONTRAST = 32;
/** Shades nearer to the paper than this share of the strongest ink are paper: its grain, a scanner's noise. */
const PAPER_SHARE = 0.15;

/** Values (height × width) from 0, paper, to 1, the strongest ink. @throws PictureError ERR_PICTURE_BLANK */
export function inkOf(picture: GreyPicture, path: string): GreyPicture {
  const { width, height, values } = picture;
  const paper = median(borderOf(picture));
  let lighter = 0;
  let darker = 0;
  for (const value of values) {
    if (value > paper) lighter += value - paper;
    else darker += paper - value;
  }
  const sign = lighter > darker ? 1 : -1;
  const strongest = values.reduce((most, value) => Math.max(most, sign * (value - paper)), 0);
  if (strongest < LEAST_CONTRAST) throw new PictureError("ERR_PICTURE_BLANK", { path });
  const ink = values.map((value) => {
    const share = (sign * (value - paper)) / strongest;
    return share < PAPER_SHARE ? 0 : share;
  });
  return { width, height, values: ink };
}

/** The outermost pixels, which are paper in all but a few drawings. */
function borderOf({ width, height, values }: GreyPicture): number[] {
  const border: number[] = [];
  for (let column = 0; column < width; column++)
    border.push(values[column], values[(height - 1) * width + column]);
  for (let row = 0; row < height; row++) border.push(values[row * width], values[(row + 1) * width - 1]);
  return border;
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
