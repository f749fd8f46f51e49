/** Where the fields of a run and of a layer lie, in bytes; layout.ts writes what these name. */

export const RUN_STRIDE: usize = 0; // bytes an image takes, a multiple of 16
export const RUN_SHUFFLES: usize = 4; // (256, 16) u8: moves the pairs of a mask to the front
export const RUN_VALUES: usize = 8; // scratch (GROUP, stride) i32: what is not zero
export const RUN_INDEXES: usize = 12; // scratch (GROUP, stride · 4 bytes): where it stood; of pairs u16, of elements u32
export const RUN_LAYERS: usize = 16;
export const RUN_LAYER_COUNT: usize = 20;
export const RUN_BOUND_SLOPES: usize = 24; // (classes, V·4) f32: error of a difference of two logits, a unit of pixel sum
export const RUN_BOUND_BASES: usize = 28; // (classes, V·4) f32: the part that does not depend on the pixels
export const RUN_COUNTS: usize = 32; // scratch (GROUP) i32: entries of the image's list
export const RUN_PIXEL_SUMS: usize = 36; // scratch (GROUP) i32
export const RUN_SUM_ERRORS: usize = 40; // scratch, a row of the widest layer, f32
export const RUN_OUT_ERRORS: usize = 44; // the same
export const RUN_MAGNITUDES: usize = 48; // the same
export const RUN_OUTPUTS: usize = 52; // classes; the last layer's lanes from there on are padding
export const RUN_ERROR_SLACK: usize = 56; // f32: what the sums of isApart lose by rounding, at most, as a factor

export const LAYER_BYTES: usize = 68;
export const LAYER_IS_INTEGER: usize = 0;
export const LAYER_INPUTS: usize = 4; // integer: pairs; float: elements
export const LAYER_VECTORS: usize = 8;
export const LAYER_WEIGHTS: usize = 12;
export const LAYER_SCALES: usize = 16; // (V·4) f32
export const LAYER_BIASES: usize = 20; // (V·4) f32
export const LAYER_ACTIVATION: usize = 24;
export const LAYER_SUMS: usize = 28; // scratch (GROUP, rowBytes)
export const LAYER_OUT: usize = 32; // (GROUP, rowBytes); i16 rows fill half of theirs
export const LAYER_OUT_SCALE: usize = 36; // f32; 0 where outputs stay f32, else they become round(scale · y) i16
export const LAYER_ROW_BYTES: usize = 40; // of sums and outputs: V vectors and room for one more
export const LAYER_FIXED_SLOPES: usize = 44; // (V·4) f32: of the sums' error that does not depend on the activations
export const LAYER_FIXED_BASES: usize = 48; // (V·4) f32
export const LAYER_PLAIN_WEIGHTS: usize = 52; // (I, made even, V·4) f32, of all layers but the first
export const LAYER_ACTIVATION_ERROR: usize = 56; // f32
export const LAYER_WEIGHT_ERRORS: usize = 60; // (I, made even, V·4) f32, of all layers but the first
export const LAYER_IS_TAME: usize = 64; // whether no image can bring exp2's argument beyond ±126

export const IDENTITY: i32 = 0;
export const SIGMOID: i32 = 1;
export const TANH: i32 = 2;
export const RELU: i32 = 3;

/** Images that go through a layer together. */
export const GROUP: i32 = 16;

export function lastLayer(run: usize): usize {
  const index: usize = load<i32>(run, RUN_LAYER_COUNT) - 1;
  return <usize>load<i32>(run, RUN_LAYERS) + index * LAYER_BYTES;
}
