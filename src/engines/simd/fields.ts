/**
 * Where the fields of a run and of its layers lie in the kernel's memory, in bytes. Both compilers read this file: the
 * kernel (AssemblyScript) loads the fields, and layout.ts (TypeScript) writes them. So it holds only what both languages
 * understand: constants without types. A field is an i32, a pointer or a count, unless its comment says f32. V is the
 * number of vectors of four outputs in a row of a layer, I the number of its inputs.
 */

/** Images that go through a layer together. */
export const GROUP = 16;
/** Most vectors of outputs that the kernel sums at once: in the first layer, which is sparse, and in the others. */
export const SPARSE_VECTORS = 7;
export const DENSE_VECTORS = 4;

/** Bytes an image takes, a multiple of 16. */
export const RUN_STRIDE = 0;
/** (256, 16) u8: row m moves the pairs of bytes of mask m to the front. */
export const RUN_SHUFFLES = 4;
/** Scratch (GROUP, stride) i32: the inputs that are not zero. */
export const RUN_VALUES = 8;
/** Scratch (GROUP, 4 · stride) u8: where each of them stood; of pairs as u16, of elements as u32. */
export const RUN_INDEXES = 12;
/** (layers, LAYER_BYTES): the fields of each layer. */
export const RUN_LAYERS = 16;
export const RUN_LAYER_COUNT = 20;
/** (classes, 4 · V) f32: error of the difference of two logits per unit of the pixel sum. */
export const RUN_BOUND_SLOPES = 24;
/** (classes, 4 · V) f32: the part of that error that does not depend on the pixels. */
export const RUN_BOUND_BASES = 28;
/** Scratch (GROUP) i32: entries of each image's list of inputs. */
export const RUN_COUNTS = 32;
/** Scratch (GROUP) i32. */
export const RUN_PIXEL_SUMS = 36;
/** Scratch, a row of the widest layer, f32; the next two as well. */
export const RUN_SUM_ERRORS = 40;
export const RUN_OUT_ERRORS = 44;
export const RUN_MAGNITUDES = 48;
/** Number of classes; the last layer's lanes beyond it are padding. */
export const RUN_OUTPUTS = 52;
/** f32: factor that bounds what the sums of `isApart` lose by rounding. */
export const RUN_ERROR_SLACK = 56;
export const RUN_BYTES = 60;

/** 1 if the layer computes with integers, 0 if with f32. */
export const LAYER_IS_INTEGER = 0;
/** Pairs of inputs if the layer computes with integers, else inputs. */
export const LAYER_INPUTS = 4;
/** V. */
export const LAYER_VECTORS = 8;
/** Tile by tile: (pairs, 4 · V) i16 pairs, or (I, 4 · V) f32. */
export const LAYER_WEIGHTS = 12;
/** (4 · V) f32. */
export const LAYER_SCALES = 16;
/** (4 · V) f32. */
export const LAYER_BIASES = 20;
/** One of the four codes below. */
export const LAYER_ACTIVATION = 24;
/** Scratch (GROUP, row bytes). */
export const LAYER_SUMS = 28;
/** Scratch (GROUP, row bytes); rows of i16 fill half of theirs. */
export const LAYER_OUT = 32;
/** f32: 0 if outputs stay f32; otherwise an output y becomes round(scale · y) as i16. */
export const LAYER_OUT_SCALE = 36;
/** Bytes of a row of sums or outputs: V vectors and room for one more. */
export const LAYER_ROW_BYTES = 40;
/** (4 · V) f32: error of the sums that does not depend on the activations, per unit of the pixel sum. */
export const LAYER_FIXED_SLOPES = 44;
/** (4 · V) f32: the part of it that does not depend on the pixels. */
export const LAYER_FIXED_BASES = 48;
/** (I, made even, 4 · V) f32; every layer but the first has them. */
export const LAYER_PLAIN_WEIGHTS = 52;
/** f32: error of an activation. */
export const LAYER_ACTIVATION_ERROR = 56;
/** (I, made even, 4 · V) f32; every layer but the first has them. */
export const LAYER_WEIGHT_ERRORS = 60;
/** 1 if no image can bring the argument of exp2 beyond ±126. */
export const LAYER_IS_TAME = 64;
export const LAYER_BYTES = 68;

export const IDENTITY = 0;
export const SIGMOID = 1;
export const TANH = 2;
export const RELU = 3;
