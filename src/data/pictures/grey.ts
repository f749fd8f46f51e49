/** A picture in shades of grey, in memory. */

export interface GreyPicture {
  readonly width: number;
  readonly height: number;
  /** (height × width), row-major; 0 is black, 255 is white. */
  readonly values: Float32Array;
}
